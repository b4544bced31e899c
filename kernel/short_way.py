"""uvicorn's HTTP/1.1 with a short way for requests whose head came before on their connection.

An operator's server keeps its connections and sends the same head with every hop. Parsing it,
describing it to the application in a task of its own and asking again who may come in costs more
than the hop itself. So an application that has let a request in may say who answers the next ones
with the same head (``same_head``; it travels in ``scope["extensions"]``), and of those only the
body is read. All bytes of the head are compared, but for the number in Content-Length, and only on
the connection that brought it: whatever was concluded from it holds. Everything else (other heads,
other methods, chunks, several requests at once) goes uvicorn's way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]


class Answer(Protocol):
    """What a peer is told; ``headers``: all but the length."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...


Answering: TypeAlias = "Callable[[bytes, ShortWay], None]"
"""Who answers the body of a request: calls ``respond`` or ``break_off`` once, at any time."""

EXTENSION: Final = "mizan.same_head"

_CLOSE: Final = b"connection: close\r\n"
_METHOD: Final = b"POST "
_END: Final = b"\r\n\r\n"
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_MAX_HEAD: Final = 4096
_MAX_DIGITS: Final = 5
"""Of the length of a body: less than what uvicorn takes before it asks a peer to wait."""


class _Broken(NamedTuple):
    status: int = 500
    headers: Headers = ((b"content-type", b"text/plain; charset=utf-8"),)
    body: bytes = b"Internal Server Error"


class _Known(NamedTuple):
    """A head that came before, in two halves around the length of the body, and who answers."""

    before: bytes
    after: bytes
    answer: Answering

    def body_in(self, data: bytes) -> tuple[int, int] | None:
        """Where the body of a request with this head begins and ends; None for another head."""
        if not data.startswith(self.before):
            return None
        at = len(self.before)
        until = data.find(b"\r", at, at + _MAX_DIGITS + 1)
        length = data[at:until]
        if not length.isdigit() or not data.startswith(self.after, until):
            return None
        begins = until + len(self.after)
        return begins, begins + int(length)


def same_head(scope: Scope, answer: Answering) -> None:
    """Let ``answer`` have the next requests with the same head, where the server knows how."""
    extension = scope.get("extensions", {}).get(EXTENSION)
    if extension is not None:
        extension["remember"](answer)


class ShortWay(HttpToolsProtocol):
    """The protocol of one connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known: _Known | None = None
        self._came = b""
        """What began with the request whose head is being parsed."""
        self._begun = b""
        """A known head, and as much of its body as is there."""
        self._early = b""
        """What came before the request under way was answered."""
        self._is_inside = False
        self._is_answering = False
        self._is_last = False
        self._answered_at = 0.0
        self._every: list[tuple[bytes, bytes]] = []
        self._lines_of_every = b""

    def data_received(self, data: bytes) -> None:
        """What the peer sent: a request with the known head, or anything else."""
        if self._is_answering:
            self._early += data
            self.flow.pause_reading()
            return
        begun, self._begun = self._begun, b""
        data = begun + data
        known = self._known if self._is_between() else None
        found = known.body_in(data) if known is not None else None
        if known is not None and found is not None and found[1] == len(data):
            self._is_answering = True
            known.answer(data[found[0] :], self)
        elif found is not None and found[1] > len(data) and not begun:
            self._begun = data  # many send the body in a second piece
        else:
            self._came = data if self._is_between() else b""
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer has gone; the application hears of a request that will not be whole."""
        if self._begun:
            super().data_received(self._begun)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        self._is_inside = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is read: the application may say who answers the next like it."""
        super().on_headers_complete()
        came, self._came = self._came, b""
        halves = self._halves(came)
        if halves is not None:
            remember = partial(self._remember, *halves)
            self.scope["extensions"] = {EXTENSION: {"remember": remember}}

    def on_message_complete(self) -> None:
        """The last byte of a request has come."""
        self._is_inside = False
        super().on_message_complete()

    def respond(self, answer: Answer) -> None:
        """Answer the request under way."""
        if not self._is_answering:
            raise RuntimeError("nobody waits for an answer")
        self._is_answering = False
        if self.transport.is_closing():
            return
        every = self.server_state.default_headers  # anew each second, for the date
        if every is not self._every:
            self._every, self._lines_of_every = every, _lines(tuple(every))
        lines = _lines(answer.headers) + (_CLOSE if self._is_last else b"")
        start, body = STATUS_LINE[answer.status] + self._lines_of_every, answer.body
        self.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (start, lines, len(body), body))
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self._is_last:
            self.transport.close()
        elif self._early:
            self.loop.call_soon(self._go_on)
        elif self.timeout_keep_alive_task is None:
            self._watch(self.timeout_keep_alive)

    def break_off(self) -> None:
        """Say that the request under way cannot be answered, if it is not yet, and hang up."""
        if self._is_answering:
            self._is_last = True
            self.respond(_Broken())

    def shutdown(self) -> None:
        """Close, once what is under way is answered."""
        if self._is_answering:
            self._is_last = True
        else:
            super().shutdown()

    def timeout_keep_alive_handler(self) -> None:
        """Hang up on who sends nothing for too long. One timer looks from time to time: to set and
        cancel one for each request would cost as much as reading it.
        """
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if self._is_answering or self._begun or left > 0:
            self._watch(left if left > 0 else self.timeout_keep_alive)
        else:
            super().timeout_keep_alive_handler()

    def _watch(self, seconds: float) -> None:
        handler = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(seconds, handler)

    def _go_on(self) -> None:
        """With what came early."""
        early, self._early = self._early, b""
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.data_received(early)

    def _is_between(self) -> bool:
        """Whether nothing of a request is left over, in or out."""
        return not (self._is_inside or self.flow.write_paused or _is_open(self.cycle))

    def _halves(self, came: bytes) -> tuple[bytes, bytes] | None:
        """The head in what came, around the length of the body; None where there is more to it.

        The parser refuses whatever would make its head another than this one: lone line feeds, two
        lengths, chunks beside a length (tests/properties/test_short_way.py).
        """
        head, end, _ = came.partition(_END)
        is_plain = (
            head.startswith(_METHOD)
            and len(head) <= _MAX_HEAD
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
        )
        whole = head + end
        named = _LENGTH.search(whole) if is_plain else None
        return (whole[: named.start(1)], whole[named.end(1) :]) if named else None

    def _remember(self, before: bytes, after: bytes, answer: Answering) -> None:
        self._known = _Known(before, after, answer)


def _is_open(cycle: RequestResponseCycle | None) -> bool:
    """Whether a request that went uvicorn's way is still being answered."""
    return cycle is not None and not cycle.response_complete


@lru_cache(maxsize=64)
def _lines(headers: Headers) -> bytes:
    for name, value in headers:
        if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
            raise ValueError(f"not a header: {name!r}")
    return b"".join([b"%b: %b\r\n" % header for header in headers])
