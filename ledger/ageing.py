"""How old what stands on an account is: the oldest money is taken to be cleared first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kernel.database import Connection
from kernel.money import Money, zero
from kernel.sql import package_sql
from ledger import chart
from ledger.chart import Account

SQL = package_sql(__file__)

AGES: Final = ((0, 1), (2, 7), (8, 30), (31, 90), (91, None))
"""Buckets in days, both ends included; None is open."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Money that came to an account on a day and is still there; ``amount`` is positive on the
    debit side. ``reference`` is its payment, None where the account is not kept by payments.
    """

    reference: UUID | None
    since: date
    days: int
    amount: Money


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is from ``days_from`` to ``days_to`` days old (None: or older)."""

    days_from: int
    days_to: int | None
    amount: Money
    items: int


@dataclass(frozen=True, slots=True)
class Ageing:
    """What stands on an account at the end of a business date, by age; items oldest first.

    Accounts where each payment must be cleared (suspense, refunds, duplicates …) have an item for
    each payment that is not; others one for each day, as the oldest money is cleared first.
    """

    account: Account
    at: date
    buckets: tuple[Bucket, ...]
    items: tuple[OpenItem, ...]

    @property
    def balance(self) -> Money:
        """All of it: the account's balance."""
        return _sum((item.amount for item in self.items), self.account.currency)


async def ageing(connection: Connection, account: str, *, at: date) -> Ageing | None:
    """Age what stands on an account at the end of ``at``; None: no account."""
    account_id = await connection.fetchval(SQL["account_id"], account)
    if account_id is None:
        return None
    known = chart.parse(account)
    if chart.is_kept_by_payment(account):
        rows = await connection.fetch(SQL["open_references"], account_id, at)
        entries = [(row["reference"], row["since"], int(row["signed"])) for row in rows]
    else:
        rows = await connection.fetch(SQL["days_of_account"], account_id, at)
        entries = []
        for row in reversed(rows):
            entries += [
                (None, row["business_date"], int(row["debits"])),
                (None, row["business_date"], -int(row["credits"])),
            ]
    items = tuple(
        OpenItem(reference, since, (at - since).days, Money(minor, known.currency))
        for reference, since, minor in _left(entries)
    )
    return Ageing(known, at, _buckets(items, known.currency), items)


def _left(entries: Sequence[tuple[UUID | None, date, int]]) -> list[tuple[UUID | None, date, int]]:
    """Entries in order of age, of which those on the lesser side have cleared the oldest others."""
    balance = sum(minor for _, _, minor in entries)
    if balance == 0:
        return []
    sign = 1 if balance > 0 else -1
    cleared = sum(-minor * sign for _, _, minor in entries if minor * sign < 0)
    left = []
    for reference, since, minor in entries:
        amount = max(minor * sign, 0)
        taken = min(amount, cleared)
        cleared -= taken
        if amount > taken:
            left.append((reference, since, (amount - taken) * sign))
    return left


def _buckets(items: tuple[OpenItem, ...], currency: str) -> tuple[Bucket, ...]:
    buckets = []
    for first, last in AGES:
        inside = [each for each in items if first <= each.days <= (last or each.days)]
        amount = _sum((each.amount for each in inside), currency)
        buckets.append(Bucket(first, last, amount, len(inside)))
    return tuple(buckets)


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, start=zero(currency))
