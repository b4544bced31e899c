"""Limits: counted together, at once, without Valkey, and forgotten in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from kernel.limits import Limit, Limits
from kernel.privacy import Keys
from kernel.valkey import Valkey

THREE = Limit("tries", 3, 60)


@pytest.fixture
def limits(valkey: Valkey, keys: Keys, clock: ManualClock) -> Limits:
    return Limits(valkey, keys, clock)


async def tries(limits: Limits, count: int, who: str = "+962790000001") -> list[bool]:
    turns = [await limits.take(THREE, who) for _ in range(count)]
    return [turn.within for turn, _ in turns]


async def test_so_many_are_within_a_limit_and_no_more(limits: Limits) -> None:
    assert await tries(limits, 5) == [True, True, True, False, False]
    assert await tries(limits, 1, "+962790000002") == [True]


async def test_many_at_once_do_not_slip_through(limits: Limits) -> None:
    turns = await asyncio.gather(*(limits.take(THREE, "somebody") for _ in range(50)))
    assert sum(turn.within for turn, _ in turns) == 3


async def test_processes_count_together(
    limits: Limits, valkey: Valkey, keys: Keys, clock: ManualClock
) -> None:
    other = Limits(valkey, keys, clock)
    assert await tries(limits, 2) + await tries(other, 2) == [True, True, True, False]


async def test_a_window_slides(limits: Limits, clock: ManualClock) -> None:
    assert await tries(limits, 3) == [True] * 3
    clock.forward(timedelta(seconds=60))
    assert await tries(limits, 1) == [False]
    clock.forward(timedelta(seconds=120))
    assert await tries(limits, 1) == [True]


async def test_what_is_given_back_did_not_count(limits: Limits, valkey: Valkey) -> None:
    for _ in range(10):
        turn, _ = await limits.take(THREE, "somebody")
        assert turn.within
        turn.give_back()
    [name] = await names(valkey)
    assert await valkey.call("GET", name) == b"0"


async def test_what_everybody_did_is_told_beside(limits: Limits) -> None:
    everybody = Limit("all", 2, 60)
    for _ in range(5):
        limits.count(everybody)
    _, together = await limits.take(THREE, "somebody", beside=everybody)
    assert together == 5


async def test_an_emptied_valkey_forgives_nothing_here(limits: Limits, valkey: Valkey) -> None:
    await tries(limits, 3)
    await valkey.call("FLUSHALL")
    assert await tries(limits, 1) == [False]


async def test_without_valkey_a_process_counts_what_it_sees(keys: Keys, clock: ManualClock) -> None:
    alone = Limits(Valkey("redis://127.0.0.1:9"), keys, clock)
    assert await tries(alone, 5) == [True, True, True, False, False]
    clock.forward(timedelta(minutes=3))
    assert await tries(alone, 1) == [True]


async def test_a_count_that_is_none_is_no_fault(limits: Limits, valkey: Valkey) -> None:
    await tries(limits, 1)
    [name] = await names(valkey)
    await valkey.call("SET", name, "nonsense")
    assert await tries(limits, 3) == [True, True, False]


async def test_names_tell_nobody_and_go_away(limits: Limits, valkey: Valkey) -> None:
    await tries(limits, 1)
    [name] = await names(valkey)
    assert b"790000001" not in name
    left = await valkey.call("TTL", name)
    assert isinstance(left, int)
    assert 0 < left <= 2 * THREE.window_s


async def names(valkey: Valkey) -> list[bytes]:
    found = await valkey.call("KEYS", "*")
    assert isinstance(found, list)
    return found
