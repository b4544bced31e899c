"""What the ledger is compared with, in a schema of their own: a function that locks rows, and the
bare rows.

Both store what the ledger stores of a fee, with fewer indexes (the primary keys; the row-locking
function also one on the id and one on the key). They get account numbers and prepared arguments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import asyncpg

from benchmarks.ledger_ground import PATHS, crowd, fees
from benchmarks.load import Tally
from kernel.database import Connection, Database
from kernel.sql import package_sql
from ledger.journal import Transaction

SQL = package_sql(__file__)

CONNECTIONS = (1, 8, 32)
FLOOR_CONNECTIONS = (1, 2, 3)
AT_ONCE = 1000


Caller = Callable[[Sequence[Any]], Awaitable[bool]]


async def prepare(url: str) -> None:
    """Make the schema ``bench`` with the accounts."""
    connection = await asyncpg.connect(url)
    await connection.execute(SQL["make_baselines"])
    await connection.executemany(
        "INSERT INTO bench.account (id, path) VALUES ($1, $2)", list(enumerate(PATHS, 1))
    )
    await connection.close()


async def row_locking(database: Database, connections: int, count: int) -> Tally:
    """Fees by the function, one database transaction each, on this many connections at once."""
    number = {path: at for at, path in enumerate(PATHS, 1)}
    return await _drive(
        database, SQL["book_locking"], connections, [_arguments(t, number) for t in fees(count)]
    )


async def raw_floor(database: Database, connections: int, count: int) -> Tally:
    """Bare rows by one INSERT per thousand fees; each latency is that of a thousand.

    The arrays are prepared; encoding them, as from any Python program, is in the time.
    """
    async with database.read() as connection:
        last = await connection.fetchval(SQL["last_bare_batch"])
    made = fees(count)
    parts = [made[at : at + AT_ONCE] for at in range(0, count, AT_ONCE)]
    arrays = [_arrays(last + 1 + at, part) for at, part in enumerate(parts)]
    return await _drive(database, SQL["insert_bare"], connections, arrays)


async def _drive(
    database: Database, statement: str, connections: int, calls: Sequence[Sequence[Any]]
) -> Tally:
    async with AsyncExitStack() as stack:
        callers = []
        for _ in range(connections):
            connection = await stack.enter_async_context(database.read())
            callers.append(await _prepared(connection, statement))
        return await crowd(callers, calls)


async def _prepared(connection: Connection, statement: str) -> Caller:
    prepared = await connection.prepare(statement)

    async def call(arguments: Sequence[Any]) -> bool:
        await prepared.fetch(*arguments)
        return True

    return call


def _arguments(each: Transaction, number: dict[str, int]) -> list[Any]:
    return [
        each.id,
        each.key,
        each.digest(),
        each.rule,
        each.version,
        each.occurred_at,
        each.zone,
        each.business_date,
        each.reference,
        each.note,
        [number[posting.credit] for posting in each.postings],
        [number[posting.debit] for posting in each.postings],
        [posting.amount.minor for posting in each.postings],
    ]


def _arrays(batch: int, part: Sequence[Transaction]) -> list[list[Any]]:
    number = {path: at for at, path in enumerate(PATHS, 1)}
    now: datetime = part[-1].occurred_at
    seqs = [batch << 16 | n for n in range(1, len(part) + 1)]
    postings = [
        (seq, n, number[each.debit], number[each.credit], each.amount.minor)
        for seq, of in zip(seqs, part, strict=True)
        for n, each in enumerate(of.postings, 1)
    ]
    return [
        seqs,
        [each.id for each in part],
        [now for _ in part],
        [each.occurred_at for each in part],
        [each.business_date for each in part],
        [each.version for each in part],
        [each.rule for each in part],
        [each.zone for each in part],
        [each.key for each in part],
        [each.digest() for each in part],
        [each.note for each in part],
        [each.reference for each in part],
        *(list(column) for column in zip(*postings, strict=True)),
    ]
