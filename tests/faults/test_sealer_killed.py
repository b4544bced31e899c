"""The sealer and its database session die at any moment: nothing is lost, doubled or half done."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from pathlib import Path

from kernel.clock import SystemClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger.seal import Signer
from ledger.sealer import seal_once
from ledger.verify import verify
from tests.conftest import SECRET
from tests.unit.ledger.makers import book_all, fee

ROOT = Path(__file__).parents[2]
ROUNDS = 12
SEALING = """
import asyncio, sys
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger.seal import Signer
from ledger.sealer import seal_once

async def main():
    database = await Database.connect(sys.argv[1], size=1)
    print("ready", flush=True)
    while True:
        if await seal_once(database, Signer(Keys(sys.argv[2])), SystemClock(), limit=5) is None:
            await asyncio.sleep(0)

asyncio.run(main())
"""


async def sealer(url: str) -> asyncio.subprocess.Process:
    """A process that seals as fast as it can, at work."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", SEALING, url, SECRET),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def end_sessions(database: Database) -> None:
    """Have PostgreSQL end every session but the asking one's."""
    async with database.read() as connection:
        await connection.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()"""
        )


async def seals_made(database: Database, count: int) -> None:
    """Wait until there are some more seals."""
    async with asyncio.timeout(20), database.read() as connection:
        before = await connection.fetchval("SELECT count(*) FROM ledger.seal")
        while await connection.fetchval("SELECT count(*) FROM ledger.seal") < before + count:
            pass


async def test_a_sealer_killed_at_any_moment_leaves_sound_books(database_url: str) -> None:
    chance = random.Random(20261121)
    database = await Database.connect(database_url, size=1, as_owner=True)  # it ends sessions
    booked = []
    for round in range(ROUNDS):
        for n in range(6):
            booked += await book_all(database, [fee(f"{round}.{n}.{k}") for k in range(3)])
        process = await sealer(database_url)
        await seals_made(database, chance.randrange(5))
        await book_all(database, [fee(f"{round}.{k}") for k in range(chance.randrange(1, 20))])
        if round % 2:
            await end_sessions(database)
        process.kill()
        await process.wait()
        async with database.read() as connection:
            found = await verify(connection)
        assert found.bad is None, found.bad
    while await seal_once(database, Signer(Keys(SECRET)), SystemClock()):
        pass
    async with database.read() as connection:
        found = await verify(connection, trusted=[Signer(Keys(SECRET)).public])
        sealed = await connection.fetchval("SELECT sum(transactions) FROM ledger.seal")
        kept = await connection.fetchval(
            "SELECT count(*) FROM ledger.transaction WHERE id = ANY ($1)", booked
        )
        ends = await connection.fetchval("SELECT count(*) FROM ledger.seal")
    await database.close()
    assert found.bad is None
    assert kept == len(booked)
    assert sealed == found.transactions
    assert ends > ROUNDS
