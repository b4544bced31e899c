"""Booking: what a transaction is, and ``submit``, which books many in one round trip.

A posting is one movement from the credit account to the debit account. A transaction groups
postings that stand or fall together under one idempotency key. Expected refusals are values; a
refused transaction leaves nothing behind and does not disturb its neighbours.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _json
from typing import Any, Final
from uuid import UUID

from kernel.clock import business_date
from kernel.database import Connection
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart

SQL = package_sql(__file__)

MAX_POSTINGS: Final = 1000
MAX_BATCH: Final = 10_000
_MAX_TEXT: Final = {"key": 200, "rule": 40, "zone": 64, "note": 500}
_NOT_PLAIN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Posting:
    """One movement: ``amount`` (> 0) out of ``credit`` into ``debit``, paths of its currency."""

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

    def body(self) -> str:
        """Key and what the key stands for as compact JSON; not the id, which a repeat may make
        anew. Written out, because this is most of what submitting costs here.
        """
        postings = ",".join(
            f"[{_json(each.debit)},{_json(each.credit)},{each.amount.minor}]"
            for each in self.postings
        )
        occurred = self.occurred_at.astimezone(UTC).isoformat(timespec="microseconds")
        return (
            f'[{_json(self.key)},{_json(self.rule)},{self.version},"{occurred}",{_json(self.zone)},'
            f'"{self.reference or ""}","{self.reverses or ""}",{_json(self.note)},[{postings}]]'
        )

    def digest(self) -> bytes:
        """SHA-256 of the body."""
        return hashlib.sha256(self.body().encode()).digest()


class LedgerRefusal(StrEnum):
    """Why a transaction was not booked, in order of precedence."""

    MALFORMED = "malformed"
    ACCOUNT_INVALID = "account_invalid"
    ACCOUNTS_EQUAL = "accounts_equal"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    CURRENCY_MISMATCH = "currency_mismatch"
    KEY_REUSED = "key_reused"
    ID_TAKEN = "id_taken"
    ORIGINAL_UNKNOWN = "original_unknown"
    ALREADY_REVERSED = "already_reversed"
    ACCOUNT_CLOSED = "account_closed"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"


MEANING: Final[dict[LedgerRefusal, str]] = {
    LedgerRefusal.MALFORMED: "A field is missing or cannot be stored; the detail names it.",
    LedgerRefusal.ACCOUNT_INVALID: "An account is not in the chart.",
    LedgerRefusal.ACCOUNTS_EQUAL: "A movement would go from an account to itself.",
    LedgerRefusal.AMOUNT_NOT_POSITIVE: "A movement is zero or negative; swap the accounts.",
    LedgerRefusal.CURRENCY_MISMATCH: "A movement touches an account of another currency.",
    LedgerRefusal.KEY_REUSED: "The key stands for another entry; the detail names what differs.",
    LedgerRefusal.ID_TAKEN: "Another entry already has this id.",
    LedgerRefusal.ORIGINAL_UNKNOWN: "The entry to reverse is not in the books.",
    LedgerRefusal.ALREADY_REVERSED: "It was reversed before; the detail is the reversal's id.",
    LedgerRefusal.ACCOUNT_CLOSED: "The account in the detail takes no more entries.",
    LedgerRefusal.BELOW_MINIMUM: "The account in the detail would fall below its limit.",
    LedgerRefusal.ABOVE_MAXIMUM: "The account in the detail would rise above its limit.",
}
"""What each refusal means for finance."""


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
    """Book in one round trip, at most MAX_BATCH; one result each, in order.

    Within the caller's database transaction (read committed), or as one of its own on a connection
    in autocommit. Accounts open on demand. The original of a reversal must come from an earlier
    call. Call it once per database transaction: then concurrent callers never deadlock. Raises
    only for faults.
    """
    if len(transactions) > MAX_BATCH:
        raise ValueError(f"{len(transactions)} transactions in one call, at most {MAX_BATCH}")
    refused = {at: why for at, each in enumerate(transactions) if (why := _malformed(each))}
    sound = [each for at, each in enumerate(transactions) if at not in refused]
    booked = await _book(connection, sound) if sound else []
    if not refused:
        return booked
    rest = iter(booked)
    return [refused.get(at) or next(rest) for at in range(len(transactions))]


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


async def _book(connection: Connection, transactions: Sequence[Transaction]) -> list[Result]:
    dates = [each.business_date for each in transactions]
    rows = await connection.fetch(SQL["submit"], *_columns(transactions, dates))
    if rows[0]["outcome"] != "all":
        return [_result(row) for row in rows]
    at, open_from = rows[0]["recorded_at"], rows[0]["business_date"] or date.min
    return [
        Posted(each.id, at, max(day, open_from))
        for each, day in zip(transactions, dates, strict=True)
    ]


def _result(row: Any) -> Result:
    match row["outcome"]:
        case "posted" | "replayed" as outcome:
            return Posted(
                row["booked"], row["recorded_at"], row["business_date"], outcome == "replayed"
            )
        case reason:
            return Refused(LedgerRefusal(reason), row["detail"])


def _columns(transactions: Sequence[Transaction], dates: Sequence[date]) -> list[Sequence[Any]]:
    """The arguments of ``ledger.submit_v2``: one array per column, accounts by their position."""
    postings = [posting for each in transactions for posting in each.postings]
    paths = sorted({path for each in postings for path in (each.debit, each.credit)})
    position = {path: at for at, path in enumerate(paths, 1)}
    counts = [len(each.postings) for each in transactions]
    return [
        [each.id for each in transactions],
        [each.key for each in transactions],
        [each.digest() for each in transactions],
        [each.rule for each in transactions],
        [each.version for each in transactions],
        [each.occurred_at for each in transactions],
        [each.zone for each in transactions],
        dates,
        [each.reference for each in transactions],
        [each.reverses for each in transactions],
        [each.note for each in transactions],
        paths,
        [of for of, count in enumerate(counts, 1) for _ in range(count)],
        [n for count in counts for n in range(1, count + 1)],
        [position[each.debit] for each in postings],
        [position[each.credit] for each in postings],
        [each.amount.minor for each in postings],
    ]


def _malformed(transaction: Transaction) -> Refused | None:
    """What is wrong with a transaction in itself, before the books are asked."""
    field = _malformed_field(transaction)
    if field:
        return Refused(LedgerRefusal.MALFORMED, field)
    for n, posting in enumerate(transaction.postings, 1):
        reason = _wrong_way(posting.debit, posting.credit, posting.amount.currency)
        if posting.amount.minor <= 0 and reason in (None, LedgerRefusal.CURRENCY_MISMATCH):
            reason = LedgerRefusal.AMOUNT_NOT_POSITIVE
        if reason:
            return Refused(reason, f"posting {n}")
    return None


def _malformed_field(transaction: Transaction) -> str | None:
    for name, limit in _MAX_TEXT.items():
        text: str = getattr(transaction, name)
        if len(text) > limit or not (text or name == "note") or not _is_plain(text):
            return name
    if not 1 <= transaction.version <= 32767:
        return "version"
    if not 1 <= len(transaction.postings) <= MAX_POSTINGS:
        return "postings"
    if transaction.occurred_at.tzinfo is None:
        return "occurred_at"
    try:
        _ = transaction.business_date
    except (KeyError, ValueError, OverflowError, OSError):  # all that zoneinfo raises for no zone
        return "zone"
    return None


def _is_plain(text: str) -> bool:
    """Whether it can be stored and printed in one line: no control character, no surrogate."""
    return text.isprintable() or not any(unicodedata.category(char) in _NOT_PLAIN for char in text)


@lru_cache(maxsize=100_000)
def _wrong_way(debit: str, credit: str, currency: str) -> LedgerRefusal | None:
    """What is wrong with a movement between two accounts, whatever the amount."""
    try:
        one, other = chart.parse(debit), chart.parse(credit)
    except chart.BadAccount:
        return LedgerRefusal.ACCOUNT_INVALID
    if debit == credit:
        return LedgerRefusal.ACCOUNTS_EQUAL
    if not one.currency == other.currency == currency:
        return LedgerRefusal.CURRENCY_MISMATCH
    return None
