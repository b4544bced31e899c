"""The application cannot change the journal, whatever it sends; the sealer changes only what it
must.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.privacy import Keys
from ledger.periods import Closing
from ledger.seal import Signer
from ledger.sealer import checkpoint_days, seal_once
from tests.unit.ledger.closers import Clerk
from tests.unit.ledger.makers import book_all, fee

JOURNAL = (
    "account",
    "transaction",
    "posting",
    "unsealed",
    "batch",
    "delta",
    "balance",
    "total",
    "mark",
    "seal",
    "checkpoint",
    "closing",
    "reopening_request",
    "reopening",
    "guard",
)
STATEMENTS = (
    "INSERT INTO ledger.{} DEFAULT VALUES",
    "UPDATE ledger.{} SET {} = {}",
    "DELETE FROM ledger.{}",
    "TRUNCATE ledger.{} CASCADE",
    "DROP TABLE ledger.{} CASCADE",
    "ALTER TABLE ledger.{} DISABLE TRIGGER ALL",
    "CREATE TRIGGER t BEFORE INSERT ON ledger.{} EXECUTE FUNCTION ledger.refuse_change()",
)
SEALER_MAY = {
    ("DELETE", "unsealed"),
    ("INSERT", "batch"),
    ("INSERT", "delta"),
    ("INSERT", "mark"),
    ("INSERT", "seal"),
    ("INSERT", "checkpoint"),
    ("INSERT", "balance"),
    ("UPDATE", "balance"),
    ("INSERT", "total"),
    ("UPDATE", "total"),
}


@asynccontextmanager
async def signed_in(database_url: str, *roles: str) -> AsyncIterator[Database]:
    """The database, for a plain member of some roles."""
    admin = await asyncpg.connect(database_url)
    await admin.execute(f"CREATE ROLE plain_member LOGIN IN ROLE {', '.join(roles)}")
    pool = await Database.connect(re.sub("//[^/]*@", "//plain_member@", database_url), size=1)
    try:
        yield pool
    finally:
        await pool.close()
        await admin.execute("DROP ROLE plain_member")
        await admin.close()


async def refused(connection: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=r"denied|must be owner"):
        await connection.execute(statement)


async def test_these_are_all_tables_of_the_ledger(database: Database) -> None:
    async with database.read() as connection:
        rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'")
    assert {row["tablename"] for row in rows} == set(JOURNAL)


@pytest.mark.parametrize("table", JOURNAL)
async def test_the_application_can_only_read_a_table_of_the_ledger(
    table: str, database: Database
) -> None:
    async with database.read() as connection:
        await connection.fetch(f"SELECT * FROM ledger.{table}")
        column = await connection.fetchval(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'ledger' AND table_name = $1 AND ordinal_position = 2",
            table,
        )
        for statement in STATEMENTS:
            await refused(connection, statement.format(table, column, column))


async def test_the_application_makes_no_function_and_draws_no_number(database: Database) -> None:
    async with database.read() as connection:
        await refused(
            connection,
            "CREATE OR REPLACE FUNCTION ledger.open_from() RETURNS date LANGUAGE sql"
            " AS 'SELECT NULL::date'",
        )
        await refused(connection, "SELECT nextval('ledger.batch_number')")
        await refused(connection, "SET session_replication_role = replica")
        await refused(connection, "CREATE TABLE ledger.mine ()")


async def test_the_sealer_may_only_move_what_is_unsealed_and_add_seals(database: Database) -> None:
    async with database.read() as connection:
        rows = await connection.fetch(
            """SELECT granted.privilege_type, relname AS table_name
               FROM pg_class, aclexplode(relacl) AS granted
               WHERE granted.grantee = 'mizan_sealer'::regrole AND privilege_type <> 'SELECT'"""
        )
    assert {(row["privilege_type"], row["table_name"]) for row in rows} == SEALER_MAY


async def test_the_application_books_closes_and_seals_all_the_same(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    await book_all(database, [fee("k")])
    signer = Signer(keys)
    async with database.transaction() as connection:
        assert await connection.fetchval("SELECT current_user") == "mizan_app"
    assert await seal_once(database, signer, clock)
    assert isinstance(await Clerk(database, signer, clock).closed(), Closing)
    assert await checkpoint_days(database, signer, clock) == []
    async with database.read() as connection:
        assert await connection.fetchval("SELECT current_user") == "mizan_app"


async def test_whoever_signs_in_for_the_gateway_books_but_cannot_become_the_sealer(
    database_url: str, keys: Keys, clock: ManualClock
) -> None:
    async with signed_in(database_url, "mizan_app") as gateway:
        await book_all(gateway, [fee("k")])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await seal_once(gateway, Signer(keys), clock)
        async with gateway.read() as connection:
            await connection.execute("RESET ROLE")
            await refused(connection, "DELETE FROM ledger.unsealed")
            await refused(connection, "SET ROLE mizan_sealer")


async def test_whoever_signs_in_for_the_sealer_alone_seals(
    database: Database, database_url: str, keys: Keys, clock: ManualClock
) -> None:
    await book_all(database, [fee("k")])
    async with signed_in(database_url, "mizan_app", "mizan_sealer") as sealer:
        assert await seal_once(sealer, Signer(keys), clock)
        assert await checkpoint_days(sealer, Signer(keys), clock) == []


async def test_functions_that_write_look_nothing_up_in_schemas_of_others(
    database: Database,
) -> None:
    async with database.read() as connection:
        rows = await connection.fetch(
            """SELECT proname, proconfig FROM pg_proc
               WHERE pronamespace = 'ledger'::regnamespace AND prosecdef"""
        )
    assert {row["proname"] for row in rows} == {
        "submit_v2", "submit_one_v1", "close_v1", "request_reopening_v1", "approve_reopening_v1",
        "set_guard_v2", "lift_guard_v1",
    }  # fmt: skip
    assert {tuple(row["proconfig"]) for row in rows} == {("search_path=pg_catalog, pg_temp",)}
