"""A console on a real uvicorn, a browser-like client, and staff to sign in."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

import httpx
import pytest
from starlette.applications import Starlette

from console import audit, passwords, staff
from console.desk import Desk
from console.roles import Role
from console.routes import routes
from kernel.clock import ManualClock
from kernel.database import Database, Row
from kernel.ids import RandomIds
from kernel.privacy import Keys
from tests.serving import served
from tests.unit.console.story import WALLET, Story

PASSWORD = "a plain pass phrase"
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """A browser: keeps cookies, follows nothing by itself, puts the page's token into forms."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, timeout=20, trust_env=False, verify=False)

    async def get(self, path: str, **parameters: str) -> httpx.Response:
        return await self.http.get(f"/console{path}", params=parameters or None)

    async def token(self, path: str = "/") -> str:
        """The form token on a page."""
        found = CSRF.search((await self.get(path)).text)
        assert found, f"no form on {path}"
        return found[1]

    async def post(
        self, path: str, *, page: str = "/", headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        """Fill in a form that stands on ``page``."""
        data = {"csrf": await self.token(page), **form}
        return await self.http.post(f"/console{path}", data=data, headers=headers)

    async def sign_in(self, name: str, password: str = PASSWORD, **form: str) -> httpx.Response:
        self.http.cookies.clear()
        fields = {"name": name, "password": password, **form}
        data = {"csrf": await self.token("/sign-in"), **fields}
        return await self.http.post("/console/sign-in", data=data)

    async def in_english(self) -> None:
        answer = await self.post("/language", language="en", back="/console/")
        assert answer.status_code == 303


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Everything that was logged, with the fields of events."""
    return "\n".join(str(vars(record)) for record in caplog.records)


async def one_row(database: Database, sql: str, *values: object) -> Row:
    """The only row of a query that must have one."""
    async with database.read() as connection:
        row = await connection.fetchrow(sql, *values)
    assert row is not None, sql
    return row


@pytest.fixture
def desk(database: Database, keys: Keys, clock: ManualClock, ids: RandomIds) -> Desk:
    """The console's dependencies over the fresh database."""
    return Desk(
        database=database,
        keys=keys,
        clock=clock,
        ids=ids,
        public_url="http://127.0.0.1",
        is_sandbox=True,
        wallet_names={"sandbox": WALLET.names},
    )


@pytest.fixture
async def url(desk: Desk) -> AsyncIterator[str]:
    """Where the console listens."""
    async with served(Starlette(routes=routes(desk))) as address:
        yield address


@pytest.fixture
async def https_url(desk: Desk) -> AsyncIterator[str]:
    """A console that browsers reach over TLS (which a proxy in front ends)."""
    behind = replace(desk, public_url="https://mizan.example")
    async with served(Starlette(routes=routes(behind))) as address:
        yield address


@pytest.fixture
async def visitor(url: str) -> AsyncIterator[Visitor]:
    """Somebody who has not signed in."""
    browser = Visitor(url)
    yield browser
    await browser.http.aclose()


class Hire(Protocol):
    """Adds somebody to the staff; to those of an agency, for that role."""

    async def __call__(self, name: str, role: Role, *, agency: str | None = None) -> None: ...


@pytest.fixture(scope="session")
def password_hash() -> str:
    """What is stored for the tests' password; made once, for it is slow by design."""
    return asyncio.run(passwords.hashed(PASSWORD))


@pytest.fixture
def hire(database: Database, clock: ManualClock, ids: RandomIds, password_hash: str) -> Hire:
    """Adds somebody to the staff, with the tests' password."""

    async def add(name: str, role: Role, *, agency: str | None = None) -> None:
        async with database.transaction() as connection:
            row = (ids.new(), name, role, password_hash, clock.now(), agency)
            assert await connection.fetchval(staff.SQL["add_staff"], *row), name
            await audit.record(
                connection,
                audit.COMMAND_LINE,
                audit.Action.STAFF_ADDED,
                at=clock.now(),
                subject=name,
            )

    return add


@pytest.fixture
async def finance(visitor: Visitor, hire: Hire) -> Visitor:
    """Somebody of finance, signed in, reading English."""
    await hire("rana", Role.FINANCE)
    answer = await visitor.sign_in("rana", language="en")
    assert answer.status_code == 303, answer.text
    return visitor


@pytest.fixture
async def admin(url: str, hire: Hire) -> AsyncIterator[Visitor]:
    """An administrator, signed in, reading English."""
    browser = Visitor(url)
    await hire("amal", Role.ADMIN)
    answer = await browser.sign_in("amal", language="en")
    assert answer.status_code == 303, answer.text
    yield browser
    await browser.http.aclose()


@pytest.fixture
async def story(database: Database, keys: Keys, clock: ManualClock) -> AsyncIterator[Story]:
    """The demo catalogue, and a hand that makes payments."""
    told = Story(database, keys, clock)
    await told.open()
    yield told
    await told.http.close()
