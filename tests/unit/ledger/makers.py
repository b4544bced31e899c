"""Entries for tests: fictional agencies, one wallet, amounts in fils unless told otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kernel.database import Database
from kernel.ids import RandomIds
from kernel.money import Money
from ledger import journal, rules
from ledger.journal import Posting, Result, Transaction

IDS = RandomIds()
MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CASH = "Assets:Bank:Collection:JOD"
OPENING = "Equity:Opening:JOD"


def fee(key: str, *, principal: int = 5000, currency: str = "JOD", **changes: Any) -> Transaction:
    """A fee of 5.000 + 0.100 stamp + 0.050 penalty + 0.250 service fee, or what is asked for."""
    parts = {"principal": principal, "stamp": 100, "penalty": 50, "service_fee": 250}
    facts: dict[str, Any] = {part: Money(minor, currency) for part, minor in parts.items()}
    facts |= {"id": IDS.new(), "occurred_at": MORNING, "zone": "Asia/Amman"}
    facts |= {"wallet": "demo", "agency": "roads", "service": "licence"} | changes
    return rules.fee_succeeded(key=key, **facts)


def amount(minor: int, currency: str = "JOD", **changes: Any) -> dict[str, Any]:
    """The arguments of a rule that moves one sum."""
    facts = {"id": IDS.new(), "wallet": "demo", "amount": Money(minor, currency)}
    return facts | {"occurred_at": MORNING, "zone": "Asia/Amman"} | changes


def movement(key: str, *postings: tuple[str, str, int], **changes: Any) -> Transaction:
    """A transaction of (debit, credit, minor units); one from opening to bank if none is given."""
    lines = tuple(
        Posting(debit, credit, Money(minor, debit[-3:]))
        for debit, credit, minor in postings or ((CASH, OPENING, 1000),)
    )
    facts: dict[str, Any] = {"id": IDS.new(), "rule": "TEST", "occurred_at": MORNING}
    return Transaction(key=key, postings=lines, **(facts | changes))


async def book(database: Database, *transactions: Transaction) -> list[Result]:
    """Submit in one database transaction of its own."""
    async with database.transaction() as connection:
        return await journal.submit(connection, transactions)


async def book_all(database: Database, transactions: Sequence[Transaction]) -> list[UUID]:
    """Submit what must be booked now; returns the ids."""
    results = await book(database, *transactions)
    assert all(isinstance(result, journal.Posted) for result in results), results
    return [each.id for each in transactions]


Told = tuple[str, UUID] | journal.Refused
"""A result as a test compares it: when it was booked is not known beforehand."""


def told(results: Sequence[Result]) -> list[Told]:
    """Booked now or before with which id, or the refusal."""
    return [
        each
        if isinstance(each, journal.Refused)
        else ("replayed" if each.is_replay else "posted", each.id)
        for each in results
    ]


def posted(id: UUID) -> Told:
    """Expected: booked now."""
    return "posted", id


def replayed(id: UUID) -> Told:
    """Expected: booked before."""
    return "replayed", id
