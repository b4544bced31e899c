"""Booking: what a transaction is, and ``submit``, which books many in one round trip.

A posting is one movement from the credit account to the debit account. A transaction groups
postings that stand or fall together under one idempotency key. Expected refusals are values; a
refused transaction leaves nothing behind and does not disturb its neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from json.encoder import encode_basestring_ascii as _json
from typing import Any, Final, TypeAlias
from uuid import UUID

from kernel.clock import business_date
from kernel.database import Connection
from kernel.money import MAX_MINOR, Money
from kernel.sql import package_sql
from ledger.refusals import LedgerRefusal as LedgerRefusal
from ledger.shape import Shape, is_plain, shape_of

SQL = package_sql(__file__)

MAX_BATCH: Final = 10_000
MAX_KEY: Final = 200
MAX_NOTE: Final = 500


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement: ``amount`` (1 to MAX_MINOR) out of ``credit`` into ``debit``, paths of its
    currency.
    """

    debit: str
    credit: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Transaction:
    """Postings that stand or fall together; rules.py makes these.

    ``occurred_at`` (aware) is when the money moved; with ``zone`` (IANA) it gives the business
    date. ``reference`` is the payment, ``reverses`` the transaction that this one undoes.
    """

    id: UUID
    rule: str
    key: str
    postings: tuple[Posting, ...]
    occurred_at: datetime
    reference: UUID | None = None
    reverses: UUID | None = None
    note: str = ""
    zone: str = "UTC"
    version: int = 1

    @property
    def business_date(self) -> date:
        """The day this belongs to, in its zone."""
        return business_date(self.occurred_at, self.zone)

    @property
    def shape(self) -> Shape:
        """What it has in common with others of its kind."""
        sides = tuple([(each.debit, each.credit, each.amount.currency) for each in self.postings])
        return shape_of(self.rule, self.version, self.zone, sides)

    @property
    def minor_units(self) -> list[int]:
        """The amounts of its postings."""
        return [each.amount.minor for each in self.postings]

    def body(self) -> str:
        """Key and what the key stands for as compact JSON; not the id, which a repeat may make
        anew.
        """
        return _body(self, self.shape, self.minor_units)

    def digest(self) -> bytes:
        """SHA-256 of the body."""
        return _digest(self, self.shape, self.minor_units)


