"""What a check of the books works with: batches, sums, digests, and the bad row it finds."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from operator import itemgetter
from typing import Any, Final

from ledger import chart

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode

Line = tuple[int, int, int, int]
"""A posting: n, debit, credit, amount."""

Sums = dict[tuple[int, date], list[int]]
"""Debits, credits and count of postings by account and business date."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not as it was written: its table, key and why.

    A posting's key is ``<transaction>#<n>``.
    """

    table: str
    key: str
    why: str


@dataclass(slots=True)
class Checked:
    """How much was checked, and the first bad row if there is one."""

    transactions: int = 0
    postings: int = 0
    deltas: int = 0
    bad: BadRow | None = None

    def add(self, other: Checked) -> None:
        """Go on with what was checked behind this."""
        self.transactions += other.transactions
        self.postings += other.postings
        self.deltas += other.deltas
        self.bad = self.bad or other.bad


@dataclass(frozen=True, slots=True)
class Batch:
    """A call of submit: its number, how many transactions it says it has and what it says it adds.

    ``where`` is the table that says so. ``tags`` are those that its seal keeps.
    """

    number: int
    transactions: int
    added: Sums
    where: str
    tags: Sequence[bytes] = ()

    def row(self, account: int, day: date) -> str:
        """Key of the row that says what is added to an account and day."""
        return f"{account} {day} {self.number}" if self.where == "delta" else str(self.number)


class Found(Exception):
    """Ends a check with the bad row."""

    def __init__(self, table: str, key: object, why: str) -> None:
        super().__init__(table, key, why)
        self.bad = BadRow(table, str(key), why)


@dataclass(slots=True)
class Journal:
    """What stretches are checked against: the paths of accounts, and from when on which business
    date was the first open one (None: all were).
    """

    paths: dict[int, str]
    opened: tuple[tuple[datetime, date | None], ...] = ()
    _pairs: dict[tuple[int, int], str] = field(default_factory=dict)

    def wrong_with(self, debit: int, credit: int) -> str:
        """Why no posting may be between two accounts; empty if one may."""
        known = self._pairs.get((debit, credit))
        if known is None:
            known = self._pairs[debit, credit] = self._look(debit, credit)
        return known

    def _look(self, debit: int, credit: int) -> str:
        first, second = self.paths.get(debit), self.paths.get(credit)
        if first is None or second is None:
            return "an account does not exist"
        try:
            currencies = {chart.parse(first).currency, chart.parse(second).currency}
        except chart.BadAccount as problem:
            return str(problem)
        if len(currencies) > 1:
            return f"{first} and {second} are of two currencies"
        return "both sides are one account" if debit == credit else ""

    def booked_on(self, own: date, recorded_at: datetime) -> date:
        """The business date of what belongs to a day: a later one if that was shut by then."""
        if not self.opened:
            return own
        at = bisect_right(self.opened, recorded_at, key=itemgetter(0))
        opens = self.opened[at - 1][1] if at else None
        return max(own, opens) if opens else own

    def body(self, row: Any, lines: Sequence[Line]) -> list[Any]:
        """What the digest is of, in the order of ``journal.Transaction.body``."""
        return [
            row["key"],
            row["rule"],
            row["version"],
            row["occurred_at"].astimezone(UTC).isoformat(timespec="microseconds"),
            row["zone"],
            str(row["reference"] or ""),
            str(row["reverses"] or ""),
            row["note"],
            [
                [self.paths.get(debit, ""), self.paths.get(credit, ""), amount]
                for _, debit, credit, amount in lines
            ],
        ]

    def has_digest(self, row: Any, lines: Sequence[Line]) -> bool:
        """Whether the digest is that of the row and some lines."""
        digest: bytes = row["digest"]
        return sha256(_encode(self.body(row, lines)).encode()).digest() == digest
