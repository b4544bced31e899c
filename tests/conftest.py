"""Real servers for every test that wants them: PostgreSQL and Valkey once a run, a fresh database
each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.privacy import Keys
from kernel.valkey import Valkey
from launch.embedded import Servers, Urls
from tests.contract.published import PUBLISHED
from tests.databases import TEMPLATE, TestDatabases, with_database

__all__ = ["with_database"]

SECRET = "only-for-tests-0123456789-abcdefghijklmnop"
NINE_O_CLOCK = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

# How long it takes to make up an example is the machine's doing, not the code's.
settings.register_profile("mizan", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mizan")


def pytest_report_header() -> list[str]:
    """Say which comparison cannot be made here."""
    if PUBLISHED.exists():
        return []
    return [f"no {PUBLISHED.name} beside the project: its extracts are compared with themselves"]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    """Embedded PostgreSQL and Valkey of this test run, in a home of their own."""
    running = Servers(Path(tmp_path_factory.mktemp("servers")), power_may_fail=False)
    yield running.start()
    running.stop()


@pytest.fixture(scope="session")
def redis_url(servers: Urls) -> str:
    """URL of the test run's Valkey."""
    return servers.redis_url


@pytest.fixture(scope="session")
def test_databases(servers: Urls) -> Iterator[TestDatabases]:
    """Migrated databases on the test run's server."""
    databases = TestDatabases(servers.database_url)
    databases.prepare()
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def template_database(test_databases: TestDatabases) -> str:
    """Name of the migrated, empty database that others are copied from."""
    del test_databases
    return TEMPLATE


@pytest.fixture
def database_url(test_databases: TestDatabases) -> Iterator[str]:
    """An empty, migrated database."""
    yield test_databases.take()
    test_databases.give_back()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A pool on the fresh database."""
    pool = await Database.connect(database_url)
    yield pool
    await pool.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Database]:
    """A pool on the same database with all rights: to damage what the application cannot."""
    pool = await Database.connect(database_url, as_owner=True)
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
