"""Many sessions at once: one effect per key, no deadlock over keys or new accounts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from kernel.database import Database
from ledger import journal, reports
from ledger.journal import Posted, Replayed
from tests.unit.ledger.makers import CASH, OPENING, book, movement


@pytest.fixture
async def many(database_url: str) -> AsyncIterator[Database]:
    """A pool wide enough for sessions to meet."""
    pool = await Database.connect(database_url, size=30)
    yield pool
    await pool.close()


async def test_two_hundred_submits_of_one_key_have_one_effect(many: Database) -> None:
    results = await asyncio.gather(*(book(many, movement("one")) for _ in range(200)))
    kinds = Counter(type(result) for (result,) in results)
    assert kinds == {Posted: 1, Replayed: 199}
    assert len({result.id for (result,) in results if not isinstance(result, journal.Refused)}) == 1
    async with many.read() as connection:
        assert (await reports.trial_balance(connection)).totals["JOD"].debits.minor == 1000


async def test_sessions_that_open_the_same_accounts_in_any_order_never_deadlock(
    many: Database,
) -> None:
    order = random.Random(7)
    paths = [f"Assets:Bank:B{n}:JOD" for n in range(40)]
    batches = []
    for session in range(30):
        order.shuffle(paths)
        postings = [(path, OPENING, 1) for path in paths]
        batches.append([movement(f"{session}", *postings)])
    await asyncio.gather(*(book(many, *batch) for batch in batches))
    async with many.read() as connection:
        trial = await reports.trial_balance(connection)
    assert trial.totals["JOD"].debits.minor == 30 * 40
    assert len(trial.accounts) == 41


async def test_sessions_that_share_keys_in_any_order_never_deadlock(many: Database) -> None:
    order = random.Random(11)
    keys = [f"key {n}" for n in range(60)]
    batches = []
    for _ in range(30):
        order.shuffle(keys)
        batches.append([movement(key) for key in keys])
    results = await asyncio.gather(*(book(many, *batch) for batch in batches))
    posted = [each for batch in results for each in batch if isinstance(each, Posted)]
    assert len(posted) == 60
    async with many.read() as connection:
        trial = await reports.trial_balance(connection)
    assert trial.totals["JOD"].debits.minor == 60_000


async def test_two_people_reversing_the_same_entries_in_any_order_never_deadlock(
    many: Database,
) -> None:
    originals = [movement(f"o{n}") for n in range(40)]
    await book(many, *originals)
    order = random.Random(13)
    batches = []
    for person in range(20):
        order.shuffle(originals)
        batches.append(
            [
                movement(f"{order.random()} {person}", (OPENING, CASH, 1000), reverses=each.id)
                for each in originals
            ]
        )
    results = await asyncio.gather(*(book(many, *batch) for batch in batches))
    assert sum(isinstance(each, Posted) for batch in results for each in batch) == 40
    async with many.read() as connection:
        trial = await reports.trial_balance(connection)
    assert {each.balance.minor for each in trial.accounts.values()} == {0}


async def test_a_key_whose_first_submit_rolls_back_is_booked_by_the_one_who_waited(
    many: Database,
) -> None:
    first, second = movement("k"), movement("k")
    async with many.read() as connection:
        undone = connection.transaction()
        await undone.start()
        assert await journal.submit(connection, [first]) == [Posted(first.id)]
        waiting = asyncio.create_task(book(many, second))
        await _is_waited_for(many)
        await undone.rollback()
        assert await waiting == [Posted(second.id)]


async def test_a_key_whose_first_submit_commits_is_replayed_to_the_one_who_waited(
    many: Database,
) -> None:
    first, second = movement("k"), movement("k")
    async with many.transaction() as connection:
        await journal.submit(connection, [first])
        waiting = asyncio.create_task(book(many, second))
        await _is_waited_for(many)
    assert await waiting == [Replayed(first.id)]


async def _is_waited_for(database: Database) -> None:
    """Until a session waits for another's transaction."""
    waiting = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity"
        " WHERE wait_event_type = 'Lock' AND datname = current_database())"
    )
    async with asyncio.timeout(5), database.read() as connection:
        while not await connection.fetchval(waiting):
            pass
