"""Many sessions at once: one effect per key, no deadlock over keys or new accounts."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from kernel.database import Database
from ledger import journal, reports
from ledger.journal import Posted
from tests.unit.ledger.makers import CASH, OPENING, book, movement, posted, replayed, told


@pytest.fixture
async def many(database_url: str) -> AsyncIterator[Database]:
    """A pool wide enough for sessions to meet."""
    pool = await Database.connect(database_url, size=30)
    yield pool
    await pool.close()


async def test_two_hundred_submits_of_one_key_have_one_effect(many: Database) -> None:
    results = await asyncio.gather(*(book(many, movement("one")) for _ in range(200)))
    answers = {result for (result,) in results}
    assert len(answers) == 1  # the same id, the same moment, the same day
    kinds = Counter(hows([result for (result,) in results]))
    assert kinds == {"posted": 1, "replayed": 199}
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


async def test_sessions_that_open_accounts_in_opposite_order_never_deadlock(many: Database) -> None:
    one, gate, two = (f"Assets:Bank:{name}:JOD" for name in ("ONE", "GATE", "TWO"))
    results = await race(
        many,
        movement("gate", (gate, OPENING, 1)),
        [movement("a", (one, OPENING, 1), (gate, OPENING, 1), (two, OPENING, 1))],
        [movement("b", (two, OPENING, 1), (gate, OPENING, 1), (one, OPENING, 1))],
    )
    assert all(isinstance(each, Posted) for each in results)


async def test_sessions_that_share_keys_in_opposite_order_never_deadlock(many: Database) -> None:
    results = await race(
        many,
        movement("gate"),
        [movement("one"), movement("gate"), movement("two")],
        [movement("two"), movement("gate"), movement("one")],
    )
    assert Counter(hows(results)) == {"posted": 3, "replayed": 3}


async def test_two_people_reversing_the_same_entries_in_opposite_order_never_deadlock(
    many: Database,
) -> None:
    first, second = movement("first"), movement("second")
    await book(many, first, second)

    def undo(key: str, original: journal.Transaction) -> journal.Transaction:
        return movement(key, (OPENING, CASH, 1000), reverses=original.id)

    # In the order of keys alone each would hold what the other needs once the gate opens.
    results = await race(
        many,
        movement("c"),
        [undo("b", first), movement("c"), undo("d", second)],
        [undo("a", second), movement("c"), undo("e", first)],
    )
    assert Counter(map(type, results)) == {Posted: 4, journal.Refused: 2}


def hows(results: list[journal.Result]) -> list[str]:
    """Booked now or before; none of them may be a refusal."""
    return ["refused" if isinstance(each, journal.Refused) else each[0] for each in told(results)]


async def race(
    database: Database, gate: journal.Transaction, *batches: list[journal.Transaction]
) -> list[journal.Result]:
    """Submit batches at once while another session holds what they all need, then let it go."""
    async with database.read() as connection:
        holding = connection.transaction()
        await holding.start()
        await journal.submit(connection, [gate])
        racing = [asyncio.create_task(book(database, *batch)) for batch in batches]
        await are_waiting(database, len(batches))
        await holding.rollback()
    return [result for results in await asyncio.gather(*racing) for result in results]


async def test_a_key_whose_first_submit_rolls_back_is_booked_by_the_one_who_waited(
    many: Database,
) -> None:
    first, second = movement("k"), movement("k")
    async with many.read() as connection:
        undone = connection.transaction()
        await undone.start()
        assert told(await journal.submit(connection, [first])) == [posted(first.id)]
        waiting = asyncio.create_task(book(many, second))
        await are_waiting(many, 1)
        await undone.rollback()
        assert told(await waiting) == [posted(second.id)]


async def test_a_key_whose_first_submit_commits_is_replayed_to_the_one_who_waited(
    many: Database,
) -> None:
    first, second = movement("k"), movement("k")
    async with many.transaction() as connection:
        await journal.submit(connection, [first])
        waiting = asyncio.create_task(book(many, second))
        await are_waiting(many, 1)
    assert told(await waiting) == [replayed(first.id)]


async def are_waiting(database: Database, sessions: int) -> None:
    """Until so many sessions wait for another's transaction."""
    waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(5), database.read() as connection:
        while await connection.fetchval(waiting) < sessions:
            pass
