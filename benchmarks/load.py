"""A load generator: many keep-alive connections, one request at a time on each, latencies kept.

Speaks just enough HTTP/1.1 for servers of ours (Content-Length answers) so that it costs less than
what it measures. Run it in a process of its own, on other cores than the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

_LENGTH = b"content-length:"


@dataclass(slots=True)
class Answer:
    """Status and body of one answer."""

    status: int
    body: bytes


@dataclass(slots=True)
class Tally:
    """What one run saw; latencies in seconds."""

    latencies: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers per second, errors not counted."""
        return (len(self.latencies) - self.errors) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """A latency percentile in milliseconds."""
        ordered = sorted(self.latencies)
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 3)


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiter: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(_LENGTH)
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        body = self._buffer[end + 4 : end + 4 + length]
        self._buffer = b""
        self.answered(Answer(int(head[9:12]), body))

    def answered(self, answer: Answer) -> None:
        """What comes of an answer: who waits for it gets it."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("closed by the server"))

    async def send(self, request: bytes) -> Answer:
        """Send one prepared request and wait for its answer."""
        self._waiter = asyncio.get_running_loop().create_future()
        self.write(request)
        return await self._waiter

    def write(self, request: bytes) -> None:
        """Send one prepared request."""
        assert self._transport is not None
        self._transport.write(request)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


class _Caller(Connection):
    """One that writes its next request where it reads an answer: a task that is woken for each
    would cost as much as a hop.
    """

    def __init__(
        self,
        requests: Iterator[bytes],
        seconds: float,
        good: Callable[[Answer], bool],
        tally: Tally,
    ) -> None:
        super().__init__()
        self._requests = requests
        self._seconds = seconds
        self._good = good
        self._tally = tally
        self._until = self._sent_at = 0.0
        self.over = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Send requests one after the other until time is up."""
        self._until = time.perf_counter() + self._seconds
        self._call()

    def _call(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self.over.set_result(None)
        else:
            self._sent_at = time.perf_counter()
            self.write(request)

    def answered(self, answer: Answer) -> None:
        now = time.perf_counter()
        self._tally.latencies.append(now - self._sent_at)
        if not self._good(answer):
            self._tally.errors += 1
        if now > self._until:
            self.over.set_result(None)
        else:
            self._call()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(exc or ConnectionResetError("closed by the server"))


C = TypeVar("C", bound=Connection)


async def connect(url: str, made: Callable[[], C]) -> C:
    """A connection to the server of a URL."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    _, connection = await loop.create_connection(made, host, port)
    return connection


def post(url: str, body: bytes) -> bytes:
    """A form POST, ready to write."""
    parts = urlsplit(url)
    return (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


async def closed_loop(
    url: str,
    requests: Callable[[int], Iterator[bytes]],
    *,
    connections: int,
    seconds: float,
    good: Callable[[Answer], bool],
) -> Tally:
    """Every connection sends its own requests one after the other until time is up."""
    tally = Tally()
    callers = [
        await connect(url, partial(_Caller, requests(n), seconds, good, tally))
        for n in range(connections)
    ]
    started = time.perf_counter()
    awake = _Awake()
    for caller in callers:
        caller.begin()
    await asyncio.gather(*(caller.over for caller in callers))
    tally.seconds = time.perf_counter() - started
    awake.rest()
    for caller in callers:
        caller.close()
    return tally


async def paced(
    url: str,
    requests: Callable[[int], Iterator[bytes]],
    *,
    connections: int,
    seconds: float,
    per_s: float,
    good: Callable[[Answer], bool],
    warm_up_s: float = 0.0,
) -> Tally:
    """Requests at a steady pace, whatever the answers take: each connection has its own beats, and
    a latency counts from the beat, so that a server that falls behind cannot hide it. What is due
    in the first ``warm_up_s`` is sent but not counted.
    """
    tally = Tally()
    links = [await connect(url, Connection) for _ in range(connections)]
    step, started = connections / per_s, time.perf_counter()
    counted_from = started + warm_up_s
    beats = [
        _Beats(started + step * n / connections, step, counted_from, counted_from + seconds)
        for n in range(connections)
    ]
    await asyncio.gather(
        *(_beat(link, requests(n), beats[n], good, tally) for n, link in enumerate(links))
    )
    tally.seconds = time.perf_counter() - started - warm_up_s
    for link in links:
        link.close()
    return tally


class _Awake:
    """Keeps the loop turning. Over loopback the one who writes pays for waking the one who sleeps:
    a load that slept would cost the server what no caller on another machine does.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._turn()

    def _turn(self) -> None:
        self._next = self._loop.call_soon(self._turn)

    def rest(self) -> None:
        """Sleep again when there is nothing to do."""
        self._next.cancel()


class _Beats(NamedTuple):
    """When a connection sends, every so many seconds, and from when on and until when it counts."""

    first: float
    step: float
    counted_from: float
    until: float


async def _beat(
    link: Connection,
    requests: Iterator[bytes],
    beats: _Beats,
    good: Callable[[Answer], bool],
    tally: Tally,
) -> None:
    due = beats.first
    for request in requests:
        if due >= beats.until:
            return
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        answer = await link.send(request)
        if due >= beats.counted_from:
            tally.latencies.append(time.perf_counter() - due)
        if not good(answer):
            tally.errors += 1
        due += beats.step
