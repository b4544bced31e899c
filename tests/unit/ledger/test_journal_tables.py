"""The journal's tables defend themselves, whoever writes to them."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from kernel.database import Database
from tests.unit.ledger.makers import IDS, book_all, fee, movement

CHANGES = (
    "UPDATE ledger.{} SET {} = {}",
    "DELETE FROM ledger.{}",
    "TRUNCATE ledger.{} CASCADE",
)
INSERT = (
    "INSERT INTO ledger.posting (transaction, n, debit, credit, amount, business_date)"
    " VALUES ($1, 7, $2, $3, $4, $5::text::date)"
)
COLUMN = {"account": "opened_at", "transaction": "note", "posting": "amount"}


async def test_a_journal_table_only_grows(database: Database) -> None:
    await book_all(database, [fee("k")])
    for table, column in COLUMN.items():
        for change in CHANGES:
            async with database.read() as connection:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only grows"):
                    await connection.execute(change.format(table, column, column))


async def _accounts(database: Database) -> dict[str, Any]:
    fils = movement("k")
    cents = movement("c", ("Assets:Bank:Collection:ILS", "Equity:Opening:ILS", 1))
    await book_all(database, [fils, cents])
    async with database.read() as connection:
        rows = await connection.fetch("SELECT path, id FROM ledger.account")
        transaction = await connection.fetchval("SELECT id FROM ledger.transaction LIMIT 1")
    return {row["path"]: row["id"] for row in rows} | {"transaction": transaction}


async def test_an_unsound_posting_cannot_be_written(database: Database) -> None:
    known = await _accounts(database)
    cash, opening = "Assets:Bank:Collection:JOD", "Equity:Opening:JOD"
    for debit, credit, amount, day, refusal in [
        (cash, "Equity:Opening:ILS", 1, "2026-11-21", "one currency"),
        (cash, "nobody", 1, "2026-11-21", "one currency"),
        (cash, opening, 1, "2026-11-20", "of its date"),
        (cash, opening, 0, "2026-11-21", "amount"),
        (cash, opening, -1, "2026-11-21", "amount"),
        (cash, cash, 1, "2026-11-21", "check"),
    ]:
        async with database.read() as connection:
            with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=refusal):
                await connection.execute(
                    INSERT, known["transaction"], known[debit], known.get(credit, 0), amount, day
                )


async def test_a_posting_needs_its_transaction(database: Database) -> None:
    known = await _accounts(database)
    sides = known["Assets:Bank:Collection:JOD"], known["Equity:Opening:JOD"]
    async with database.read() as connection:
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute(INSERT, IDS.new(), *sides, 1, "2026-11-21")


async def test_an_account_that_is_no_path_cannot_be_opened(database: Database) -> None:
    for path in ("Assets:Bank", "assets:Bank:JOD", "Assets:Bank:JOD\n", f"Assets:{'A' * 120}:JOD"):
        async with database.read() as connection:
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
