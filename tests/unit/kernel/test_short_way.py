"""The short way of a connection: who waits, who is hung up on, what an answer that fails gives.

That it tells what uvicorn would tell is in tests/properties/test_short_way.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from kernel.short_way import ShortWay, same_head
from tests.peer import Peer, Said

POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\n"
IDLE_S = 5
"""uvicorn's own."""


class _Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Line:
    """A connection whose first request has gone uvicorn's way."""

    def __init__(self, loop: _Loop) -> None:
        self._loop = loop
        self.waiting: list[ShortWay] = []
        config = uvicorn.Config(
            self._app, http=ShortWay, interface="asgi3", log_config=None, ws="none"
        )
        assert config.timeout_keep_alive == IDLE_S
        self.way = ShortWay(config, ServerState(), {}, loop)

    async def open(self) -> None:
        self.peer = Peer(self.way)
        await self.say(POST + b"one")
        assert self.told() == b"one"

    async def say(self, data: bytes) -> None:
        self.peer.send(data)
        await self.peer.wait(20)

    async def pass_time(self, seconds: float) -> None:
        self._loop.ahead += seconds
        await self.peer.wait(20)

    def told(self) -> bytes:
        """The bodies since this was asked last; of another status with the head."""
        told, self.peer.told = self.peer.told, b""
        heads = told.split(b"HTTP/1.1 200 OK\r\n")
        return b"".join(head.rpartition(b"\r\n\r\n")[2] for head in heads[1:]) or told

    def answer(self, body: bytes) -> None:
        """Answer the oldest request that waits."""
        self.waiting.pop(0).respond(Said(body))

    def _again(self, body: bytes, asker: ShortWay) -> None:
        assert len(body) == 3
        self.waiting.append(asker)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        same_head(scope, self._again)
        await receive()
        headers = [(b"content-length", b"3")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"one"})


@pytest.fixture
def loop() -> Iterator[_Loop]:
    loop = _Loop()
    yield loop
    loop.close()


@pytest.fixture
def line(loop: _Loop) -> Line:
    made = Line(loop)
    loop.run_until_complete(made.open())
    return made


def test_who_sends_nothing_for_too_long_is_hung_up_on(loop: _Loop, line: Line) -> None:
    async def idle() -> None:
        await line.say(POST + b"two")
        line.answer(b"two")
        await line.pass_time(IDLE_S - 1)
        assert not line.peer.is_closing()
        await line.say(POST + b"three"[:3])
        line.answer(b"three")
        await line.pass_time(IDLE_S - 1)
        assert not line.peer.is_closing(), "it has just been answered"
        await line.pass_time(1.1)
        assert line.peer.is_closing()
        assert line.told() == b"twothree"

    loop.run_until_complete(idle())


def test_who_waits_for_an_answer_is_not_hung_up_on(loop: _Loop, line: Line) -> None:
    async def slow() -> None:
        await line.say(POST + b"two")
        await line.pass_time(IDLE_S * 20)
        line.answer(b"two")
        await line.pass_time(0)
        assert line.told() == b"two"
        await line.say(POST + b"th")
        await line.pass_time(IDLE_S * 20)
        await line.say(b"r")
        line.answer(b"three")
        assert line.told() == b"three"
        assert not line.peer.is_closing()

    loop.run_until_complete(slow())


def test_what_comes_early_waits_for_its_turn(loop: _Loop, line: Line) -> None:
    async def hurry() -> None:
        await line.say(POST + b"two")
        await line.say(POST + b"thr" + POST + b"fou")
        assert len(line.waiting) == 1
        line.answer(b"two")
        await line.pass_time(0)
        # Two in one piece are uvicorn's to part.
        assert line.told() == b"twooneone"

    loop.run_until_complete(hurry())


def test_a_server_that_stops_answers_what_it_has_begun(loop: _Loop, line: Line) -> None:
    async def stop() -> None:
        await line.say(POST + b"two")
        line.way.shutdown()
        assert not line.peer.is_closing()
        line.answer(b"two")
        assert line.peer.is_closing()
        assert b"connection: close" in line.peer.told

    loop.run_until_complete(stop())


def test_a_server_that_stops_waits_for_nobody_else(loop: _Loop, line: Line) -> None:
    async def stop() -> None:
        line.way.shutdown()
        assert line.peer.is_closing()

    loop.run_until_complete(stop())


def test_a_request_that_cannot_be_answered_ends_the_connection(loop: _Loop, line: Line) -> None:
    async def fail() -> None:
        await line.say(POST + b"two")
        line.waiting[0].break_off()
        assert line.peer.told.startswith(b"HTTP/1.1 500 ")
        assert line.peer.is_closing()

    loop.run_until_complete(fail())


def test_nobody_is_told_twice(loop: _Loop, line: Line) -> None:
    async def twice() -> None:
        await line.say(POST + b"two")
        asker = line.waiting[0]
        line.answer(b"two")
        asker.break_off()
        assert line.told() == b"two"
        assert not line.peer.is_closing()
        with pytest.raises(RuntimeError, match="nobody waits"):
            asker.respond(Said(b"once more"))

    loop.run_until_complete(twice())


def test_an_answer_to_who_has_gone_goes_nowhere(loop: _Loop, line: Line) -> None:
    async def leave() -> None:
        await line.say(POST + b"two")
        await line.peer.hang_up()
        line.answer(b"two")
        assert line.told() == b""

    loop.run_until_complete(leave())


def test_a_header_that_would_break_an_answer_is_refused(loop: _Loop, line: Line) -> None:
    async def split() -> None:
        await line.say(POST + b"two")
        with pytest.raises(ValueError, match="not a header"):
            line.waiting[0].respond(Said(b"two", ((b"x", b"1\r\nset-cookie: a=b"),)))
        line.waiting[0].break_off()
        assert b"set-cookie" not in line.peer.told

    loop.run_until_complete(split())
