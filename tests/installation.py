"""A whole installation for tests to walk through; at its end nothing secret may have leaked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from launch.embedded import Servers
from launch.rehearsal import Stack
from tests.canaries import leaks
from tests.journeys.town import Town


@contextmanager
def installation(home: Path, *, config: Path, pace: float) -> Iterator[Stack]:
    """Gateway, worker, sweeper and sandbox operator as processes on real servers."""
    servers = Servers(home / "servers", power_may_fail=False)
    servers.start()
    stack = Stack(home, servers, config=config, pace=pace)
    try:
        asyncio.run(stack.prepare())
        stack.start()
        yield stack
        found = asyncio.run(leaks(stack))
        assert not found, f"{len(found)} secrets leaked: {found[:10]}"
    finally:
        stack.stop()
        servers.stop()


@asynccontextmanager
async def town_on(stack: Stack) -> AsyncIterator[Town]:
    """The running installation as a test sees it."""
    transport = httpx.AsyncHTTPTransport(verify=False)
    async with httpx.AsyncClient(
        base_url=stack.gateway, transport=transport, timeout=httpx.Timeout(15)
    ) as line:
        yield Town(stack, line)
