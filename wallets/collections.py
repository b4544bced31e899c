"""Collections and their evidence in the database: what was asked, what was said, how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel.database import Connection, Row
from kernel.money import Money
from kernel.sql import package_sql
from wallets.port import Evidence, Known, Verdict

SQL = package_sql(__file__)

KEPT_BYTES = 64 * 1024
"""How much of a body is kept; its true size always is."""


@dataclass(frozen=True, slots=True)
class Collection:
    """One request to a wallet for money; ``payer`` is a pseudonym (kernel.subscribers)."""

    id: UUID
    wallet: str
    payer: bytes
    amount: Money
    callback_digest: bytes
    correlation: str | None
    reference: str | None
    created_at: datetime

    @property
    def known(self) -> Known:
        """The operator's names of it, to query by."""
        return Known(correlation=self.correlation, reference=self.reference)


@dataclass(frozen=True, slots=True)
class StoredEvidence:
    """An evidence row: ``body`` is the first ``KEPT_BYTES`` of ``size``.

    ``repeats`` counts identical callbacks that came after it.
    """

    id: UUID
    collection: UUID
    kind: str
    at: datetime
    method: str
    url_path: str
    status: int | None
    headers: Mapping[str, str]
    body: bytes
    size: int
    note: str
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCollection:
    """A request that is about to be made; ``payer`` is a pseudonym."""

    id: UUID
    wallet: str
    payer: bytes
    amount: Money
    callback_digest: bytes
    at: datetime


async def create_many(connection: Connection, wanted: Sequence[NewCollection]) -> None:
    """Store collections before they are sent."""
    await connection.execute(
        SQL["insert_collections"],
        [each.id for each in wanted],
        [each.wallet for each in wanted],
        [each.payer for each in wanted],
        [each.amount.currency for each in wanted],
        [each.amount.minor for each in wanted],
        [each.callback_digest for each in wanted],
        [each.at for each in wanted],
    )


async def load(connection: Connection, id: UUID) -> Collection | None:
    """One collection, if there is one."""
    row = await connection.fetchrow(SQL["collection"], id)
    if row is None:
        return None
    return Collection(
        id=row["id"],
        wallet=row["wallet"],
        payer=row["payer"],
        amount=Money(row["amount"], row["currency"]),
        callback_digest=row["callback_digest"],
        correlation=row["correlation"],
        reference=row["reference"],
        created_at=row["created_at"],
    )


@dataclass(frozen=True, slots=True)
class Word:
    """What an operator said about a collection; ``ids`` become those of its evidence."""

    collection: UUID
    verdict: Verdict
    ids: tuple[UUID, ...]


async def record_many(connection: Connection, words: Sequence[Word], *, at: datetime) -> None:
    """Keep the evidence of verdicts, and the operator's names in them; one word a collection.

    ``at`` is when the operator was last heard of. Names out of evidence that did not match, or of a
    reversal, are not the collection's and are left alone.
    """
    rows = [
        _columns(id, word.collection, evidence)
        for word in words
        for id, evidence in zip(word.ids, word.verdict.evidence, strict=True)
    ]
    if rows:
        await connection.execute(SQL["insert_evidence"], *zip(*rows, strict=True))
    ordered = sorted(words, key=lambda word: word.collection)
    names = [(word.collection, *_names(word.verdict)) for word in ordered]
    await connection.execute(SQL["note_names"], *zip(*names, strict=True), at)


async def reserve_queries(
    connection: Connection, windows_s: Mapping[UUID, float], *, at: datetime
) -> None:
    """Write down that collections are asked about now; forgets what is older than its window.

    Whether there is room in the budget was decided by who holds the payments.
    """
    ids = sorted(windows_s)
    await connection.execute(SQL["reserve_queries"], ids, [windows_s[id] for id in ids], at)


async def release_query(connection: Connection, id: UUID, *, at: datetime) -> None:
    """Give back what ``reserve_queries`` took at that moment: the query was never sent (NotNow)."""
    await connection.execute(SQL["release_query"], id, at)


async def stored(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these evidence rows are there."""
    return {row["id"] for row in await connection.fetch(SQL["stored_evidence"], ids)}


async def evidence_of(connection: Connection, id: UUID) -> list[StoredEvidence]:
    """Everything the operator said about a collection, in order of arrival."""
    return [_stored(row) for row in await connection.fetch(SQL["evidence_of"], id)]


async def evidence(connection: Connection, id: UUID) -> StoredEvidence | None:
    """One evidence row by its own id (the key of ``wallets.callback`` work)."""
    row = await connection.fetchrow(SQL["evidence"], id)
    return _stored(row) if row else None


def _columns(id: UUID, collection: UUID, evidence: Evidence) -> tuple[object, ...]:
    return (
        id, collection, evidence.kind, evidence.at, evidence.method, evidence.url_path,
        evidence.status, dict(evidence.headers), evidence.body[:KEPT_BYTES], len(evidence.body),
        evidence.note,
    )  # fmt: skip


def _names(verdict: Verdict) -> tuple[str | None, str | None]:
    is_reversal = any(evidence.kind == "reverse" for evidence in verdict.evidence)
    if verdict.mismatch or is_reversal:
        return None, None
    return verdict.correlation, verdict.reference


def _stored(row: Row) -> StoredEvidence:
    return StoredEvidence(**row)
