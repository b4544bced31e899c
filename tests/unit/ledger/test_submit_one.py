"""A transaction that comes alone takes a short way, unless something about it is special."""

from __future__ import annotations

import dataclasses

import asyncpg

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger import journal, rules
from ledger.guards import Guard, guard
from ledger.journal import Transaction
from ledger.seal import Signer
from tests.unit.ledger.closers import YESTERDAY, Clerk
from tests.unit.ledger.makers import CASH, IDS, MORNING, OPENING, book_all, movement, posted, told

SHORT, LONG = ["submit_one"], ["submit"]
SAFE = "Assets:Bank:Safe:JOD"
SHUT = MORNING.replace(day=YESTERDAY.day)
WAY = {journal.SQL[name]: name for name in (*SHORT, *LONG)}
WRITTEN = (
    "SELECT n, debit, credit, amount FROM ledger.posting WHERE seq >> 16 = $1 ORDER BY n",
    "SELECT transactions, accounts, dates, debits, credits, postings FROM ledger.unsealed"
    " WHERE batch = $1",
    "SELECT seq & 65535 AS n, occurred_at, business_date, version, rule, zone, note, reference,"
    " reverses FROM ledger.transaction WHERE seq >> 16 = $1",
)


def several(key: str) -> Transaction:
    """Five movements, an account on both sides, another one twice."""
    vault, till = "Assets:Bank:Vault:JOD", "Assets:Bank:Till:JOD"
    lines = [(vault, OPENING, 7), (till, vault, 3), (CASH, till, 2), (vault, OPENING, 4)]
    return movement(key, *lines, (CASH, OPENING, 1), note="رسم", reference=IDS.new())


async def ways(database: Database, one: Transaction) -> list[str]:
    """Book it, and say by which statements it went."""
    queries: list[str] = []

    def keep(query: asyncpg.connection.LoggedQuery) -> None:
        queries.append(query.query)

    async with database.read() as connection:
        with connection.query_logger(keep):
            assert told(await journal.submit(connection, [one])) == [posted(one.id)]
    return [WAY[query] for query in queries if query in WAY]


async def test_a_transaction_alone_takes_one_statement_once_its_accounts_are_there(
    database: Database,
) -> None:
    assert await ways(database, several("first")) == SHORT + LONG
    assert await ways(database, several("second")) == SHORT


async def test_the_short_way_writes_what_the_long_one_does(database: Database) -> None:
    long = several("long")
    short = dataclasses.replace(long, id=IDS.new(), key="short")
    await book_all(database, [long])
    assert await ways(database, short) == SHORT
    async with database.read() as connection:
        first, second = [
            [await connection.fetch(statement, row["batch"]) for statement in WRITTEN]
            for row in await connection.fetch("SELECT batch FROM ledger.unsealed ORDER BY batch")
        ]
        digest = await connection.fetchval(
            "SELECT digest FROM ledger.transaction WHERE id = $1", short.id
        )
    assert first == second
    assert digest == short.digest()


async def test_a_reversal_does_not_try_the_short_way(database: Database) -> None:
    one = movement("k")
    await book_all(database, [one])
    undo = rules.reversal(one, id=IDS.new(), key="undo", occurred_at=MORNING)
    assert await ways(database, undo) == LONG


async def test_an_account_with_a_guard_makes_the_way_long(database: Database) -> None:
    await book_all(database, [movement("k", (SAFE, OPENING, 5)), movement("other")])
    async with database.read() as connection:
        await guard(connection, Guard(SAFE))
    assert await ways(database, movement("guarded", (SAFE, OPENING, 5))) == SHORT + LONG
    assert await ways(database, movement("beside")) == SHORT


async def test_a_shut_day_makes_the_way_long(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    await book_all(database, [movement("k")])
    await Clerk(database, Signer(keys), clock).closed()
    assert await ways(database, movement("late", occurred_at=SHUT)) == SHORT + LONG
    assert await ways(database, movement("today")) == SHORT


async def test_two_currencies_make_the_way_long(database: Database) -> None:
    other = ("Assets:Bank:Collection:ILS", "Equity:Opening:ILS", 9)
    both = movement("both", (CASH, OPENING, 5), other)
    await book_all(database, [both])
    assert await ways(database, dataclasses.replace(both, id=IDS.new(), key="again")) == (
        SHORT + LONG
    )


async def test_the_short_way_books_no_movement_between_two_currencies(database: Database) -> None:
    crooked = movement("k", (CASH, "Equity:Opening:ILS", 1))
    await book_all(
        database, [movement("a"), movement("b", ("Assets:Bank:X:ILS", "Equity:Opening:ILS", 1))]
    )
    async with database.read() as connection:
        ready = (crooked, crooked.shape, crooked.minor_units, crooked.business_date)
        assert await journal._book_one(connection, ready) is None
        assert await connection.fetchval("SELECT count(*) FROM ledger.transaction") == 2
