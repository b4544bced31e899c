"""Reading a request with suspicion: who asks, and what exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from starlette.requests import Request

from api import keys
from api.desk import ApiDesk
from api.problems import Problem

MAX_BODY_BYTES: Final = 64 * 1024
_MAX_IDEMPOTENCY_KEY: Final = 100


async def agency_of(desk: ApiDesk, request: Request) -> str:
    """The agency whose key was sent; Problem key_missing or key_unknown."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        raise Problem("key_missing")
    async with desk.desk.database.read() as connection:
        agency = await keys.agency_of(connection, key.strip())
    if agency is None:
        raise Problem("key_unknown")
    return agency


async def json_object(request: Request) -> dict[str, Any]:
    """The body as an object; Problem body_too_large or body_not_json (NaN and twin fields too)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem("body_too_large")
    try:
        value = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except (ValueError, RecursionError):
        raise Problem("body_not_json") from None
    if not isinstance(value, dict):
        raise Problem("body_not_json")
    return value


def idempotency_key(request: Request) -> str | None:
    """The ``Idempotency-Key`` header (IETF draft); Problem idempotency_key_unfit."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not 0 < len(key) <= _MAX_IDEMPOTENCY_KEY or not (key.isascii() and key.isprintable()):
        raise Problem("idempotency_key_unfit")
    return key


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a field came twice")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
