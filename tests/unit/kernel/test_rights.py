"""The application's role: on every connection, kept through resets, granted on every table."""

from __future__ import annotations

import re

import asyncpg
import pytest

from kernel.database import Database
from kernel.migrations import PACKAGES, migrate
from tests.databases import with_database

APPEND_ONLY = ("payments.transition", "payments.receipt", "console.audit")


async def test_every_connection_works_as_the_application_however_often_it_is_used(
    database_url: str,
) -> None:
    pool = await Database.connect(database_url, size=1)
    for _ in range(3):  # asyncpg resets a connection when it comes back
        async with pool.read() as connection:
            assert await connection.fetchval("SELECT current_user") == "mizan_app"
            await connection.execute("RESET ALL")
            assert await connection.fetchval("SELECT current_user") == "mizan_app"
    await pool.close()


async def test_the_owner_keeps_the_rights_of_whoever_signs_in(owner: Database) -> None:
    async with owner.read() as connection:
        assert await connection.fetchval("SELECT current_user = session_user")


async def test_the_application_may_use_every_table_of_every_package(database: Database) -> None:
    async with database.read() as connection:
        rows = await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
            " WHERE schemaname = ANY ($1)",
            [*PACKAGES],
        )
        assert len(rows) > 20
        for row in rows:
            await connection.fetch(f"SELECT * FROM {row['name']} LIMIT 0")


@pytest.mark.parametrize("table", APPEND_ONLY)
async def test_what_only_grows_the_application_cannot_change(
    table: str, database: Database
) -> None:
    async with database.read() as connection:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        assert await connection.fetchval("SELECT has_table_privilege($1, 'INSERT')", table)
        assert not await connection.fetchval("SELECT has_table_privilege($1, 'UPDATE')", table)


async def test_the_application_cannot_hide_an_edited_migration(database: Database) -> None:
    async with database.read() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE kernel.migration SET sha256 = 'x'")


async def test_a_table_that_a_migration_adds_is_granted_with_it(
    owner: Database, database: Database, database_url: str
) -> None:
    async with owner.read() as connection:
        await connection.execute("CREATE TABLE payments.later (n int)")
    async with database.read() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM payments.later")
        await migrate(database_url)
        await connection.execute("INSERT INTO payments.later VALUES (1)")


async def test_an_owner_who_may_make_no_roles_migrates_and_works_as_before(
    database_url: str,
) -> None:
    """A managed database whose administrator made no roles for Mizan."""
    admin = await asyncpg.connect(with_database(database_url, "postgres"))
    try:
        await admin.execute("CREATE ROLE plain_owner LOGIN")
        await admin.execute("CREATE DATABASE plain OWNER plain_owner")
        plain = re.sub("//[^/]*@", "//plain_owner@", with_database(database_url, "plain"))
        assert await migrate(plain)
        pool = await Database.connect(plain, size=1)
        async with pool.read() as connection:
            assert await connection.fetchval("SELECT current_user") == "plain_owner"
            assert await connection.fetchval("SELECT count(*) FROM payments.halt") == 0
        await pool.close()
    finally:
        await admin.execute("DROP DATABASE IF EXISTS plain WITH (FORCE)")
        await admin.execute("DROP ROLE IF EXISTS plain_owner")
        await admin.close()
