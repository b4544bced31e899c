"""A Valkey client for hot paths: one connection, commands of concurrent callers coalesced into one
write.

redis-py spends three times as long per command in a busy process. This one packs and parses with
hiredis (the same C code), sends what gathered during one turn of the event loop in one go and
answers in order. Only for commands that are safe to lose: a broken connection fails what was in
flight and is made anew by the next caller.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis

Value = bytes | int | None | list[Any]


class ValkeyDown(ConnectionError):
    """Valkey cannot be reached or did not answer in time."""


class _Link(asyncio.Protocol):
    """One connection: an ordered queue of futures, and a buffer flushed once per loop turn."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Value]] = deque()
        self._buffer: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            waiter = self._waiting.popleft()
            if waiter.done():
                continue
            if isinstance(answer, hiredis.ReplyError):
                waiter.set_exception(answer)
            else:
                waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(ValkeyDown("connection lost"))

    def submit(self, command: tuple[Any, ...]) -> asyncio.Future[Value]:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Value] = loop.create_future()
        self._waiting.append(waiter)
        if not self._buffer:
            loop.call_soon(self._flush)
        self._buffer.append(hiredis.pack_command(command))
        return waiter

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self.lost = True

    def _flush(self) -> None:
        pending, self._buffer = b"".join(self._buffer), []
        if self._transport is not None and not self.lost:
            self._transport.write(pending)


class Valkey:
    """A multiplexed client; ``call`` waits for the answer, ``post`` does not."""

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self._url = urlsplit(url)
        self._timeout_s = timeout_s
        self._link: _Link | None = None
        self._connecting: asyncio.Task[_Link] | None = None

    async def call(self, *command: Any) -> Value:
        """Send one command and return its answer; raises ValkeyDown, or ReplyError of hiredis."""
        link = self._link
        if link is None or link.lost:
            link = await self._connect()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await link.submit(command)
        except TimeoutError:
            link.close()
            raise ValkeyDown(f"no answer in {self._timeout_s} s") from None

    def post(self, *command: Any) -> None:
        """Send one command on the open connection and let its answer go; a lost one is lost."""
        link = self._link
        if link is not None and not link.lost:
            link.submit(command).add_done_callback(_let_go)

    async def close(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.close()
        await asyncio.sleep(0)

    async def _connect(self) -> _Link:
        """A new connection; concurrent callers share one attempt, and its failure."""
        if self._connecting is None or self._connecting.done():
            self._connecting = asyncio.create_task(self._attempt())
        # Shielded: a caller that gives up must not take the connection away from the others.
        return await asyncio.shield(self._connecting)

    async def _attempt(self) -> _Link:
        link: _Link | None = None
        try:
            async with asyncio.timeout(self._timeout_s):
                link = await self._open()
                await self._greet(link)
        except (OSError, TimeoutError, hiredis.ReplyError) as problem:
            if link is not None:
                link.close()
            raise ValkeyDown(str(problem) or "connection timed out") from None
        self._link = link
        return link

    async def _open(self) -> _Link:
        loop = asyncio.get_running_loop()
        if self._url.scheme == "unix":
            _, link = await loop.create_unix_connection(_Link, unquote(self._url.path))
        else:
            secure = True if self._url.scheme in ("rediss", "valkeys") else None
            host, port = self._url.hostname or "127.0.0.1", self._url.port or 6379
            _, link = await loop.create_connection(_Link, host, port, ssl=secure)
        return link

    async def _greet(self, link: _Link) -> None:
        if self._url.password:
            user = (unquote(self._url.username),) if self._url.username else ()
            await link.submit(("AUTH", *user, unquote(self._url.password)))
        path = self._url.path.strip("/") if self._url.scheme != "unix" else ""
        number = parse_qs(self._url.query).get("db", [path])[0]
        if number and number != "0":
            await link.submit(("SELECT", number))


def _let_go(waiter: asyncio.Future[Value]) -> None:
    if not waiter.cancelled():
        waiter.exception()
