"""Collections, their evidence and the promise about status queries, on a real database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.ids import RandomIds
from kernel.money import Money
from wallets import collections
from wallets.collections import KEPT_BYTES
from wallets.port import Evidence, EvidenceKind, Known, Outcome, Verdict
from wallets.tokens import digest

PAYER = b"p" * 16
FEE = Money(5_000, "JOD")


@pytest.fixture
async def collection(database: Database, ids: RandomIds, clock: ManualClock) -> UUID:
    """A stored collection of 5.000 JOD."""
    made = ids.new()
    async with database.transaction() as connection:
        await _create(connection, made, clock, token="a" * 32)
    return made


async def _create(connection: Connection, id: UUID, clock: ManualClock, *, token: str) -> None:
    await collections.create(
        connection,
        id=id,
        wallet="sandbox",
        payer=PAYER,
        amount=FEE,
        callback_digest=digest(token),
        at=clock.now(),
    )


def _exchange(
    clock: ManualClock, *, kind: EvidenceKind = "query", body: bytes = b"{}", note: str = ""
) -> Evidence:
    return Evidence(
        kind=kind,
        at=clock.now(),
        method="GET",
        url_path="/transactions/R1",
        status=200,
        headers={"content-type": "application/json"},
        body=body,
        note=note,
    )


async def test_a_collection_reads_back_as_it_was_stored(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    async with database.read() as connection:
        stored = await collections.load(connection, collection)
    assert stored is not None
    assert (stored.id, stored.wallet, stored.payer, stored.amount) == (
        collection,
        "sandbox",
        PAYER,
        FEE,
    )
    assert stored.created_at == clock.now()
    assert stored.known == Known(correlation=None, reference=None)


async def test_an_unknown_collection_is_none(database: Database, ids: RandomIds) -> None:
    async with database.read() as connection:
        assert await collections.load(connection, ids.new()) is None


async def test_what_was_asked_for_cannot_be_changed(database: Database, collection: UUID) -> None:
    async with database.read() as connection:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(
                "UPDATE wallets.collection SET amount = 1 WHERE id = $1", collection
            )


async def test_names_the_operator_gives_are_kept_and_one_not_repeated_stays(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    first = Verdict(outcome=Outcome.ACCEPTED, correlation="C1", evidence=(_exchange(clock),))
    second = Verdict(outcome=Outcome.ACCEPTED, reference="R1", evidence=(_exchange(clock),))
    async with database.transaction() as connection:
        await collections.record(connection, collection, first, at=clock.now())
        await collections.record(connection, collection, second, at=clock.now())
        stored = await collections.load(connection, collection)
    assert stored is not None
    assert stored.known == Known(correlation="C1", reference="R1")


@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(outcome=Outcome.UNKNOWN, reference="X", mismatch="amount"),
        Verdict(outcome=Outcome.ACCEPTED, reference="X"),
    ],
    ids=["of another payment", "of a reversal"],
)
async def test_names_that_are_not_the_collections_are_left_alone(
    database: Database, collection: UUID, clock: ManualClock, verdict: Verdict
) -> None:
    kind: EvidenceKind = "query" if verdict.mismatch else "reverse"
    told = Verdict(
        outcome=verdict.outcome,
        reference="X",
        mismatch=verdict.mismatch,
        evidence=(_exchange(clock, kind=kind),),
    )
    async with database.transaction() as connection:
        await collections.record(connection, collection, told, at=clock.now())
        stored = await collections.load(connection, collection)
    assert stored is not None
    assert stored.known == Known()


async def test_evidence_reads_back_in_order_with_its_bytes(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    garbage = b"\x00\xff<html>"
    verdict = Verdict(
        outcome=Outcome.UNKNOWN,
        evidence=(_exchange(clock, body=garbage), _exchange(clock, body=b"x" * 100_000)),
    )
    async with database.transaction() as connection:
        last = await collections.record(connection, collection, verdict, at=clock.now())
        stored = await collections.evidence_of(connection, collection)
        assert last is not None
        alone = await collections.evidence(connection, last)
    assert [(row.body[:8], row.size) for row in stored] == [
        (garbage, len(garbage)),
        (b"x" * 8, 100_000),
    ]
    assert len(stored[1].body) == KEPT_BYTES
    assert alone == stored[1]
    assert alone.headers == {"content-type": "application/json"}


async def test_a_verdict_without_evidence_returns_no_id(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    async with database.transaction() as connection:
        verdict = Verdict(outcome=Outcome.UNKNOWN)
        assert await collections.record(connection, collection, verdict, at=clock.now()) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE wallets.evidence SET body = ''",
        "UPDATE wallets.evidence SET repeats = repeats - 1",
        "UPDATE wallets.evidence SET repeats = repeats + 1, note = 'x'",
        "DELETE FROM wallets.evidence",
        "TRUNCATE wallets.evidence",
    ],
)
async def test_evidence_can_only_be_added(
    database: Database, owner: Database, collection: UUID, clock: ManualClock, statement: str
) -> None:
    verdict = Verdict(outcome=Outcome.UNKNOWN, evidence=(_exchange(clock),))
    async with database.transaction() as connection:
        await collections.record(connection, collection, verdict, at=clock.now())
    async with owner.read() as connection:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(statement)


async def test_the_budget_holds_at_most_so_many_queries_in_its_window(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    async with database.read() as connection:

        async def ask() -> bool:
            return await collections.reserve_query(
                connection, collection, budget=3, window_s=7200, at=clock.now()
            )

        answers = []
        for step_s in (0, 90, 600, 10, 6490, 20, 7200):
            clock.forward(timedelta(seconds=step_s))
            answers.append(await ask())
        # at 0, 90, 690 | 700: full | 7190: full | 7210: the first has left | 14410: all have left
        assert answers == [True, True, True, False, False, True, True]


async def test_many_askers_at_once_share_one_budget(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    async def ask() -> bool:
        async with database.transaction() as connection:
            return await collections.reserve_query(
                connection, collection, budget=3, window_s=7200, at=clock.now()
            )

    answers = await asyncio.gather(*(ask() for _ in range(12)))
    assert sum(answers) == 3


async def test_a_query_that_was_never_sent_goes_back_into_the_budget(
    database: Database, collection: UUID, clock: ManualClock
) -> None:
    async with database.read() as connection:

        async def ask() -> bool:
            return await collections.reserve_query(
                connection, collection, budget=2, window_s=7200, at=clock.now()
            )

        assert await ask()
        clock.forward(timedelta(seconds=1))
        assert await ask()
        assert not await ask()
        await collections.release_query(connection, collection, at=clock.now())
        assert await ask()
        assert not await ask()
