"""The work table: what must happen next, leased to one worker at a time.

A row is written in the transaction of the fact that causes it. A worker claims due rows for a
while, acts, and finishes them in the transaction of the effect. If its lease was lost meanwhile,
``finish`` raises and that transaction rolls back: a stale holder can do nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kernel.database import Connection, Database
from kernel.log import mask
from kernel.sql import package_sql

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Work:
    """A leased row: ``kind`` chooses the handler, ``key`` names what it is about."""

    id: int
    kind: str
    key: str
    attempts: int
    token: int


class LeaseLost(RuntimeError):
    """Another worker holds the row now; this one must not write."""


async def enqueue(connection: Connection, kind: str, key: str, *, delay_s: float = 0.0) -> None:
    """Ask for work within the caller's transaction; asking again never makes a second row."""
    await enqueue_many(connection, [(kind, key, delay_s)])


async def enqueue_many(connection: Connection, wanted: Sequence[tuple[str, str, float]]) -> None:
    """Ask for work by kind, key and delay in seconds, all in one statement."""
    kinds, keys, delays = zip(*wanted, strict=True)
    await connection.execute(SQL["enqueue_work"], kinds, keys, [float(each) for each in delays])


async def claim(
    database: Database,
    *,
    limit: int = 50,
    lease_s: float = 60.0,
    overdue_s: float = 0.0,
    kinds: Iterable[str] | None = None,
) -> list[Work]:
    """Lease up to ``limit`` rows that are due (since ``overdue_s`` at least), oldest first.

    ``kinds``: only these; all if None.
    """
    wanted = None if kinds is None else sorted(kinds)
    async with database.transaction() as connection:
        rows = await connection.fetch(
            SQL["claim_work"], limit, float(lease_s), float(overdue_s), wanted
        )
    return [Work(**row) for row in rows]


async def finish(connection: Connection, work: Work) -> None:
    """Close the row within the caller's transaction; raises LeaseLost if it is no longer ours."""
    if not await finish_many(connection, [work]):
        raise LeaseLost(f"{work.kind} {work.key}")


async def finish_many(connection: Connection, items: Sequence[Work]) -> set[int]:
    """The same for several; returns the ids of those that were ours."""
    ids, tokens = [each.id for each in items], [each.token for each in items]
    return {row["id"] for row in await connection.fetch(SQL["finish_work"], ids, tokens)}


async def hold(connection: Connection, items: Sequence[Work]) -> set[int]:
    """Lock rows until the transaction ends; returns the ids of those that are still ours."""
    ids, tokens = [each.id for each in items], [each.token for each in items]
    return {row["id"] for row in await connection.fetch(SQL["hold_work"], ids, tokens)}


async def retry(connection: Connection, work: Work, *, delay_s: float, error: str = "") -> None:
    """Give the row back, due again after ``delay_s`` seconds."""
    await connection.execute(
        SQL["retry_work"], work.id, work.token, float(delay_s), mask(error)[:500]
    )


async def park(connection: Connection, work: Work, error: str) -> None:
    """Give up on the row; it stays for a person to see."""
    await connection.execute(SQL["park_work"], work.id, work.token, mask(error)[:500])


async def next_due_s(database: Database) -> float | None:
    """Seconds until something is due (negative: overdue); None when the table is empty."""
    async with database.read() as connection:
        due: float | None = await connection.fetchval(SQL["next_due_work"])
    return due
