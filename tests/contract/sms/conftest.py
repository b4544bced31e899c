"""A real HTTP server that answers as told and keeps what it was sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import pytest

from kernel.http import HttpClient


@dataclass
class Asked:
    """A request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))


@dataclass
class Operator:
    """The other side: ``answers`` are raw bytes; an empty one closes the connection unanswered."""

    url: str = ""
    answers: list[bytes] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def answers_with(self, status: str, body: bytes, media_type: str = "application/json") -> None:
        """Queue an answer."""
        head = f"HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n"
        self.answers.append(head.encode() + b"connection: close\r\n\r\n" + body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append(Asked(line, headers, body))
        writer.write(self.answers.pop(0))
        await writer.drain()
        writer.close()


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    """A carrier's server on a free port of loopback."""
    side = Operator()
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    side.url = f"http://{host}:{port}"
    yield side
    server.close()
    await server.wait_closed()


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    """The client that carriers use."""
    client = HttpClient()
    yield client
    await client.close()
