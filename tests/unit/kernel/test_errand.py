"""Coroutines without a task: they wait for Valkey as they are, and for all else as tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import hiredis
import pytest

from kernel.errand import Errand, in_a_task, within
from kernel.valkey import Valkey, ValkeyDown


async def sent(work: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[object, int]:
    """What an errand comes back with, and how often it failed."""
    loop = asyncio.get_running_loop()
    back: asyncio.Future[object] = loop.create_future()
    failures: list[None] = []

    async def run() -> None:
        try:
            back.set_result(await work())
        except (ValkeyDown, hiredis.HiredisError, TimeoutError) as problem:
            back.set_result(problem)

    def failed() -> None:
        failures.append(None)
        back.set_result(None)

    loop.call_soon(Errand(run(), failed).go_on)
    return await back, len(failures)


async def test_it_waits_for_valkey_without_a_task(valkey: Valkey) -> None:
    await valkey.call("SET", "a", "1")

    async def work() -> object:
        before = asyncio.current_task()
        answers = await valkey.ask(("GET", "a"), ("GET", "b"))
        return before, answers, asyncio.current_task()

    assert await sent(work) == ((None, [b"1", None], None), 0)


async def test_many_get_their_own_answers(valkey: Valkey) -> None:
    await valkey.call("PING")

    def work(n: int) -> Callable[[], Coroutine[Any, Any, object]]:
        async def ask() -> object:
            await valkey.call("SET", f"k{n}", n)
            return await valkey.call("GET", f"k{n}")

        return ask

    answers = await asyncio.gather(*(sent(work(n)) for n in range(200)))
    assert answers == [(str(n).encode(), 0) for n in range(200)]


async def test_for_anything_else_it_is_a_task(valkey: Valkey) -> None:
    await valkey.call("SET", "a", "1")

    async def work() -> object:
        before = asyncio.current_task()
        await in_a_task()
        await asyncio.sleep(0)
        return before, asyncio.current_task() is not None, await valkey.call("GET", "a")

    assert await sent(work) == ((None, True, b"1"), 0)


async def test_the_first_one_makes_the_connection(redis_url: str) -> None:
    fresh = Valkey(redis_url)
    assert await sent(lambda: fresh.call("PING")) == (b"PONG", 0)
    await fresh.close()


async def test_a_refusal_and_a_lost_connection_reach_it(valkey: Valkey) -> None:
    await valkey.call("SET", "a", "text")
    refused, _ = await sent(lambda: valkey.call("INCR", "a"))
    assert isinstance(refused, hiredis.ReplyError)
    lost, _ = await sent(lambda: valkey.ask(("CLIENT", "KILL", "SKIPME", "no"), ("GET", "a")))
    assert isinstance(lost, ValkeyDown)
    assert await sent(lambda: valkey.call("GET", "a")) == (b"text", 0)


async def test_time_runs_out() -> None:
    late = asyncio.get_running_loop().time()
    problem, _ = await sent(lambda: within(late, asyncio.sleep(60)))
    assert isinstance(problem, TimeoutError)


async def _nothing() -> None:
    pass


@pytest.mark.parametrize("first", [_nothing, in_a_task], ids=["errand", "task"])
async def test_what_it_lets_out_is_logged_and_told(
    first: Callable[[], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async def work() -> None:
        await first()
        raise KeyError("a mistake of ours")

    with caplog.at_level(logging.INFO, logger="mizan"):
        assert await sent(work) == (None, 1)
    assert [record.msg for record in caplog.records] == ["errand.failed"]
    assert caplog.records[0].exc_info


async def test_one_that_is_cancelled_has_failed() -> None:
    async def work() -> None:
        await in_a_task()
        itself = asyncio.current_task()
        assert itself is not None
        itself.cancel()
        await asyncio.Event().wait()

    assert await sent(work) == (None, 1)
