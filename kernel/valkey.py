"""A Valkey client for hot paths: one connection, commands of concurrent callers coalesced into one
write.

redis-py spends three times as long per command in a busy process. This one packs and parses with
hiredis (the same C code), sends in one go what gathered while two batches were under way, and gets
its answers in order. Only for commands that are safe to lose: a broken connection fails what was in
flight and is made anew by the next caller.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeAlias, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis
import msgspec

from kernel.errand import Errand, in_a_task, is_errand, wait
from kernel.log import event

Value = bytes | int | None | list[Any]
Command: TypeAlias = tuple[Any, ...]


class Packed(msgspec.Struct, frozen=True):
    """Commands in Valkey's protocol (RESP 2), written by who knows their shape: a quarter of the
    time of packing them; ``answers``: how many come back.
    """

    wire: bytes
    answers: int


def packed(*commands: Command) -> Packed:
    """Commands ready to be sent."""
    return Packed(b"".join(map(hiredis.pack_command, commands)), len(commands))


_TICKS: Final = 4
"""How often within the timeout somebody looks whether the oldest question is overdue."""


_BATCHES: Final = 2
"""Under way at once: while Valkey works on one, this end has another to read."""


class ValkeyDown(ConnectionError):
    """Valkey cannot be reached or did not answer in time."""


Waiter: TypeAlias = "asyncio.Future[list[Value]] | Errand | None"
"""Who waits for answers; None: nobody."""


class _Question:
    """Commands sent together: who waits for their answers, and those that came."""

    __slots__ = ("answers", "asked_at", "ends_batch", "left", "problem", "waiter")

    def __init__(self, waiter: Waiter, count: int, asked_at: int) -> None:
        self.waiter = waiter
        self.left = count
        self.ends_batch = False
        self.asked_at = asked_at
        self.answers: list[Any] = []
        self.problem: hiredis.ReplyError | None = None


class _Link(asyncio.Protocol):
    """One connection: an ordered queue of questions, and a buffer that fills while two batches sent
    before it are being answered: the busier both ends are, the more go together.
    """

    def __init__(self, timeout_s: float) -> None:
        self.loop = asyncio.get_running_loop()
        self._timeout_s = timeout_s
        self._reader = hiredis.Reader()
        self._open: deque[_Question] = deque()
        self._buffer: list[bytes] = []
        self._under_way = 0
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._looks = 0
        self._why = "connection lost"
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        reader.feed(data)
        while (answer := reader.gets()) is not False:
            question = self._open[0]
            question.answers.append(answer)
            if question.problem is None and isinstance(answer, hiredis.ReplyError):
                question.problem = answer
            question.left -= 1
            if not question.left:
                self._open.popleft()
                self._under_way -= question.ends_batch
                _settle(question)
        if self._buffer and self._under_way < _BATCHES:
            self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
        while self._open:
            _disappoint(self._open.popleft().waiter, ValkeyDown(self._why))

    def ask(self, commands: Packed) -> asyncio.Future[list[Value]]:
        waiter: asyncio.Future[list[Value]] = self.loop.create_future()
        self.submit(commands, waiter)
        return waiter

    def submit(self, commands: Packed, waiter: Waiter) -> None:
        self._open.append(_Question(waiter, commands.answers, self._looks))
        self._buffer.append(commands.wire)
        if len(self._buffer) == 1 and self._under_way < _BATCHES:
            self.loop.call_soon(self._flush)
        if self._watch is None:
            self._watch = self.loop.call_later(self._timeout_s / _TICKS, self._look)

    def close(self) -> None:
        """Say what is still to be said, and hang up."""
        self._flush()
        self.lost = True
        if self._transport is not None:
            self._transport.close()

    def _give_up(self) -> None:
        self._why = f"no answer in {self._timeout_s} s"
        self.lost = True
        if self._transport is not None:
            self._transport.abort()

    def _flush(self) -> None:
        pending, self._buffer = self._buffer, []
        if pending and self._transport is not None and not self.lost:
            self._open[-1].ends_batch = True
            self._under_way += 1
            self._transport.write(b"".join(pending))

    def _look(self) -> None:
        """One timer for all questions: a deadline for each would cost more than the question."""
        self._watch = None
        self._looks += 1
        if not self._open:
            return
        if self._looks - self._open[0].asked_at > _TICKS:
            self._give_up()
        else:
            self._watch = self.loop.call_later(self._timeout_s / _TICKS, self._look)


def _settle(question: _Question) -> None:
    waiter, problem = question.waiter, question.problem
    if problem is not None:
        if waiter is None:
            event("valkey.refused", problem=str(problem))
        _disappoint(waiter, problem)
    elif isinstance(waiter, Errand):
        waiter.go_on(question.answers)
    elif waiter is not None and not waiter.done():  # else whoever asked has gone
        waiter.set_result(question.answers)


def _disappoint(waiter: Waiter, problem: Exception) -> None:
    if isinstance(waiter, Errand):
        waiter.fail(problem)
    elif waiter is not None and not waiter.done():
        waiter.set_exception(problem)


class Valkey:
    """A multiplexed client; ``call`` and ``ask`` wait for answers, ``post`` does not."""

    def __init__(self, url: str, *, timeout_s: float = 1.0) -> None:
        self._url = urlsplit(url)
        self._timeout_s = timeout_s
        self._link: _Link | None = None
        self._connecting: asyncio.Task[_Link] | None = None
        self._sending: set[asyncio.Future[None]] = set()

    async def call(self, *command: Any) -> Value:
        """Send one command and return its answer; raises ValkeyDown, or ReplyError of hiredis."""
        return (await self.ask(command))[0]

    async def ask(self, *commands: Command) -> list[Value]:
        """Send commands in one go and return their answers in order.

        Raises ValkeyDown, or the first ReplyError of hiredis. No transaction: commands of others
        may run in between.
        """
        return await self.ask_packed(packed(*commands))

    def ask_packed(self, commands: Packed) -> Awaitable[list[Value]]:
        """The same for commands that are packed already; they are on their way when this returns,
        unless there is no connection yet.
        """
        link = self._link
        if link is None or link.lost:
            return self._ask_anew(commands)
        return wait(partial(link.submit, commands)) if is_errand(link.loop) else link.ask(commands)

    async def _ask_anew(self, commands: Packed) -> list[Value]:
        await in_a_task()
        return await (await self._connect()).ask(commands)

    def post(self, *commands: Command) -> None:
        """Send commands and wait for nothing; on a new connection if the old one broke."""
        self.post_packed(packed(*commands))

    def post_packed(self, commands: Packed) -> None:
        """The same for commands that are packed already."""
        link = self._link
        if link is not None and not link.lost:
            link.submit(commands, None)
        else:
            sending = asyncio.ensure_future(self._send_anew(commands))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    async def _send_anew(self, commands: Packed) -> None:
        with suppress(ValkeyDown):
            (await self._connect()).submit(commands, None)

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
            _, link = await loop.create_unix_connection(self._new_link, unquote(self._url.path))
        else:
            secure = True if self._url.scheme in ("rediss", "valkeys") else None
            host, port = self._url.hostname or "127.0.0.1", self._url.port or 6379
            _, link = await loop.create_connection(self._new_link, host, port, ssl=secure)
        return link

    def _new_link(self) -> _Link:
        return _Link(self._timeout_s)

    async def _greet(self, link: _Link) -> None:
        if self._url.password:
            user = (unquote(self._url.username),) if self._url.username else ()
            await link.ask(packed(("AUTH", *user, unquote(self._url.password))))
        path = self._url.path.strip("/") if self._url.scheme != "unix" else ""
        number = parse_qs(self._url.query).get("db", [path])[0]
        if number and number != "0":
            await link.ask(packed(("SELECT", number)))
