"""Any interleaving of calls, callers who give up, poison, closed gates and killed connections: each
accepted item has one effect or none, and everything that was told is true.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.database import Database
from kernel.group_commit import Busy, GroupCommit, Lost
from tests.unit.kernel.gated_store import (
    COMMITTING,
    LATE_FAULT,
    NEGATIVE,
    TWICE_UNLUCKY,
    WRITING,
    GatedStore,
    Kept,
    gated_store,
)

POISON = (NEGATIVE, LATE_FAULT)

bodies = st.lists(
    st.sampled_from([0, 0, 0, 0, 0, NEGATIVE, LATE_FAULT, TWICE_UNLUCKY]), min_size=1, max_size=8
)
gates = st.sampled_from([WRITING, COMMITTING])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), bodies),
        st.tuples(st.just("cancel"), st.integers(0, 100)),
        st.tuples(st.just("hold"), gates),
        st.tuples(st.just("let"), gates),
        st.tuples(st.just("kill"), st.none()),
        st.tuples(st.just("cut"), st.none()),
        st.tuples(st.just("turns"), st.integers(1, 12)),
        st.tuples(st.just("look"), st.none()),
    ),
    min_size=4,
    max_size=25,
)


@pytest.fixture
async def store(owner: Database, database_url: str) -> AsyncIterator[GatedStore]:
    async with gated_store(owner, database_url) as made:
        yield made


@dataclass
class Run:
    """One interleaving on a store of its own ids."""

    store: GatedStore
    commits: GroupCommit[Kept, int]
    calls: list[asyncio.Task[int]] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)
    was_killed: bool = False

    async def step(self, what: str, value: object) -> None:
        """Do one thing."""
        match what, value:
            case "submit", list():
                for body in value:
                    item = (len(self.calls), body)
                    self.bodies.append(body)
                    self.calls.append(asyncio.create_task(self._submit(item)))
            case "cancel", int() if self.calls:
                self.calls[value % len(self.calls)].cancel()
            case "turns", int():
                for _ in range(value):
                    await asyncio.sleep(0)
            case _:
                await self._meddle(what, value)

    async def _meddle(self, what: str, value: object) -> None:
        match what, value:
            case "hold", int():
                await self.store.try_hold(value)
            case "let", int():
                await self.store.let(value)
            case "kill", _:
                self.was_killed = True
                await self.store.kill()
            case "cut", _:
                self.store.cut()
            case "look", _:
                await self.store.tickets()

    async def _submit(self, item: Kept) -> int:
        self.begun.add(item[0])
        return await self.commits.submit(item)

    async def check(self) -> None:
        """All is finished: compare what was told with what is there."""
        told = await asyncio.gather(*self.calls, return_exceptions=True)
        kept = await self.store.tickets()
        assert set(kept) <= set(range(len(told)))
        for item, (body, result) in enumerate(zip(self.bodies, told, strict=True)):
            match result:
                case int():
                    assert kept[item] == result
                case Lost():
                    assert body in POISON
                case asyncio.CancelledError() if not self.was_killed:
                    # Accepted, so it is written although nobody waited for it.
                    assert (item in kept) == (item in self.begun and body not in POISON)
                case asyncio.CancelledError():
                    # A session killed while it was being opened turns away what waits for it.
                    assert item in self.begun or item not in kept
                case Busy() | asyncpg.PostgresError() | asyncpg.InterfaceError() | OSError():
                    assert item not in kept
                case _:
                    raise AssertionError(result)
            assert item not in kept or body not in POISON


@pytest.mark.parametrize("one_statement", [True, False], ids=["one statement", "a transaction"])
@given(steps=steps, lanes=st.integers(1, 3), limit=st.integers(1, 6))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_each_item_has_one_effect_or_none_and_what_was_told_is_true(
    store: GatedStore,
    one_statement: bool,
    steps: list[tuple[str, object]],
    lanes: int,
    limit: int,
) -> None:
    await store.empty()
    commits = GroupCommit(
        store.database, store.write, recall=store.recall, name="kept",
        one_statement=one_statement, lanes=lanes, limit=limit, waiting=12,
    )  # fmt: skip
    run = Run(store, commits)
    for what, value in steps:
        await run.step(what, value)
    await store.open_all()
    async with asyncio.timeout(30):
        await commits.close()
    await run.check()
