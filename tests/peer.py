"""The other end of a server's connections, without sockets: in what pieces it sends is exact."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import httpx
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from kernel.short_way import ShortWay


class Said(NamedTuple):
    """An answer."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200


class Peer(asyncio.Transport):
    """The other end of a connection: keeps what it is told, and sends when it may."""

    def __init__(self, protocol: HttpToolsProtocol, address: str = "127.0.0.1") -> None:
        super().__init__()
        self._protocol = protocol
        self._address = address
        self._news = asyncio.Event()
        self._is_closing = False
        self._is_paused = False
        self._unsent: list[bytes] = []
        self.told = b""
        protocol.connection_made(self)

    def send(self, chunk: bytes) -> None:
        """Send as soon as the other end reads."""
        self._unsent.append(chunk)

    async def wait(self, turns: int) -> None:
        """Let the event loop turn."""
        loop = asyncio.get_running_loop()
        for _ in range(turns):
            loop.call_soon(self._deliver)
            await asyncio.sleep(0)

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request and wait for the head and the body of its answer."""
        asyncio.get_running_loop().call_soon(self._protocol.data_received, request)
        while True:
            head, end, body = self.told.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            if end and len(body) >= int(length):
                self.told = body[int(length) :]
                return head, body[: int(length)]
            if self._is_closing:
                raise httpx.RemoteProtocolError("closed without an answer")
            self._news.clear()
            await self._news.wait()

    async def hang_up(self) -> None:
        """Go, once everything has come to rest."""
        await self.wait(20 + 10 * len(self._unsent))
        self.close()
        await self.wait(20)

    def _deliver(self) -> None:
        if self._unsent and not self._is_paused and not self._is_closing:
            self._protocol.data_received(self._unsent.pop(0))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (self._address, 5) if name in ("peername", "sockname") else default

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None:
        self._is_paused = True

    def resume_reading(self) -> None:
        self._is_paused = False

    def write(self, data: Any) -> None:
        self.told += bytes(data)
        self._news.set()

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self._news.set()
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)


class Wire(httpx.AsyncBaseTransport):
    """Connections to an application from one address, kept open: as operators keep them."""

    def __init__(self, app: ASGIApp, address: str) -> None:
        self._config = uvicorn.Config(
            app, http=ShortWay, interface="asgi3", proxy_headers=False, log_config=None, ws="none"
        )
        self._state = ServerState()
        self._address = address
        self._idle: list[Peer] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on a connection that is free, or on a new one."""
        lines = [b"%b: %b\r\n" % header for header in request.headers.raw]
        start = b"%b %b HTTP/1.1\r\n" % (request.method.encode(), request.url.raw_path)
        peer = self._idle.pop() if self._idle else self._connected()
        try:
            head, body = await peer.ask(b"".join((start, *lines, b"\r\n", await request.aread())))
        except asyncio.CancelledError:
            peer.close()
            raise
        if not peer.is_closing():
            self._idle.append(peer)
        status, *told = head.split(b"\r\n")
        headers = [(name, value) for name, _, value in (line.partition(b": ") for line in told)]
        return httpx.Response(int(status.split(b" ")[1]), headers=headers, content=body)

    async def aclose(self) -> None:
        """Hang up everywhere."""
        for peer in self._idle:
            peer.close()
        await asyncio.sleep(0)

    def _connected(self) -> Peer:
        loop = asyncio.get_running_loop()
        return Peer(ShortWay(self._config, self._state, {}, loop), self._address)