@dataclass(frozen=True, slots=True)
class Posted:
    """Booked: now, or before with the same key and body, which is the same answer.

    ``id`` is the first one's; ``business_date`` is the day it stands on, later than its own if that
    was closed.
    """

    id: UUID
    recorded_at: datetime
    business_date: date
    is_replay: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Not booked."""

    reason: LedgerRefusal
    detail: str = ""


Result = Posted | Refused


async def submit(connection: Connection, transactions: Sequence[Transaction]) -> list[Result]:
    """Book in one round trip, at most MAX_BATCH; one result each, in order. Whatever is special
    about a transaction that comes alone costs it a second one.

    Within the caller's database transaction (read committed), or as one of its own on a connection
    in autocommit. Accounts open on demand. The original of a reversal must come from an earlier
    call. Call it once per database transaction: then concurrent callers never deadlock. Raises
    only for faults.
    """
    if len(transactions) > MAX_BATCH:
        raise ValueError(f"{len(transactions)} transactions in one call, at most {MAX_BATCH}")
    prepared = [_prepare(each) for each in transactions]
    ready = [each for each in prepared if not isinstance(each, Refused)]
    booked = await _book(connection, ready) if ready else []
    if len(ready) == len(prepared):
        return booked
    rest = iter(booked)
    return [each if isinstance(each, Refused) else next(rest) for each in prepared]


async def recall(
    connection: Connection, transactions: Sequence[Transaction]
) -> list[Result | None]:
    """What ``submit`` said to transactions that were booked under these ids; None: not there."""
    rows = await connection.fetch(SQL["recall"], [each.id for each in transactions])
    found = {row["id"]: row for row in rows}
    return [
        Posted(row["id"], row["recorded_at"], row["business_date"])
        if (row := found.get(each.id)) and row["digest"] == each.digest()
        else None
        for each in transactions
    ]


async def _book(connection: Connection, ready: Sequence[_Ready]) -> list[Result]:
    if len(ready) == 1 and (booked := await _book_one(connection, ready[0])):
        return [booked]
    rows = await connection.fetch(SQL["submit"], *_columns(ready))
    if rows[0]["outcome"] != "all":
        return [_result(row) for row in rows]
    at, open_from = rows[0]["recorded_at"], rows[0]["business_date"] or date.min
    return [Posted(each[0].id, at, max(each[3], open_from)) for each in ready]


async def _book_one(connection: Connection, one: _Ready) -> Posted | None:
    """Book what comes alone and has nothing special; None: nothing was written."""
    transaction, shape, amounts, day = one
    if transaction.reverses:
        return None
    recorded_at = await connection.fetchval(
        SQL["submit_one"],
        transaction.id,
        transaction.key,
        _digest(transaction, shape, amounts),
        transaction.occurred_at,
        day,
        transaction.reference,
        transaction.note,
        shape.rule,
        shape.version,
        shape.zone,
        shape.paths,
        shape.debits,
        shape.credits,
        amounts,
    )
    return Posted(transaction.id, recorded_at, day) if recorded_at else None


def _result(row: Any) -> Result:
    match row["outcome"]:
        case "posted" | "replayed" as outcome:
            return Posted(
                row["booked"], row["recorded_at"], row["business_date"], outcome == "replayed"
            )
        case reason:
            return Refused(LedgerRefusal(reason), row["detail"])


_Ready: TypeAlias = tuple[Transaction, Shape, list[int], date]
"""A sound transaction with its shape, its amounts in minor units and its business date."""


def _columns(ready: Sequence[_Ready]) -> list[Sequence[Any]]:
    """The arguments of ``ledger.submit_v2``: what is each transaction's own, then each shape once,
    then the movements of shapes with accounts by their position.
    """
    shapes: dict[Shape, int] = {}
    shape_of_each = [shapes.setdefault(shape, len(shapes) + 1) for _, shape, _, _ in ready]
    sides = [
        (of, n, debit, credit)
        for shape, of in shapes.items()
        for n, (debit, credit, _) in enumerate(shape.sides, 1)
    ]
    paths = sorted({path for shape in shapes for path in shape.paths})
    position = {path: at for at, path in enumerate(paths, 1)}
    transactions = [each for each, _, _, _ in ready]
    return [
        [each.id for each in transactions],
        [each.key for each in transactions],
        [_digest(each, shape, amounts) for each, shape, amounts, _ in ready],
        [each.occurred_at for each in transactions],
        [day for _, _, _, day in ready],
        [each.reference for each in transactions],
        [each.reverses for each in transactions],
        [each.note for each in transactions],
        shape_of_each,
        [minor for _, _, amounts, _ in ready for minor in amounts],
        [shape.rule for shape in shapes],
        [shape.version for shape in shapes],
        [shape.zone for shape in shapes],
        paths,
        [of for of, _, _, _ in sides],
        [n for _, n, _, _ in sides],
        [position[debit] for _, _, debit, _ in sides],
        [position[credit] for _, _, _, credit in sides],
    ]


def _body(transaction: Transaction, shape: Shape, amounts: Sequence[int]) -> str:
    return shape.body(
        _json(transaction.key),
        transaction.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        transaction.reference or "",
        transaction.reverses or "",
        _json(transaction.note),
        *amounts,
    )


def _digest(transaction: Transaction, shape: Shape, amounts: Sequence[int]) -> bytes:
    return hashlib.sha256(_body(transaction, shape, amounts).encode()).digest()


def _prepare(transaction: Transaction) -> _Ready | Refused:
    """All that can be said of a transaction before the books are asked."""
    shape = transaction.shape
    amounts = transaction.minor_units
    malformed = shape.malformed or _malformed(transaction)
    if malformed:
        return Refused(LedgerRefusal.MALFORMED, malformed)
    if not shape.is_sound or min(amounts) <= 0:
        return _first_wrong(shape, amounts)
    if max(amounts) > MAX_MINOR:
        return Refused(LedgerRefusal.MALFORMED, "amount")
    try:
        return transaction, shape, amounts, transaction.business_date
    except (ValueError, OverflowError, OSError):  # a moment that has no day there
        return Refused(LedgerRefusal.MALFORMED, "occurred_at")


def _malformed(transaction: Transaction) -> str:
    """The field of a transaction's own that cannot be stored, if one cannot."""
    if not transaction.key or not is_plain(transaction.key, MAX_KEY):
        return "key"
    if not is_plain(transaction.note, MAX_NOTE):
        return "note"
    return "" if transaction.occurred_at.tzinfo else "occurred_at"


def _first_wrong(shape: Shape, amounts: Sequence[int]) -> Refused:
    for n, (reason, minor) in enumerate(zip(shape.wrong, amounts, strict=True), 1):
        if minor <= 0 and reason in (None, LedgerRefusal.CURRENCY_MISMATCH):
            return Refused(LedgerRefusal.AMOUNT_NOT_POSITIVE, f"posting {n}")
        if reason:
            return Refused(reason, f"posting {n}")
    raise AssertionError("nothing is wrong")
