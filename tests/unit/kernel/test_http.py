"""Calls over HTTP end in time, whatever the other side does, and say what can have arrived."""

from __future__ import annotations

import asyncio
import time

import pytest

from kernel.http import HttpClient, NoAnswer


async def test_an_answer_that_drips_for_ever_ends_with_the_time_out() -> None:
    hung_up = asyncio.Event()

    async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        gone = asyncio.ensure_future(reader.read())
        while not gone.done():
            writer.write(b" ")
            await asyncio.wait([gone], timeout=0.02)
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(drips, "127.0.0.1", 0)
    client = HttpClient()
    async with server, asyncio.timeout(5):
        host, port = server.sockets[0].getsockname()[:2]
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            await client.send("GET", f"http://{host}:{port}/", timeout_s=0.3)
        assert time.monotonic() - began < 1
        await client.close()
        await hung_up.wait()
