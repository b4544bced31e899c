"""The sealer's loop: seals what is booked, publishes days that are over, stops when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from jobs.sealer import Sealer
from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.privacy import Keys
from ledger import sealer as sealing
from ledger.seal import Signer
from tests.unit.ledger.makers import book_all, movement


async def until(database: Database, statement: str) -> None:
    async with asyncio.timeout(20), database.read() as connection:
        while not await connection.fetchval(statement):
            pass


async def test_what_is_booked_while_it_runs_is_sealed_and_old_days_get_their_checkpoint(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    await book_all(database, [movement("yesterday")])
    await sealing.seal_once(database, Signer(keys), clock)
    clock.forward(timedelta(days=1))
    running = Sealer(database, Signer(keys), clock)
    task = asyncio.create_task(running.run(every_s=0.01))
    for n in range(3):
        await book_all(database, [movement(f"{n}")])
        await until(database, f"SELECT max(position) = {n + 2} FROM ledger.batch")
    await until(database, "SELECT count(*) = 1 FROM ledger.checkpoint")
    running.stop()
    await asyncio.wait_for(task, 5)


async def test_while_more_waits_than_a_seal_takes_there_is_no_pause(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    for n in range(4):
        await book_all(database, [movement(f"{n}.{k}") for k in range(3)])
    running = Sealer(database, Signer(keys), clock, limit=5)
    task = asyncio.create_task(running.run(every_s=60))
    await until(database, "SELECT count(*) = 4 FROM ledger.seal")
    running.stop()
    await asyncio.wait_for(task, 5)


class Away(Database):
    """A database out of reach, which notes that it was asked."""

    def __init__(self) -> None:
        super().__init__("postgresql://nobody@127.0.0.1:1/nothing")
        self.asked = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """As of a database that was never opened: raises."""
        self.asked.set()
        async with super().transaction() as connection:
            yield connection


async def test_a_database_that_is_away_for_a_moment_does_not_end_the_sealer(
    keys: Keys, clock: ManualClock
) -> None:
    away = Away()
    running = Sealer(away, Signer(keys), clock)
    task = asyncio.create_task(running.run(every_s=0.01))
    await asyncio.wait_for(away.asked.wait(), 5)
    running.stop()
    await asyncio.wait_for(task, 5)
