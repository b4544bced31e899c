"""JSON as operators ought to send it; whatever could be read in two ways is not read at all.

Refused: not UTF-8, not an object, NaN and infinities, a key written twice, nesting without end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def read_object(body: bytes) -> Mapping[str, Any] | None:
    """The JSON object in a body; None if it is anything else. Never raises."""
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_Number,
            parse_int=_Number,
        )
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def text_at(value: Mapping[str, Any], key: str, *, limit: int = 256) -> str | None:
    """A printable text of 1 to ``limit`` characters at ``key``; None if something else is there."""
    text = value.get(key)
    if not isinstance(text, str) or isinstance(text, _Number):
        return None
    return text if 0 < len(text) <= limit and text.isprintable() else None


def object_at(value: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    """An object at ``key``; None if something else is there."""
    inner = value.get(key)
    return inner if isinstance(inner, dict) else None


def whole_at(value: Mapping[str, Any], key: str) -> int | None:
    """A whole number at ``key``, at most twelve digits long; None if something else is there."""
    number = value.get(key)
    if not isinstance(number, _Number) or len(number) > 12 or not number.isdecimal():
        return None
    return int(number)


def moment_at(value: Mapping[str, Any], key: str) -> datetime | None:
    """An ISO 8601 moment with its offset at ``key``; None if something else is there."""
    text = text_at(value, key)
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


class _Number(str):
    """A JSON number as it was written: no float is made of it, and it is never taken for a text."""

    __slots__ = ()


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("a key is written twice")
    return read


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
