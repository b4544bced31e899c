"""Collections and their evidence in the database: what was asked, what was said, how often."""

from __future__ import annotations

from collections.abc import Mapping
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


async def create(
    connection: Connection,
    *,
    id: UUID,
    wallet: str,
    payer: bytes,
    amount: Money,
    callback_digest: bytes,
    at: datetime,
) -> None:
    """Store a collection before it is sent."""
    await connection.execute(
        SQL["insert_collection"],
        id,
        wallet,
        payer,
        amount.currency,
        amount.minor,
        callback_digest,
        at,
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


async def record(
    connection: Connection, id: UUID, verdict: Verdict, *, at: datetime
) -> UUID | None:
    """Keep a verdict's evidence and the operator's names in it; returns the last evidence's id.

    ``at`` is when the operator was last heard of. Names out of evidence that did not match, or of a
    reversal, are not the collection's and are left alone.
    """
    last: UUID | None = None
    for evidence in verdict.evidence:
        last = await _insert(connection, id, evidence)
    is_reversal = any(evidence.kind == "reverse" for evidence in verdict.evidence)
    ours = not verdict.mismatch and not is_reversal
    correlation, reference = (verdict.correlation, verdict.reference) if ours else (None, None)
    await connection.execute(SQL["note_names"], id, correlation, reference, at)
    return last


async def reserve_query(
    connection: Connection, id: UUID, *, budget: int, window_s: float, at: datetime
) -> bool:
    """Take one query from the budget (``budget`` in ``window_s`` seconds); False: not now."""
    row = await connection.fetchval(SQL["reserve_query"], id, budget, float(window_s), at)
    return row is not None


async def release_query(connection: Connection, id: UUID, *, at: datetime) -> None:
    """Give back what ``reserve_query`` took at that moment: the query was never sent (NotNow)."""
    await connection.execute(SQL["release_query"], id, at)


async def evidence_of(connection: Connection, id: UUID) -> list[StoredEvidence]:
    """Everything the operator said about a collection, in order of arrival."""
    return [_stored(row) for row in await connection.fetch(SQL["evidence_of"], id)]


async def evidence(connection: Connection, id: UUID) -> StoredEvidence | None:
    """One evidence row by its own id (the key of ``wallets.callback`` work)."""
    row = await connection.fetchrow(SQL["evidence"], id)
    return _stored(row) if row else None


async def _insert(connection: Connection, id: UUID, evidence: Evidence) -> UUID:
    stored: UUID = await connection.fetchval(
        SQL["insert_evidence"],
        id,
        evidence.kind,
        evidence.at,
        evidence.method,
        evidence.url_path,
        evidence.status,
        dict(evidence.headers),
        evidence.body[:KEPT_BYTES],
        len(evidence.body),
        evidence.note,
    )
    return stored


def _stored(row: Row) -> StoredEvidence:
    return StoredEvidence(**row)
