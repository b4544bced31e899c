"""Real servers for every test that wants them: PostgreSQL and Valkey once a run, a fresh database each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.migrations import migrate
from kernel.privacy import Keys
from kernel.valkey import Valkey
from launch.embedded import Servers, Urls

SECRET = "only-for-tests-0123456789-abcdefghijklmnop"
NINE_O_CLOCK = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

_numbers = count(1)


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """Embedded PostgreSQL and Valkey of this test run, in a home of their own."""
    running = Servers(Path(tmp_path_factory.mktemp("servers")))
    yield running.start()
    running.stop()


@pytest.fixture(scope="session")
def redis_url(servers: Urls) -> str:
    """URL of the test run's Valkey."""
    return servers.redis_url


@pytest.fixture(scope="session")
def template_database(servers: Urls) -> str:
    """Name of a migrated, empty database that each test copies."""
    import asyncio

    async def make() -> str:
        await _admin(servers.database_url, "CREATE DATABASE template_mizan")
        await migrate(with_database(servers.database_url, "template_mizan"))
        return "template_mizan"

    return asyncio.run(make())


@pytest.fixture
async def database_url(servers: Urls, template_database: str) -> AsyncIterator[str]:
    """A fresh, migrated database; dropped afterwards."""
    name = f"test_{next(_numbers)}"
    await _admin(servers.database_url, f"CREATE DATABASE {name} TEMPLATE {template_database}")
    yield with_database(servers.database_url, name)
    await _admin(servers.database_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on the fresh database."""
    pool = await Database.connect(database_url)
    yield pool
    await pool.close()


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[Valkey]:
    """A client of the emptied Valkey."""
    client = Valkey(redis_url)
    await client.call("FLUSHALL")
    yield client
    await client.close()


@pytest.fixture
def keys() -> Keys:
    """Keys of the test installation."""
    return Keys(SECRET)


@pytest.fixture
def ids() -> RandomIds:
    """Identifiers as in production."""
    return RandomIds()


@pytest.fixture
def clock() -> ManualClock:
    """A clock at nine in the morning UTC that moves only when told."""
    return ManualClock(NINE_O_CLOCK)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(with_database(url, "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
