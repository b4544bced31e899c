"""Group commit on a real database: order, batches, refusals, faults, and connections that die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import asyncpg
import pytest

from kernel.database import Connection, Database
from kernel.group_commit import Busy, GroupCommit, Lost
from tests.unit.kernel.gated_store import (
    COMMITTING,
    LATE_FAULT,
    NEGATIVE,
    NEVER_LUCKY,
    TWICE_UNLUCKY,
    WRITING,
    GatedStore,
    Kept,
    gated_store,
)

Commits = GroupCommit[Kept, int]
Make = Callable[..., Commits]


@pytest.fixture
async def store(owner: Database, database_url: str) -> AsyncIterator[GatedStore]:
    async with gated_store(owner, database_url) as made:
        yield made


@pytest.fixture(params=[True, False], ids=["one statement", "a transaction"])
def make(request: pytest.FixtureRequest, store: GatedStore) -> Make:
    """Group commits in both ways of committing."""

    def build(**settings: Any) -> Commits:
        settings = {"lanes": 1, "one_statement": request.param, **settings}
        return GroupCommit(
            store.database, store.write, recall=store.recall, name="kept", **settings
        )

    return build


def several(commits: Commits, *items: Kept) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(commits.submit(item)) for item in items]


async def turns(count: int = 20) -> None:
    """Let whoever can go on without waiting for a server go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_thousand_callers_get_their_own_results_from_a_few_commits(
    make: Make, store: GatedStore
) -> None:
    commits = make(limit=500, lanes=2)
    told = await asyncio.gather(*(commits.submit((n, n)) for n in range(100, 1100)))
    kept = await store.tickets()
    assert told == [kept[n] for n in range(100, 1100)]
    assert await store.admin.fetchval("SELECT count(DISTINCT xmin::text) FROM kept") == 2
    assert (commits.batches, commits.items, commits.largest) == (2, 1000, 500)


async def test_one_connection_writes_in_the_order_of_the_calls(
    make: Make, store: GatedStore
) -> None:
    commits = make(limit=7)
    await asyncio.gather(*(commits.submit((n, 0)) for n in range(50, 0, -1)))
    assert list(await store.tickets()) == list(range(50, 0, -1))
    assert commits.largest == 7


async def test_a_call_waits_neither_for_company_nor_for_another_batch(
    make: Make, store: GatedStore
) -> None:
    commits = make(lanes=2)
    await store.hold(COMMITTING)
    calls = several(commits, (1, 0))
    await store.stand(1)
    calls += several(commits, (2, 0))
    await store.stand(2)
    await store.let(COMMITTING)
    await asyncio.gather(*calls)
    assert (commits.batches, commits.largest) == (2, 1)


