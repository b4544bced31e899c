"""Looks back: whoever asks for a moment gets the same bytes whenever they ask, and the truth, also
when sessions commit in another order than they began.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import date, timedelta
from typing import Any

import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.money import Money
from kernel.privacy import Keys
from ledger import journal, reports
from ledger.chart import parse
from ledger.seal import Signer
from ledger.sealer import seal_once
from ledger.verify import verify
from tests.unit.ledger.makers import CASH, MORNING, OPENING, book_all, movement

TODAY = MORNING.date()
SESSIONS = 6
MARK_EVERY = 3


class Reader:
    """Seals, and asks everything there is to ask about a position."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self.database, self.signer = database, Signer(keys)

    async def seal(self) -> int:
        """Everything that is committed; where the sealed journal ends then."""
        clock = ManualClock(MORNING)
        while await seal_once(self.database, self.signer, clock, mark_every=MARK_EVERY):
            pass
        async with self.database.read() as connection:
            return await reports.last_position(connection)

    async def at(self, position: int) -> bytes:
        """Balances and statements as of a position, to the last byte."""
        async with self.database.read() as connection:
            answers: list[Any] = [await reports.trial_balance(connection, position)]
            for account in (CASH, OPENING):
                for since in range(1, position + 1):
                    answers.append(
                        await reports.statement_at(connection, account, since=since, until=position)
                    )
        return "\n".join(map(repr, answers)).encode()

    async def cash(self, as_of: date | int | None = None) -> int:
        """What the bank account holds, as of a day or a position."""
        async with self.database.read() as connection:
            trial = await reports.trial_balance(connection, as_of)
        turnover = trial.accounts.get(parse(CASH))
        return turnover.balance.minor if turnover else 0

    async def steps(self, **asked: Any) -> list[int]:
        """The balances after each line of the bank account's statement."""
        async with self.database.read() as connection:
            ask = reports.statement_at if "until" in asked else reports.statement
            found = await ask(connection, CASH, **asked)
        return [line.balance.minor for line in found.lines] if found else []


@pytest.fixture
async def reader(database_url: str, keys: Keys) -> AsyncIterator[Reader]:
    """Somebody who asks while sessions are open."""
    pool = await Database.connect(database_url, size=SESSIONS + 3)
    yield Reader(pool, keys)
    await pool.close()


async def test_an_answer_about_a_position_stays_the_same_bytes_however_sessions_commit(
    reader: Reader,
) -> None:
    await book_all(reader.database, [movement("opens the accounts")])
    answers: dict[int, bytes] = {}
    async with AsyncExitStack() as stack:
        sessions = []
        for n in range(SESSIONS):  # they draw their numbers in this order …
            connection = await stack.enter_async_context(reader.database.read())
            sessions.append((connection, connection.transaction()))
            await sessions[-1][1].start()
            await _submit(connection, n)
        for n, (_, transaction) in reversed(list(enumerate(sessions))):  # … and commit in reverse
            last = await reader.seal()
            for position in range(1, last + 1):
                answers.setdefault(position, await reader.at(position))
            await transaction.commit()
            # Committed and not sealed: what was asked before is answered as before.
            assert {each: await reader.at(each) for each in answers} == answers, n
    last = await reader.seal()
    assert last == 1 + 3 * SESSIONS
    assert {each: await reader.at(each) for each in answers} == answers
    assert await reader.cash(last) == await reader.cash()
    # The last to begin was the first to commit, and so it stands in the journal.
    by_session = [10**n for n in reversed(range(SESSIONS)) for _ in range(3)]
    expected = [1000 + sum(by_session[:n]) for n in range(len(by_session) + 1)]
    assert await reader.steps(until=last) == expected
    async with reader.database.read() as connection:
        assert (await verify(connection, mark_every=MARK_EVERY)).bad is None


async def _submit(connection: Connection, n: int) -> None:
    """Three entries of one session, of two days."""
    await journal.submit(
        connection,
        [
            movement(f"{n}.{at}", (CASH, OPENING, 10**n), occurred_at=MORNING - timedelta(days=day))
            for at, day in enumerate((0, 1, 0))
        ],
    )


async def test_where_the_latest_time_would_tell_seven_the_truth_is_a_hundred_and_seven(
    reader: Reader,
) -> None:
    """Two sessions: the first takes its time first and commits last."""
    await book_all(reader.database, [movement("opens", (CASH, OPENING, 1))])
    await book_all(reader.database, [movement("empties", (OPENING, CASH, 1))])
    start = await reader.seal()
    assert await reader.cash() == await reader.cash(start) == 0
    async with reader.database.transaction() as first:
        await journal.submit(first, [movement("first", (CASH, OPENING, 100))])
        await book_all(reader.database, [movement("second", (CASH, OPENING, 7))])
        assert (await reader.cash(), await reader.cash(TODAY)) == (7, 7)
        assert await reader.seal() == start + 1
        assert await reader.cash(start + 1) == 7
    # Committed, not sealed.
    assert (await reader.cash(), await reader.cash(TODAY)) == (107, 107)
    assert await reader.cash(start + 1) == 7
    assert await reader.steps() == [1, 0, 7, 107]
    assert await reader.seal() == start + 2
    # Sealed.
    assert (await reader.cash(), await reader.cash(TODAY)) == (107, 107)
    assert [await reader.cash(start + n) for n in range(3)] == [0, 7, 107]
    assert await reader.cash(TODAY - timedelta(days=1)) == 0
    assert await reader.steps() == await reader.steps(until=start + 2) == [1, 0, 7, 107]
    assert await _by_latest_time(reader.database) == Money(7, "JOD")


async def _by_latest_time(database: Database) -> Money:
    """The balance after the entry that was recorded last: what others document as the way."""
    async with database.read() as connection:
        found = await reports.statement_at(connection, CASH, until=4)
    assert found is not None
    return max(found.lines, key=lambda line: line.recorded_at).balance
