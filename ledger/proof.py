"""The proof that an entry is in the books, for somebody who does not believe us.

It leads from the entry's text to the root of its seal and, once the day is over, to that day's
checkpoint; docs/verify_receipt.py checks it with nothing of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kernel.database import Connection
from kernel.sql import package_sql
from ledger import merkle, reports, seal
from ledger.journal import Transaction
from ledger.reports import Booked

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Proof:
    """A JSON document; ``checkpoint`` is the line it leads to, None before that is made."""

    document: dict[str, Any]
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class NotSealed:
    """It is booked, but its seal is still to come, which takes about a second."""


@dataclass(frozen=True, slots=True)
class Place:
    """The seal that an entry is in."""

    seal: int
    sealed_at: datetime


async def place_of(connection: Connection, id: UUID) -> Place | None:
    """Where one transaction is sealed; None: not yet, or there is none of this id."""
    row = await connection.fetchrow(SQL["seal_of_transaction"], id)
    return Place(row["number"], row["sealed_at"]) if row else None


async def prove(connection: Connection, id: UUID) -> Proof | NotSealed | None:
    """The proof of one transaction; None if there is none of this id."""
    booked = await reports.transaction(connection, id)
    if booked is None:
        return None
    row = await connection.fetchrow(SQL["seal_of_transaction"], id)
    if row is None:
        return NotSealed()
    hashes = await _leaf_hashes(connection, row["number"])
    position = row["position"]
    day = await connection.fetchrow(SQL["checkpoint_of_seal"], row["number"])
    document = {
        "format": "mizan-proof-v1",
        "body": _body(booked.transaction),
        "booked": _booked(booked),
        "position": position,
        "path": [seal.as_text(each) for each in merkle.path(hashes, position - row["first"])],
        "seal": row["text"],
        "signature": seal.as_text(row["signature"]),
        "day_path": await _day_path(connection, day, row["number"]) if day else None,
        "checkpoint": seal.signed_line(day["text"], day["signature"]) if day else None,
    }
    return Proof(document, document["checkpoint"])


async def _leaf_hashes(connection: Connection, number: int) -> list[bytes]:
    batches = [row["number"] for row in await connection.fetch(SQL["batches_of_seal"], number)]
    leaves = [
        await connection.fetchval(SQL["leaves"], number, *bounds) or b""
        for bounds in seal.spans(batches)
    ]
    return seal.leaf_hashes(b"".join(leaves))


async def _day_path(connection: Connection, day: Any, number: int) -> list[str]:
    rows = await connection.fetch(SQL["seal_hashes"], day["first_seal"], day["last_seal"])
    leaves = [merkle.leaf_hash(row["hash"]) for row in rows]
    return [seal.as_text(each) for each in merkle.path(leaves, number - day["first_seal"])]


def _body(transaction: Transaction) -> dict[str, Any]:
    """What the digest is of, by name."""
    return {
        "key": transaction.key,
        "rule": transaction.rule,
        "version": transaction.version,
        "occurred_at": transaction.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "zone": transaction.zone,
        "reference": str(transaction.reference or ""),
        "reverses": str(transaction.reverses or ""),
        "note": transaction.note,
        "postings": [
            {"debit": each.debit, "credit": each.credit, "minor": each.amount.minor}
            for each in transaction.postings
        ],
    }


def _booked(booked: Booked) -> dict[str, str]:
    """What booking added."""
    return {
        "id": str(booked.transaction.id),
        "recorded_at": booked.recorded_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "business_date": str(booked.business_date),
    }
