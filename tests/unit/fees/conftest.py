"""Databases with the demo catalogue: one to share and roll back, or one of a test's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from fees.catalogue import load_demo
from kernel.database import Connection, Database
from launch.embedded import Urls
from tests.databases import with_database
from tests.unit.fees.makers import NINE_O_CLOCK


@pytest.fixture(scope="session")
def shared_demo_url(servers: Urls, template_database: str) -> str:
    """A database with the demo catalogue in which no test may commit."""
    url = with_database(servers.database_url, "fees_demo")

    async def make() -> None:
        admin = await asyncpg.connect(with_database(servers.database_url, "postgres"))
        await admin.execute(f"CREATE DATABASE fees_demo TEMPLATE {template_database}")
        await admin.close()
        await _load(url)

    asyncio.run(make())
    return url


@pytest.fixture
async def connection(shared_demo_url: str) -> AsyncIterator[Connection]:
    """A connection in a transaction that is rolled back."""
    database = await Database.connect(shared_demo_url, size=1)
    async with database.read() as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()
    await database.close()


@pytest.fixture
async def demo_url(database_url: str) -> str:
    """A fresh database with the demo catalogue, to commit in."""
    await _load(database_url)
    return database_url


@pytest.fixture
async def demo(demo_url: str) -> AsyncIterator[Database]:
    """A pool on it."""
    database = await Database.connect(demo_url)
    yield database
    await database.close()


async def _load(url: str) -> None:
    database = await Database.connect(url, size=1)
    async with database.transaction() as connection:
        assert await load_demo(connection, at=NINE_O_CLOCK)
    await database.close()
