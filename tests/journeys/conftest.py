"""One running installation for all journeys, and citizens to walk through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from launch.embedded import Servers
from launch.rehearsal import ROOT, Stack
from tests.journeys.town import Town


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Gateway, worker, sweeper and sandbox operator as processes on real servers."""
    home = Path(tmp_path_factory.mktemp("stack"))
    servers = Servers(home / "servers")
    servers.start()
    running = Stack(home, servers, config=ROOT / "tests" / "stack.toml", pace=0.02)
    try:
        asyncio.run(running.prepare())
        running.start()
        yield running
    finally:
        running.stop()
        servers.stop()


@pytest.fixture
async def town(stack: Stack) -> AsyncIterator[Town]:
    """The running installation as a test sees it."""
    transport = httpx.AsyncHTTPTransport()
    async with httpx.AsyncClient(base_url=stack.gateway, transport=transport) as line:
        yield Town(stack, line)
