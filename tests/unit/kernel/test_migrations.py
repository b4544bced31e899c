"""Migrations: in order, once, never edited."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from kernel.database import Database
from kernel.migrations import MigrationChanged, all_migrations, is_current, migrate


async def test_a_migrated_database_has_nothing_left_to_do(database_url: str) -> None:
    assert await migrate(database_url) == []


async def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    assert await asyncio.gather(*(migrate(database_url) for _ in range(4))) == [[]] * 4


async def test_an_edited_migration_is_refused(owner: Database, database_url: str) -> None:
    async with owner.transaction() as connection:
        await connection.execute(
            "UPDATE kernel.migration SET sha256 = 'other' WHERE package = 'kernel' AND number = 1"
        )
    with pytest.raises(MigrationChanged, match="kernel migration 0001"):
        await migrate(database_url)


async def test_a_missing_migration_is_noticed(owner: Database) -> None:
    async with owner.transaction() as connection:
        assert await is_current(connection)
        await connection.execute("DELETE FROM kernel.migration WHERE package = 'payments'")
        assert not await is_current(connection)


async def test_a_failing_migration_leaves_the_old_schema(
    owner: Database, database_url: str
) -> None:
    async with owner.transaction() as connection:
        await connection.execute("DELETE FROM kernel.migration WHERE package = 'payments'")
    with pytest.raises(asyncpg.DuplicateSchemaError):
        await migrate(database_url)
    async with owner.read() as connection:
        assert not await is_current(connection)


def test_numbers_have_no_gaps_and_names_say_what_they_do() -> None:
    by_package: dict[str, list[int]] = {}
    for migration in all_migrations():
        by_package.setdefault(migration.package, []).append(migration.number)
        assert "_" in migration.name
        assert replace(migration, text="x").sha256 != migration.sha256
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in by_package.values())