async def test_the_next_batch_fills_while_the_last_one_commits(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.hold(COMMITTING)
    calls = several(commits, (0, 0))
    await store.stand(1)
    calls += several(commits, *((n, 0) for n in range(1, 51)))
    await turns()
    assert store.calls == 1
    await store.let(COMMITTING)
    await asyncio.gather(*calls)
    assert (commits.batches, commits.largest) == (2, 50)


async def test_no_more_batches_are_in_flight_than_there_are_lanes(
    make: Make, store: GatedStore
) -> None:
    commits = make(limit=1, lanes=2)
    await store.hold(COMMITTING)
    calls = several(commits, *((n, 0) for n in range(6)))
    await store.stand(2)
    await turns()
    assert store.calls == 2
    await store.let(COMMITTING)
    await asyncio.gather(*calls)
    assert commits.batches == 6


async def test_who_finds_too_many_waiting_is_refused_at_once_and_not_written(
    make: Make, store: GatedStore
) -> None:
    commits = make(waiting=3)
    await store.hold(COMMITTING)
    calls = several(commits, (0, 0))
    await store.stand(1)
    calls += several(commits, (1, 0), (2, 0), (3, 0))
    await turns()
    with pytest.raises(Busy):
        await commits.submit((4, 0))
    await store.let(COMMITTING)
    await asyncio.gather(*calls)
    assert set(await store.tickets()) == {0, 1, 2, 3}
    await commits.submit((4, 0))


async def test_a_caller_who_gives_up_loses_and_doubles_nothing(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.hold(COMMITTING)
    in_flight = several(commits, (1, 0), (2, 0))
    await store.stand(1)
    waiting = several(commits, (3, 0), (4, 0))
    await turns()
    in_flight[0].cancel()
    waiting[0].cancel()
    await turns()
    await store.let(COMMITTING)
    told = [await in_flight[1], await waiting[1]]
    waiting[1].cancel()
    await commits.close()
    kept = await store.tickets()
    assert told == [kept[2], kept[4]]
    assert set(kept) == {1, 2, 3, 4}
    assert [await store.writes(n) for n in kept] == [1, 1, 1, 1]
    assert in_flight[0].cancelled()


async def test_items_that_cannot_be_written_fail_alone(make: Make, store: GatedStore) -> None:
    commits = make()
    bodies: dict[int, Any] = {7: NEGATIVE, 50: LATE_FAULT, 51: "not a number", 99: NEGATIVE}
    told = await asyncio.gather(
        *(commits.submit((n, bodies.get(n, 0))) for n in range(100)), return_exceptions=True
    )
    kept = await store.tickets()
    assert {n for n in range(100) if n not in kept} == set(bodies)
    assert all(told[n] == kept[n] for n in kept)
    for n, fault in {7: asyncpg.CheckViolationError, 51: asyncpg.DataError}.items():
        assert isinstance(told[n], fault)
    assert isinstance(told[50], asyncpg.CheckViolationError)
    assert commits.items == 96


async def test_what_is_no_items_fault_is_told_to_all_and_not_repeated(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.admin.execute("ALTER TABLE kept RENAME TO away")
    told = await asyncio.gather(
        *(commits.submit((n, 0)) for n in range(20)), return_exceptions=True
    )
    await store.admin.execute("ALTER TABLE away RENAME TO kept")
    assert {type(each) for each in told} == {asyncpg.UndefinedTableError}
    assert store.calls == 1


async def test_serialization_failures_are_repeated_a_few_times(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    unlucky = several(commits, (1, TWICE_UNLUCKY), (2, 0))
    told = await asyncio.gather(*unlucky)
    assert told == list((await store.tickets()).values())
    assert store.calls == 3
    never = several(commits, (3, NEVER_LUCKY), (4, 0))
    both = await asyncio.gather(*never, return_exceptions=True)
    assert {type(each) for each in both} == {asyncpg.SerializationError}
    assert store.calls == 6
    assert set(await store.tickets()) == {1, 2}


async def test_a_wrong_count_of_results_is_told_to_the_caller(store: GatedStore) -> None:
    async def write(connection: Connection, items: Sequence[Kept]) -> list[int]:
        return (await store.write(connection, items))[1:]

    commits = GroupCommit(store.database, write, recall=store.recall, name="kept")
    with pytest.raises(RuntimeError):
        await commits.submit((1, 0))
    assert not await store.tickets()


async def test_a_connection_that_died_idle_is_no_matter(make: Make, store: GatedStore) -> None:
    commits = make()
    await commits.submit((1, 0))
    await store.kill()
    told = await asyncio.gather(*several(commits, (2, 0), (3, 0)))
    kept = await store.tickets()
    assert told == [kept[2], kept[3]]


@pytest.mark.parametrize("gate", [WRITING, COMMITTING], ids=["in the statement", "in COMMIT"])
async def test_what_died_with_its_connection_is_looked_up_and_written(
    make: Make, store: GatedStore, gate: int
) -> None:
    commits = make()
    await store.hold(gate)
    calls = several(commits, (1, 0), (2, 0))
    await store.stand(1)
    calls += several(commits, (3, 0))
    await store.kill()
    await store.let(gate)
    told = await asyncio.gather(*calls)
    kept = await store.tickets()
    assert told == [kept[1], kept[2], kept[3]]
    assert [await store.writes(n) for n in kept] == [1, 1, 1]
    assert commits.in_doubt == 2


async def test_a_commit_that_nobody_heard_of_is_found_and_not_repeated(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    store.may_recall = asyncio.Event()
    await store.hold(COMMITTING)
    calls = several(commits, (1, 0), (2, 0))
    await store.stand(1)
    store.cut()
    await store.let(COMMITTING)
    async with asyncio.timeout(10):
        while not await store.tickets():
            pass
    store.may_recall.set()
    assert await asyncio.gather(*calls) == list((await store.tickets()).values())
    assert store.calls == 1
    assert (commits.batches, commits.items) == (1, 2)


async def test_a_commit_that_is_still_under_way_is_waited_for(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.hold(COMMITTING)
    calls = several(commits, (1, 0), (2, 0))
    await store.stand(1)
    store.cut()
    await store.stand(1, "transactionid")
    await store.let(COMMITTING)
    told = await asyncio.gather(*calls)
    assert told == [1, 2]
    assert told == list((await store.tickets()).values())
    assert await store.writes(1) == 2


async def test_an_error_in_a_repetition_is_no_proof_that_nothing_was_written(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.hold(WRITING)
    good, bad = several(commits, (1, 0), (2, NEGATIVE))
    await store.stand(1)
    await store.kill()
    await store.let(WRITING)
    assert await good == (await store.tickets())[1]
    with pytest.raises(Lost) as told:
        await bad
    assert isinstance(told.value.__cause__, asyncpg.CheckViolationError)


async def test_a_silent_connection_is_cut_and_its_callers_are_told_that_nothing_is_known(
    make: Make, store: GatedStore
) -> None:
    commits = make(patience_s=0.2)
    await store.hold(WRITING)
    with pytest.raises(Lost):
        await commits.submit((1, 0))
    await store.let(WRITING)
    assert await commits.submit((1, 0)) == (await store.tickets())[1]


async def test_without_a_database_callers_are_told_at_once_and_doubt_waits_for_its_return(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.hold(COMMITTING)
    doubtful = several(commits, (1, 0), (2, 0))
    await store.stand(1)
    waiting = several(commits, (3, 0))
    await store.shut()
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await waiting[0]
    await store.let(COMMITTING)
    assert not [call for call in doubtful if call.done()]
    await store.reopen()
    assert await asyncio.gather(*doubtful) == list((await store.tickets()).values())
    assert set(await store.tickets()) == {1, 2}
    await commits.submit((3, 0))


async def test_without_a_database_nothing_is_accepted_in_vain(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await store.shut()
    told = await asyncio.gather(*several(commits, (1, 0), (2, 0)), return_exceptions=True)
    await store.reopen()
    assert {type(each) for each in told} == {asyncpg.ObjectNotInPrerequisiteStateError}
    assert await commits.submit((3, 0)) == (await store.tickets())[3]


async def test_a_database_that_stays_away_leaves_the_outcome_unknown(
    make: Make, store: GatedStore
) -> None:
    commits = make(patience_s=0.2)
    await store.hold(WRITING)
    calls = several(commits, (1, 0), (2, 0))
    await store.stand(1)
    await store.shut()
    told = await asyncio.gather(*calls, return_exceptions=True)
    await store.reopen()
    assert {type(each) for each in told} == {Lost}


async def test_while_one_lane_is_in_doubt_the_other_goes_on(make: Make, store: GatedStore) -> None:
    commits = make(lanes=2)
    store.may_recall = asyncio.Event()
    await store.hold(WRITING)
    (doubtful,) = several(commits, (1, 0))
    await store.stand(1)
    await store.kill()
    await store.let(WRITING)
    assert await commits.submit((2, 0)) == (await store.tickets())[2]
    assert not doubtful.done()
    store.may_recall.set()
    assert await doubtful == (await store.tickets())[1]


async def test_who_comes_in_the_moment_of_a_break_is_not_held_up_by_the_doubt(
    store: GatedStore,
) -> None:
    calls: list[asyncio.Task[int]] = []
    store.may_recall = asyncio.Event()

    async def write(connection: Connection, items: Sequence[Kept]) -> list[int]:
        if not calls:
            calls.extend(several(commits, (2, 0)))
            raise ConnectionResetError
        return await store.write(connection, items)

    commits = GroupCommit(
        store.database, write, recall=store.recall, name="kept", one_statement=True
    )
    (doubtful,) = several(commits, (1, 0))
    async with asyncio.timeout(5):
        while not calls:
            await turns()
        assert await calls[0] == (await store.tickets())[2]
    assert not doubtful.done()
    store.may_recall.set()
    await doubtful


async def test_closing_finishes_what_was_accepted_and_takes_no_more(
    make: Make, store: GatedStore
) -> None:
    commits = make()
    await commits.close()
    commits = make()
    await store.hold(COMMITTING)
    calls = several(commits, (1, 0))
    await store.stand(1)
    calls += several(commits, (2, 0), (3, 0))
    await turns()
    closing = asyncio.create_task(commits.close())
    await turns()
    assert not closing.done()
    with pytest.raises(Busy):
        await commits.submit((4, 0))
    await store.let(COMMITTING)
    await closing
    assert await asyncio.gather(*calls) == list((await store.tickets()).values())
    assert set(await store.tickets()) == {1, 2, 3}
