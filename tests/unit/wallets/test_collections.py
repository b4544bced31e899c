"""Collections, their evidence and the promise about status queries, on a real database."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.ids import RandomIds
from kernel.money import Money
from wallets import collections
from wallets.collections import KEPT_BYTES, Word
from wallets.port import Evidence, EvidenceKind, Known, Outcome, Verdict
from wallets.tokens import digest

PAYER = b"p" * 16
FEE = Money(5_000, "JOD")


async def record(
    connection: Connection, collection: UUID, verdict: Verdict, *, at: datetime
) -> UUID | None:
    """Keep one verdict; returns the id of its last evidence."""
    ids = tuple(RandomIds().new() for _ in verdict.evidence)
    await collections.record_many(connection, [Word(collection, verdict, ids)], at=at)
    return ids[-1] if ids else None


@pytest.fixture
async def collection(database: Database, ids: RandomIds, clock: ManualClock) -> UUID:
    """A stored collection of 5.000 JOD."""
    made = ids.new()
    async with database.transaction() as connection:
        await _create(connection, made, clock, token="a" * 32)
    return made


async def _create(connection: Connection, id: UUID, clock: ManualClock, *, token: str) -> None:
    await collections.create_many(
        connection,
        [
            collections.NewCollection(
                id=id,
                wallet="sandbox",
                payer=PAYER,
                amount=FEE,
                callback_digest=digest(token),
                at=clock.now(),
            )
        ],
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
        await record(connection, collection, first, at=clock.now())
        await record(connection, collection, second, at=clock.now())
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
        await record(connection, collection, told, at=clock.now())
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
        last = await record(connection, collection, verdict, at=clock.now())
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
        await record(connection, collection, verdict, at=clock.now())
        assert await collections.evidence_of(connection, collection) == []


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
        await record(connection, collection, verdict, at=clock.now())
    async with owner.read() as connection:
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute(statement)
