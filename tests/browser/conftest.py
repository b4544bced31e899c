"""Pages in a real Chromium. On a machine without one these tests are left out, and that is said."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright
from starlette.applications import Starlette

from console.desk import Desk
from console.routes import routes
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.privacy import Keys
from launch.embedded import Servers
from launch.rehearsal import ROOT, Stack
from launch.testing import BROWSERS
from tests.serving import served
from tests.unit.console.story import WALLET, Story

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
DESK = (1280, 900)
PHONE = (390, 844)

in_the_browsers_loop = partial(pytest_asyncio.fixture, loop_scope="session")
"""A fixture on the event loop that the browser lives on, as the tests here do."""


def chromium() -> str | None:
    """Path of the browser, if there is one."""
    named = os.environ.get("MIZAN_CHROMIUM")
    found = [shutil.which(name) for name in ([named] if named else BROWSERS)]
    return next((path for path in found if path), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Chromium take the tests of this folder out, and say so."""
    ours = [item for item in items if HERE in item.path.parents]
    if chromium():
        for item in ours:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
        return
    items[:] = [item for item in items if HERE not in item.path.parents]
    config.hook.pytest_deselected(items=ours)
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    if terminal is not None:
        terminal.write_line(f"no Chromium on this machine: {len(ours)} browser tests do not run")


NewPage = Callable[..., Awaitable[Page]]


@in_the_browsers_loop(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests here; each opens pages in contexts of its own."""
    async with async_playwright() as playwright:
        chrome = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield chrome
        await chrome.close()


@in_the_browsers_loop
async def new_page(browser: Browser) -> AsyncIterator[NewPage]:
    """Opens pages; the test fails if one of them complained (a script, a blocked resource)."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    async with AsyncExitStack() as stack:

        async def open_page(*, size: tuple[int, int] = DESK, scripts: bool = True) -> Page:
            viewport = {"width": size[0], "height": size[1]}
            context = await browser.new_context(
                viewport={"width": viewport["width"], "height": viewport["height"]},
                java_script_enabled=scripts,
            )
            stack.push_async_callback(context.close)
            page = await context.new_page()
            page.set_default_timeout(20_000)
            page.on("console", listen)
            return page

        yield open_page
    assert not complaints, complaints


@in_the_browsers_loop
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on the fresh database."""
    pool = await Database.connect(database_url)
    yield pool
    await pool.close()


@in_the_browsers_loop
async def story(database: Database, keys: Keys, clock: ManualClock) -> AsyncIterator[Story]:
    """The demo catalogue, and a hand that makes payments."""
    told = Story(database, keys, clock)
    await told.open()
    yield told
    await told.http.close()


@in_the_browsers_loop
async def console_url(
    database: Database, keys: Keys, clock: ManualClock, ids: RandomIds
) -> AsyncIterator[str]:
    """A console over the test's database."""
    desk = Desk(
        database=database,
        keys=keys,
        clock=clock,
        ids=ids,
        public_url="http://127.0.0.1",
        is_sandbox=True,
        wallet_names={"sandbox": WALLET.names},
    )
    async with served(Starlette(routes=routes(desk))) as url:
        yield url


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole installation as processes: gateway, worker, sweeper, sandbox operator."""
    home = Path(tmp_path_factory.mktemp("browser"))
    servers = Servers(home / "servers", power_may_fail=False)
    servers.start()
    running = Stack(home, servers, config=ROOT / "tests" / "stack.toml", pace=0.05)
    try:
        asyncio.run(running.prepare())
        running.start()
        yield running
    finally:
        running.stop()
        servers.stop()
