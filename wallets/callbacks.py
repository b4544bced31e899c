"""Where operators tell results (``/callbacks/{token}``): stored raw, acknowledged, read later.

A callback is a hint. It is kept byte for byte with the work that will look at it, in one commit
that it shares with those that came with it; only then is it acknowledged. Nothing here decides
anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import asyncpg
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kernel.clock import Clock, SystemClock
from kernel.log import event, fault
from wallets.collections import KEPT_BYTES
from wallets.headers import kept_headers, printable
from wallets.inbox import Inbox
from wallets.port import Evidence
from wallets.tokens import callback_token, digest, is_token

__all__ = ["WORK_KIND", "callback_token", "digest", "routes"]

WORK_KIND: Final = "wallets.callback"
"""The kind of work that a new callback makes; its key is the evidence's id."""

READ_BYTES: Final = 1024 * 1024
READ_TIMEOUT_S: Final = 10.0
"""How long a body may take to arrive; what came until then is stored."""
COMMIT_TIMEOUT_S: Final = 2.0
"""Operators give up on a callback after two seconds; a later answer is none. What is stored later
all the same counts their repeat.
"""

_MAX_QUERY: Final = 2048
_RETRY_AFTER: Final = {"Retry-After": "5"}
_DOWN: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class _Body:
    kept: bytes
    size: int
    note: str


def routes(
    inbox: Inbox, wake: Callable[[], None], *, clock: Clock | None = None
) -> list[BaseRoute]:
    """The callback route; ``wake`` is called after the commit that made new work."""
    the_clock = clock or SystemClock()

    async def receive(request: Request) -> Response:
        token: str = request.path_params["token"]
        if not is_token(token):
            return Response(status_code=404)
        body = await _read(request)
        evidence = Evidence(
            kind="callback",
            at=the_clock.now(),
            method=request.method,
            url_path=_path(request),
            headers=kept_headers(request.headers),
            body=body.kept,
            note=body.note,
        )
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                stored = await inbox.store(digest(token), evidence, size=body.size)
        except _DOWN:
            fault("wallets.callback_not_stored", size=body.size)
            return Response(status_code=503, headers=_RETRY_AFTER)
        if stored is None:
            event("wallets.callback_unknown", method=request.method, size=body.size)
            return Response(status_code=404)
        wake()
        event(
            "wallets.callback",
            collection=str(stored.collection),
            evidence=str(stored.evidence),
            method=request.method,
            size=body.size,
            is_repeat=stored.is_repeat,
            note=body.note,
        )
        return Response(status_code=204)

    route = Route("/callbacks/{token}", receive, methods=["GET", "POST", "PUT"])
    if route.methods is not None:
        route.methods.discard("HEAD")  # comes along with GET; a HEAD is nobody's callback
    return [route]


async def _read(request: Request) -> _Body:
    """Keep the start of the body and count the rest, up to ``READ_BYTES``.

    One that is longer, stalls or breaks off is stored like any other: there may be money behind it.
    It is acknowledged too: refusing (413) would only make the operator send the same again.
    """
    kept, size, note = bytearray(), 0, ""
    try:
        async with asyncio.timeout(READ_TIMEOUT_S), aclosing(request.stream()) as chunks:
            async for chunk in chunks:
                size += len(chunk)
                kept += chunk[: KEPT_BYTES - len(kept)]
                if size > READ_BYTES:
                    note = f"longer than {READ_BYTES} bytes"
                    break
    except TimeoutError:
        note = "stalled"
    except ClientDisconnect:
        note = "broke off"
    return _Body(bytes(kept), max(size, _declared_size(request)), note)


def _declared_size(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _path(request: Request) -> str:
    """The path without its token, with what the operator wrote behind the question mark."""
    query = printable(request.url.query, _MAX_QUERY)
    return f"/callbacks/…?{query}" if query else "/callbacks/…"
