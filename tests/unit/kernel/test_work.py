"""The work table: once, leased, fenced, never lost."""

import asyncio

import pytest

from kernel import work
from kernel.database import Database
from kernel.work import LeaseLost, Work


async def enqueue(database: Database, key: str, delay_s: float = 0.0) -> None:
    async with database.transaction() as connection:
        await work.enqueue(connection, "test", key, delay_s=delay_s)


async def end_lease(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE kernel.work SET leased_until = now() - interval '1 second'"
        )


async def rows(database: Database) -> int:
    async with database.read() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM kernel.work"))


async def test_asking_twice_makes_one_row(database: Database) -> None:
    await enqueue(database, "a")
    await enqueue(database, "a")
    assert [item.key for item in await work.claim(database)] == ["a"]


async def test_a_rolled_back_transaction_leaves_no_work(database: Database) -> None:
    async def fails() -> None:
        async with database.transaction() as connection:
            await work.enqueue(connection, "test", "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await work.claim(database) == []


async def test_two_workers_never_hold_the_same_row(database: Database) -> None:
    for number in range(40):
        await enqueue(database, str(number))
    claims = await asyncio.gather(*(work.claim(database, limit=10) for _ in range(8)))
    keys = [item.key for claim in claims for item in claim]
    assert len(keys) == len(set(keys))


async def test_a_leased_row_is_left_alone_until_its_lease_ends(database: Database) -> None:
    await enqueue(database, "a")
    assert len(await work.claim(database)) == 1
    assert await work.claim(database) == []
    await end_lease(database)
    assert [item.attempts for item in await work.claim(database)] == [2]


async def test_a_stale_holder_cannot_finish(database: Database) -> None:
    await enqueue(database, "a")
    (stale,) = await work.claim(database)
    await end_lease(database)
    (fresh,) = await work.claim(database)

    async def comes_back() -> None:
        async with database.transaction() as connection:
            await connection.execute("INSERT INTO kernel.work (kind, key) VALUES ('effect', '')")
            await work.finish(connection, stale)

    with pytest.raises(LeaseLost):
        await comes_back()
    async with database.transaction() as connection:
        assert not await connection.fetchval(
            "SELECT count(*) FROM kernel.work WHERE kind = 'effect'"
        )
        await work.finish(connection, fresh)
    assert await rows(database) == 0


async def test_a_call_during_a_lease_makes_it_run_once_more(database: Database) -> None:
    await enqueue(database, "a")
    (first,) = await work.claim(database)
    await enqueue(database, "a")
    async with database.transaction() as connection:
        await work.finish(connection, first)
    (second,) = await work.claim(database)
    async with database.transaction() as connection:
        await work.finish(connection, second)
    assert await rows(database) == 0


async def test_the_next_run_planned_from_inside_a_run_keeps_its_time(database: Database) -> None:
    await enqueue(database, "a")
    (item,) = await work.claim(database)
    async with database.transaction() as connection:
        await work.enqueue(connection, "test", "a", delay_s=60)
        await work.finish(connection, item)
    assert await work.claim(database) == []
    due = await work.next_due_s(database)
    assert due is not None
    assert 50 < due <= 60


async def test_the_next_run_is_not_lost_by_a_holder_slower_than_its_lease(
    database: Database,
) -> None:
    await enqueue(database, "a")
    (item,) = await work.claim(database)
    await end_lease(database)
    async with database.transaction() as connection:
        await work.enqueue(connection, "test", "a", delay_s=60)
        await work.finish(connection, item)
    assert await rows(database) == 1
    due = await work.next_due_s(database)
    assert due is not None
    assert 50 < due <= 60


async def test_what_was_asked_of_a_dead_holder_is_still_to_be_done_after_another(
    database: Database,
) -> None:
    await enqueue(database, "a")
    await work.claim(database)
    await end_lease(database)
    await enqueue(database, "a", delay_s=60)
    (second,) = await work.claim(database)
    async with database.transaction() as connection:
        await work.finish(connection, second)
    assert await rows(database) == 1


async def test_a_retry_waits_and_a_new_call_makes_it_due(database: Database) -> None:
    await enqueue(database, "a")
    (item,) = await work.claim(database)
    async with database.transaction() as connection:
        await work.retry(connection, item, delay_s=60)
    assert await work.claim(database) == []
    await enqueue(database, "a")
    assert len(await work.claim(database)) == 1


async def test_parked_work_waits_for_a_person_and_comes_back_when_asked(
    database: Database,
) -> None:
    await enqueue(database, "a")
    (item,) = await work.claim(database)
    async with database.transaction() as connection:
        await work.park(connection, item, "poison")
    assert await work.claim(database) == []
    await enqueue(database, "a")
    assert [again.key for again in await work.claim(database)] == ["a"]


@pytest.mark.parametrize("give_back", ["retry", "park"])
async def test_what_went_wrong_is_kept_without_phone_numbers(
    database: Database, give_back: str
) -> None:
    await enqueue(database, "a")
    (item,) = await work.claim(database)
    async with database.transaction() as connection:
        if give_back == "retry":
            await work.retry(connection, item, delay_s=1, error="cannot reach +962790000001")
        else:
            await work.park(connection, item, "cannot reach +962790000001")
        kept = await connection.fetchval("SELECT last_error FROM kernel.work")
    assert kept == "cannot reach +962…01"


async def test_young_rows_can_be_left_to_others(database: Database) -> None:
    await enqueue(database, "a")
    assert await work.claim(database, overdue_s=30) == []


async def test_the_next_due_moment_is_known(database: Database) -> None:
    assert await work.next_due_s(database) is None
    await enqueue(database, "a", delay_s=100)
    due = await work.next_due_s(database)
    assert due is not None
    assert 90 < due <= 100


def test_work_says_what_it_is_about() -> None:
    assert Work(1, "kind", "key", 1, 9).kind == "kind"


async def test_who_gave_a_row_back_holds_it_no_more(database: Database) -> None:
    await enqueue(database, "a")
    (item,) = await work.claim(database)
    async with database.transaction() as connection:
        assert await work.hold(connection, [item]) == {item.id}
        await work.retry(connection, item, delay_s=0)
        assert await work.hold(connection, [item]) == set()
        assert await work.finish_many(connection, [item]) == set()
    (item,) = await work.claim(database)
    async with database.transaction() as connection:
        await work.enqueue(connection, "test", "a")
        assert await work.finish_many(connection, [item]) == {item.id}
        assert await work.finish_many(connection, [item]) == set()
    assert len(await work.claim(database)) == 1
