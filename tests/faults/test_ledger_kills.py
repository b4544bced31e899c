"""The ledger killed at every statement: the process, its session, the whole server.

What was acknowledged is there once, nothing is half there, and sealing goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from launch.embedded import Servers
from tests.databases import TestDatabases
from tests.faults import bookers
from tests.faults.bookers import Booker
from tests.faults.ledger_gates import ALONE, SEAL, SUBMIT, Books

_numbers = count(1)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Books on a PostgreSQL of their own, which others do not miss when it dies."""
    home = Path(tmp_path_factory.mktemp("ledger"))
    with Servers(home, redis_url="redis://127.0.0.1:1", power_may_fail=False) as urls:
        databases = TestDatabases(urls.database_url)
        databases.prepare()
        made = Books(databases.take())
        asyncio.run(made.prepare())
        yield made
        databases.close()


def submitter(books: Books, run: bookers.Run = bookers.submit) -> Booker:
    """A process that books."""
    return Booker(run, books.url, f"b{next(_numbers)}")


def sealer(books: Books) -> Booker:
    """A process that seals."""
    return Booker(bookers.seal, books.url, str(100 * next(_numbers)))


submitters = pytest.mark.parametrize(
    ("run", "gate"),
    [
        *(pytest.param(bookers.submit, gate, id=gate) for gate in SUBMIT),
        *(pytest.param(bookers.submit_alone, gate, id=f"alone: {gate}") for gate in ALONE),
    ],
)


async def some_entries(books: Books) -> Booker:
    """What a sealer finds: entries of a submitter that is gone."""
    booker = submitter(books)
    await booker.tells(5)
    booker.kill()
    return booker


@submitters
async def test_a_submitter_killed_there_leaves_whole_entries_and_what_it_told(
    books: Books, run: bookers.Run, gate: str
) -> None:
    booker = submitter(books, run)
    await booker.tells(5)
    async with books.held(SUBMIT[gate]) as held:
        await held.catches()
        booker.kill()
    await books.agree(booker.told)


@submitters
async def test_a_submitter_whose_session_ends_there_goes_on_and_books_everything_once(
    books: Books, run: bookers.Run, gate: str
) -> None:
    booker = submitter(books, run)
    await booker.tells(5)
    async with books.held(SUBMIT[gate]) as held:
        await books.terminate(await held.catches())
    await booker.tells(5)
    booker.kill()
    await books.agree(booker.told)


@pytest.mark.parametrize("gate", SEAL)
async def test_a_sealer_killed_there_is_followed_by_another(books: Books, gate: str) -> None:
    entries = await some_entries(books)
    async with books.held(SEAL[gate]) as held:
        killed = sealer(books)
        await held.catches()
        killed.kill()
    await books.agree(entries.told)


@pytest.mark.parametrize("gate", SEAL)
async def test_a_sealer_whose_session_ends_there_goes_on(books: Books, gate: str) -> None:
    entries = await some_entries(books)
    async with books.held(SEAL[gate]) as held:
        going_on = sealer(books)
        await books.terminate(await held.catches())
    more = await some_entries(books)
    await going_on.tells(1)
    going_on.kill()
    await books.agree([*entries.told, *more.told])


@pytest.mark.parametrize(("n", "gate"), list(enumerate(SEAL)), ids=list(SEAL))
async def test_a_server_that_dies_with_both_in_the_middle_comes_back_and_both_go_on(
    books: Books, n: int, gate: str
) -> None:
    # A table that nobody can read is no place to bring a submitter through.
    at = (
        "it looks at the lock date" if SEAL[gate].startswith("LOCK") else [*SUBMIT][n % len(SUBMIT)]
    )
    booker = submitter(books)
    await booker.tells(5)
    async with books.held(SUBMIT[at]) as submitting, books.held(SEAL[gate]) as sealing:
        going_on = sealer(books)
        sessions = await submitting.catches() + await sealing.catches()
        await books.crash(sessions[n % len(sessions)])
    await booker.tells(5)
    await going_on.tells(1)
    booker.kill()
    going_on.kill()
    await books.agree(booker.told)
