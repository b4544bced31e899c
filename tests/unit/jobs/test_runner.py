"""The runner: everything due is handled once, failures come back, poison is put aside."""

import asyncio
from collections import Counter

import pytest

from jobs import runner as runner_module
from jobs.crew import Crew
from jobs.runner import Runner
from kernel import work
from kernel.database import Database
from kernel.work import Work


async def enqueue(database: Database, *keys: str) -> None:
    async with database.transaction() as connection:
        for key in keys:
            await work.enqueue(connection, "test", key)


async def value(database: Database, sql: str) -> object:
    async with database.read() as connection:
        return await connection.fetchval(sql)


class Handled:
    """Finishes work and counts it; ``fail`` of a key that many times first."""

    def __init__(self, database: Database, fail: dict[str, int] | None = None) -> None:
        self.database, self.fail, self.seen = database, fail or {}, Counter[str]()

    async def __call__(self, item: Work) -> None:
        self.seen[item.key] += 1
        if self.seen[item.key] <= self.fail.get(item.key, 0):
            raise RuntimeError("not yet")
        async with self.database.transaction() as connection:
            await work.finish(connection, item)


async def run_until_empty(runner: Runner, database: Database) -> None:
    running = asyncio.create_task(runner.run(every_s=0.05))
    for _ in range(2000):
        if not await value(database, "SELECT count(*) FROM kernel.work WHERE parked_at IS NULL"):
            break
        await asyncio.sleep(0.01)
    runner.stop()
    await running


async def test_more_work_than_slots_is_all_done_once(database: Database) -> None:
    handled = Handled(database)
    await enqueue(database, *map(str, range(100)))
    await run_until_empty(Runner(database, {"test": handled}, lease_s=30, slots=4), database)
    assert handled.seen == Counter({str(key): 1 for key in range(100)})


async def test_two_runners_share_the_work(database: Database) -> None:
    handled = Handled(database)
    await enqueue(database, *map(str, range(60)))
    runners = [Runner(database, {"test": handled}, lease_s=30, slots=4) for _ in range(2)]
    await asyncio.gather(*(run_until_empty(runner, database) for runner in runners))
    assert set(handled.seen.values()) == {1}


async def test_a_full_runner_lets_others_run(database: Database) -> None:
    release = asyncio.Event()
    handled = Handled(database)

    async def slow(item: Work) -> None:
        await release.wait()
        await handled(item)

    await enqueue(database, "a", "b", "c")
    runner = Runner(database, {"test": slow}, lease_s=30, slots=2)
    running = asyncio.create_task(run_until_empty(runner, database))
    for _ in range(50):
        runner.poke()
        await asyncio.sleep(0)
    release.set()
    await running
    assert sum(handled.seen.values()) == 3


async def test_a_failure_comes_back_later(database: Database) -> None:
    handled = Handled(database, fail={"a": 1})
    await enqueue(database, "a")
    await run_until_empty(Runner(database, {"test": handled}, lease_s=30), database)
    assert handled.seen["a"] == 2


async def test_poison_is_parked_and_its_neighbours_go_on(database: Database) -> None:
    handled = Handled(database, fail={"poison": 99})
    await enqueue(database, "poison", "good")
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE kernel.work SET attempts = $1 WHERE key = 'poison'",
            runner_module.MAX_ATTEMPTS - 1,
        )
    await run_until_empty(Runner(database, {"test": handled}, lease_s=30), database)
    assert handled.seen == Counter(poison=1, good=1)
    assert "not yet" in str(await value(database, "SELECT last_error FROM kernel.work"))


async def test_a_kind_nobody_here_handles_is_left_untouched(database: Database) -> None:
    handled = Handled(database)
    await enqueue(database, "mine")
    async with database.transaction() as connection:
        await work.enqueue(connection, "other", "a")
    runner = Runner(database, {"test": handled}, lease_s=30)
    running = asyncio.create_task(runner.run(every_s=0.02))
    await _until(handled, 1)
    runner.stop()
    await running
    assert await value(database, "SELECT attempts FROM kernel.work WHERE kind = 'other'") == 0


async def test_slow_messages_do_not_keep_money_waiting(database: Database) -> None:
    release = asyncio.Event()
    sent, paid = Handled(database), Handled(database)

    async def slow_carrier(item: Work) -> None:
        await release.wait()
        await sent(item)

    async with database.transaction() as connection:
        for number in range(20):
            await work.enqueue(connection, "message", str(number))
        await work.enqueue(connection, "money", "a")
    crew = Crew(
        [
            Runner(database, {"money": paid}, lease_s=30, slots=4),
            Runner(database, {"message": slow_carrier}, lease_s=30, slots=4),
        ]
    )
    running = asyncio.create_task(crew.run(every_s=0.02))
    await _until(paid, 1)
    assert sum(sent.seen.values()) == 0
    release.set()
    await _until(sent, 20)
    crew.stop()
    await running


async def _until(handled: Handled, count: int) -> None:
    for _ in range(2000):
        if sum(handled.seen.values()) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"only {handled.seen} within 20 s")


@pytest.mark.parametrize("overdue_s", [30.0])
async def test_young_work_is_left_to_the_worker(database: Database, overdue_s: float) -> None:
    handled = Handled(database)
    await enqueue(database, "a")
    runner = Runner(database, {"test": handled}, lease_s=30, overdue_s=overdue_s)
    running = asyncio.create_task(runner.run(every_s=0.02))
    await asyncio.sleep(0.1)
    runner.stop()
    await running
    assert handled.seen["a"] == 0
