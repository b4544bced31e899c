"""Which headers of an exchange are kept as evidence: what it is, when, and signed by whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_KEPT: Final = frozenset(
    (
        "content-digest",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "retry-after",
        "server",
        "signature",
        "signature-date",
        "signature-input",
        "user-agent",
        "x-client-id",
        "x-content-hash",
        "x-correlationid",
        "x-date",
        "x-jws-signature",
    )
)
_MAX_TEXT: Final = 512


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The allowed ones, names in lower case; never a token, a cookie or a key."""
    return {
        name.lower(): printable(value, _MAX_TEXT)
        for name, value in headers.items()
        if name.lower() in _KEPT
    }


def printable(text: str, limit: int) -> str:
    """A text that any database can hold: the first ``limit`` characters, ``?`` for odd ones."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:limit])
