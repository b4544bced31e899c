"""The journal's tables defend themselves, whoever writes to them."""

from __future__ import annotations

import asyncpg
import pytest

from kernel.database import Database
from ledger import journal
from tests.unit.ledger.makers import CASH, book_all, fee, movement

CHANGES = (
    "UPDATE ledger.{} SET {} = {}",
    "DELETE FROM ledger.{}",
    "TRUNCATE ledger.{} CASCADE",
)
POSTING = "INSERT INTO ledger.posting (seq, n, debit, credit, amount) VALUES (1, 1, $1, $2, $3)"
COLUMN = {
    "account": "opened_at",
    "transaction": "note",
    "posting": "amount",
    "batch": "transactions",
    "delta": "debits",
    "mark": "debits",
}


async def test_a_journal_table_only_grows(database: Database, owner: Database) -> None:
    await book_all(database, [fee("k")])
    for table, column in COLUMN.items():
        for change in CHANGES:
            async with owner.read() as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
                    await connection.execute(change.format(table, column, column))


async def test_a_movement_of_nothing_or_to_itself_cannot_be_written(owner: Database) -> None:
    for debit, credit, amount in [(1, 2, 0), (1, 2, -1), (1, 1, 5)]:
        async with owner.read() as connection:
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(POSTING, debit, credit, amount)


async def test_the_database_itself_refuses_a_movement_between_two_currencies(
    database: Database,
) -> None:
    crooked = movement("k", (CASH, "Equity:Opening:ILS", 1))
    async with database.read() as connection:
        columns = journal._columns(
            [(crooked, crooked.shape, crooked.minor_units, crooked.business_date)]
        )
        with pytest.raises(asyncpg.CheckViolationError, match="two currencies"):
            await connection.fetch(journal.SQL["submit"], *columns)
        assert await connection.fetchval("SELECT count(*) FROM ledger.transaction") == 0


async def test_an_account_that_is_no_path_cannot_be_opened(owner: Database) -> None:
    for path in ("Assets:Bank", "assets:Bank:JOD", "Assets:Bank:JOD\n", f"Assets:{'A' * 120}:JOD"):
        async with owner.read() as connection:
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute("INSERT INTO ledger.account (path) VALUES ($1)", path)


async def test_the_two_entries_of_a_posting_cancel_out(database: Database) -> None:
    await book_all(database, [fee("k")])
    async with database.read() as connection:
        row = await connection.fetchrow(
            "SELECT count(*) AS entries, sum(signed) AS sum,"
            " count(*) FILTER (WHERE side = 'debit') AS debits FROM ledger.entry"
        )
    assert row is not None
    assert (row["entries"], row["sum"], row["debits"]) == (8, 0, 4)
