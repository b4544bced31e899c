"""Books that were kept in the first schema come forward whole: nothing is lost, added or moved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.migrations import all_migrations, migrate
from kernel.privacy import Keys
from ledger import reports, rules
from ledger.journal import Transaction
from ledger.seal import Signer
from ledger.sealer import seal_once
from ledger.verify import verify
from tests.databases import with_database
from tests.unit.ledger.makers import IDS, MORNING, book, fee, replayed, told

FIRST = {"kernel": 1, "ledger": 2}
"""The migrations of the first schema, by their last number."""

KEPT = """id, key, digest, rule, version, occurred_at, zone, business_date, recorded_at, reference,
          reverses, note"""
BALANCES = """
SELECT a.path, sum(e.signed) FROM ledger.entry e JOIN ledger.account a ON a.id = e.account
GROUP BY a.path ORDER BY a.path
"""
SUBMIT_V1 = f"SELECT outcome FROM ledger.submit_v1({', '.join(f'${n}' for n in range(1, 18))})"


@pytest.fixture
async def old_url(database_url: str) -> AsyncIterator[str]:
    """A database with the first schema and nothing in it."""
    admin = await asyncpg.connect(with_database(database_url, "postgres"))
    await admin.execute("CREATE DATABASE old_books")
    url = with_database(database_url, "old_books")
    connection = await asyncpg.connect(url)
    await connection.execute(
        "CREATE SCHEMA kernel; CREATE TABLE kernel.migration (package text NOT NULL,"
        " number int NOT NULL, name text NOT NULL, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (package, number))"
    )
    for each in all_migrations():
        if each.number <= FIRST.get(each.package, 0):
            await connection.execute(each.text)
            await connection.execute(
                "INSERT INTO kernel.migration (package, number, name, sha256)"
                " VALUES ($1, $2, $3, $4)",
                each.package,
                each.number,
                each.name,
                each.sha256,
            )
    await connection.close()
    yield url
    await admin.execute("DROP DATABASE old_books WITH (FORCE)")
    await admin.close()


def history() -> list[list[Transaction]]:
    """Calls of submit over forty days: 2,400 fees in five currencies, 300 of them reversed."""
    calls: list[list[Transaction]] = []
    fees: list[Transaction] = []
    for n in range(2400):
        at = MORNING - timedelta(days=40) + timedelta(minutes=23 * n)
        currency = ("JOD", "BHD", "LBP", "SYP", "ILS")[n % 5]
        facts: dict[str, Any] = {"occurred_at": at, "reference": IDS.new(), "note": f"رسم {n}"}
        fees.append(fee(f"fee {n}", principal=1 + n * 7919 % 90_000, currency=currency, **facts))
    done = 0
    while done < len(fees):
        size = 1 + done * 31 % 170
        calls.append(fees[done : done + size])
        done += size
    calls.append([rules.reversal(each, id=IDS.new(), key=f"undo {each.key}") for each in fees[::8]])
    return calls


def columns_v1(call: list[Transaction]) -> list[list[Any]]:
    """The arguments of ``ledger.submit_v1``: one array per column, accounts by their position."""
    postings = [posting for each in call for posting in each.postings]
    paths = sorted({path for each in postings for path in (each.debit, each.credit)})
    return [
        [each.id for each in call],
        [each.key for each in call],
        [each.digest() for each in call],
        [each.rule for each in call],
        [each.version for each in call],
        [each.occurred_at for each in call],
        [each.zone for each in call],
        [each.business_date for each in call],
        [each.reference for each in call],
        [each.reverses for each in call],
        [each.note for each in call],
        list(paths),
        [of for of, each in enumerate(call, 1) for _ in each.postings],
        [n for each in call for n in range(1, len(each.postings) + 1)],
        [paths.index(each.debit) + 1 for each in postings],
        [paths.index(each.credit) + 1 for each in postings],
        [each.amount.minor for each in postings],
    ]


async def test_books_of_the_first_schema_come_forward_whole(
    old_url: str, keys: Keys, clock: ManualClock
) -> None:
    calls = history()
    old = await asyncpg.connect(old_url)
    for call in calls:
        rows = await old.fetch(SUBMIT_V1, *columns_v1(call))
        assert {row["outcome"] for row in rows} == {"posted"}
    transactions = await old.fetch(
        f"SELECT {KEPT} FROM ledger.transaction ORDER BY recorded_at, id"
    )
    postings = await old.fetch(
        "SELECT transaction, n, debit, credit, amount FROM ledger.posting ORDER BY 1, 2"
    )
    accounts = await old.fetch("SELECT * FROM ledger.account ORDER BY id")
    balances = await old.fetch(BALANCES)
    await old.close()
    assert len(transactions) == 2700

    assert await migrate(old_url)

    database = await Database.connect(old_url, size=2)
    async with database.read() as connection:
        assert transactions == await connection.fetch(
            f"SELECT {KEPT} FROM ledger.transaction ORDER BY seq"
        )
        assert postings == await connection.fetch(
            "SELECT t.id AS transaction, n, debit, credit, amount FROM ledger.posting"
            " JOIN ledger.transaction t USING (seq) ORDER BY 1, 2"
        )
        assert accounts == await connection.fetch("SELECT * FROM ledger.account ORDER BY id")
        assert balances == await connection.fetch(BALANCES)
        trial = await reports.trial_balance(connection)
        said = {account.path: each.balance.minor for account, each in trial.accounts.items()}
        assert said == {row[0]: row[1] for row in balances}
        found = await verify(connection)
    assert (found.bad, found.transactions, found.postings) == (None, 2700, len(postings))
    await _goes_on(database, calls[0][0], Signer(keys), clock)
    await database.close()


async def _goes_on(
    database: Database, first: Transaction, signer: Signer, clock: ManualClock
) -> None:
    """Old keys are known, new entries come behind the old ones, and all of it is sealed."""
    assert told(await book(database, first)) == [replayed(first.id)]
    new = fee("new")
    await book(database, new)
    while await seal_once(database, signer, clock):
        pass
    async with database.read() as connection:
        found = await verify(connection)
        last = await reports.transaction(connection, new.id)
        assert await reports.last_position(connection) == 2701
    assert (found.bad, found.transactions) == (None, 2701)
    assert last is not None
    assert last.position == 2701
