"""Submits around a closing: none lands on a shut day, none is lost, nobody waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger import journal, periods, reports
from ledger.journal import Posted
from ledger.periods import Closing
from ledger.seal import Signer
from tests.unit.ledger.closers import TODAY, YESTERDAY, Clerk
from tests.unit.ledger.makers import MORNING, book, movement

DAY = timedelta(days=1)
WRITERS, ENTRIES = 12, 25


@pytest.fixture
async def many(database_url: str) -> AsyncIterator[Database]:
    """A pool wide enough for sessions to meet."""
    pool = await Database.connect(database_url, size=WRITERS + 4)
    yield pool
    await pool.close()


@pytest.fixture
def clerk(many: Database, keys: Keys, clock: ManualClock) -> Clerk:
    """Somebody who closes on the same pool."""
    return Clerk(many, Signer(keys), clock)


async def test_entries_around_closings_are_never_on_a_shut_day_and_none_is_lost(
    many: Database, clerk: Clerk
) -> None:
    began = asyncio.Event()

    async def write(writer: int) -> list[date]:
        days = []
        for n in range(ENTRIES):
            entry = movement(f"{writer}.{n}", occurred_at=MORNING - (n % 6) * DAY)
            (result,) = await book(many, entry)
            assert isinstance(result, Posted)
            days.append(result.business_date)
            began.set()
        return days

    async def close() -> list[Closing]:
        await began.wait()
        made = []
        for back in (5, 4, 3, 2, 1):
            closing = await clerk.close(TODAY - back * DAY, accepted={"unsealed": "a race"})
            assert isinstance(closing, Closing)
            made.append(closing)
        return made

    closing_time = asyncio.create_task(close())
    written = await asyncio.gather(*(write(each) for each in range(WRITERS)))
    made = await closing_time
    assert sum(len(days) for days in written) == WRITERS * ENTRIES
    # Each snapshot was taken when its day was shut: whatever stood on it later would show.
    for closing in made:
        assert await clerk.changes(closing) == []
    async with many.read() as connection:
        assert (await periods.lock_date(connection)) == YESTERDAY
        trial = await reports.trial_balance(connection)
        page = await reports.journal(connection, limit=WRITERS * ENTRIES + 1)
    assert trial.totals["JOD"].debits.minor == WRITERS * ENTRIES * 1000
    assert len(page.items) == WRITERS * ENTRIES
    assert sorted(day for days in written for day in days) == sorted(
        item.business_date for item in page.items
    )
    assert any(item.business_date > item.transaction.business_date for item in page.items)


async def test_a_closing_waits_for_the_submit_in_flight_and_later_ones_see_it(
    many: Database, clerk: Clerk
) -> None:
    accepted = {"unsealed": "a race"}
    async with many.transaction() as slow:
        (early,) = await journal.submit(slow, [movement("early", occurred_at=MORNING - DAY)])
        closing = asyncio.create_task(clerk.close(accepted=accepted))
        await waits_for_a_lock(many, 1)
        later = asyncio.create_task(book(many, movement("later", occurred_at=MORNING - DAY)))
        await waits_for_a_lock(many, 2)
    made, (behind,) = await closing, await later
    assert isinstance(made, Closing)
    assert isinstance(early, Posted)
    assert isinstance(behind, Posted)
    assert (early.business_date, behind.business_date) == (YESTERDAY, TODAY)
    assert len(made.balances.splitlines()) == 2
    assert " 1000 0 1000" in made.balances


async def waits_for_a_lock(database: Database, count: int) -> None:
    """Until so many sessions wait for a lock of ours."""
    async with database.read() as connection:
        for _ in range(500):
            waiting = await connection.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            )
            if waiting == count:
                return
            await asyncio.sleep(0.01)
    raise AssertionError(f"not {count} sessions wait for a lock")
