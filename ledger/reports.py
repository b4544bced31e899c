"""What the books say: trial balance, statement of an account, journal, one transaction.

Every report is one SQL statement, so it shows one moment however busy the books are. Balances are
debits less credits: positive stands on the debit side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from kernel.database import Connection
from kernel.money import Money
from kernel.sql import package_sql
from ledger import chart
from ledger.chart import Account, Kind
from ledger.journal import Posting, Transaction

SQL = package_sql(__file__)

_KIND_ORDER: Final = {kind: at for at, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Turnover:
    """What went through one account, or through all accounts of a currency."""

    debits: Money
    credits: Money

    @property
    def balance(self) -> Money:
        """Debits less credits."""
        return self.debits - self.credits


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Turnover of every account up to and with ``as_of`` (all there is if None), and per currency.

    Accounts come by currency, then in the order of the chart, then by path.
    """

    as_of: date | None
    accounts: dict[Account, Turnover]
    totals: dict[str, Turnover]

    @property
    def is_balanced(self) -> bool:
        """Whether debits equal credits in every currency."""
        return all(total.balance.minor == 0 for total in self.totals.values())


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry of an account; ``amount`` and ``balance`` after it, positive on the debit side."""

    transaction: UUID
    business_date: date
    occurred_at: datetime
    recorded_at: datetime
    rule: str
    note: str
    reference: UUID | None
    counterpart: str
    amount: Money
    balance: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """One account between two business dates (None: open end), both included.

    ``turnover`` and ``closing`` are of the whole time, even if ``is_complete`` is false because
    there are more lines than were asked for.
    """

    account: Account
    since: date | None
    until: date | None
    opening: Money
    lines: tuple[StatementLine, ...]
    turnover: Turnover
    closing: Money
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """A transaction as it stands in the books."""

    transaction: Transaction
    business_date: date
    recorded_at: datetime
    digest: bytes


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Transactions, newest first; ``next`` is the ``after`` of the next page, None on the last."""

    items: tuple[Booked, ...]
    next: UUID | None


async def trial_balance(connection: Connection, as_of: date | None = None) -> TrialBalance:
    """Turnovers and balances up to and with a business date."""
    rows = await connection.fetch(SQL["trial_balance"], as_of)
    lines = {chart.parse(row["path"]): (int(row["debits"]), int(row["credits"])) for row in rows}
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for account, (debits, credits) in lines.items():
        totals[account.currency][0] += debits
        totals[account.currency][1] += credits
    return TrialBalance(
        as_of,
        {account: _turnover(account.currency, *lines[account]) for account in in_order(lines)},
        {currency: _turnover(currency, *totals[currency]) for currency in sorted(totals)},
    )


async def statement(
    connection: Connection,
    account: str,
    *,
    since: date | None = None,
    until: date | None = None,
    limit: int = 10_000,
) -> Statement | None:
    """The first ``limit`` entries of an account between two business dates; None: no account."""
    account_id = await connection.fetchval(SQL["account_id"], account)
    if account_id is None:
        return None
    rows = await connection.fetch(
        SQL["statement"], account_id, since or date.min, until or date.max, limit + 1
    )
    known = chart.parse(account)
    opening = Money(int(rows[0]["opening"]), known.currency)
    turnover = _turnover(known.currency, int(rows[0]["debits"]), int(rows[0]["credits"]))
    entries = [row for row in rows if row["transaction"] is not None]
    balances = accumulate((row["signed"] for row in entries), initial=opening.minor)
    next(balances)
    lines = [_line(row, known, after) for row, after in zip(entries, balances, strict=True)]
    return Statement(
        account=known,
        since=since,
        until=until,
        opening=opening,
        lines=tuple(lines[:limit]),
        turnover=turnover,
        closing=opening + turnover.balance,
        is_complete=len(lines) <= limit,
    )


async def journal(
    connection: Connection,
    *,
    after: UUID | None = None,
    limit: int = 50,
    since: date | None = None,
    until: date | None = None,
    rule: str | None = None,
    reference: UUID | None = None,
    account: str | None = None,
) -> JournalPage:
    """A page of the journal, newest first, from behind the transaction ``after``."""
    account_id = None
    if account is not None:
        account_id = await connection.fetchval(SQL["account_id"], account)
        if account_id is None:
            return JournalPage((), None)
    rows = await connection.fetch(
        SQL["journal"], after, since, until, rule, reference, account_id, limit + 1
    )
    page = tuple(booked(row) for row in rows[:limit])
    return JournalPage(page, page[-1].transaction.id if len(rows) > limit else None)


async def transaction(connection: Connection, id: UUID) -> Booked | None:
    """One transaction."""
    row = await connection.fetchrow(SQL["transaction"], id)
    return booked(row) if row else None


async def accounts(connection: Connection) -> list[Account]:
    """Every account that was ever opened."""
    return in_order(chart.parse(row["path"]) for row in await connection.fetch(SQL["accounts"]))


async def is_balanced(connection: Connection) -> bool:
    """Whether debits equal credits in every currency, from the postings; reads all of them."""
    return bool(await connection.fetchval(SQL["is_balanced"]))


def in_order(some: Iterable[Account]) -> list[Account]:
    """By currency, then in the order of the chart, then by path."""
    return sorted(some, key=lambda each: (each.currency, _KIND_ORDER[each.kind], each.path))


def booked(row: Any) -> Booked:
    """A row of the view ``ledger.booked`` as a value."""
    postings = tuple(
        Posting(debit, credit, Money(amount, chart.parse(debit).currency))
        for debit, credit, amount in zip(
            row["debits"] or (), row["credits"] or (), row["amounts"] or (), strict=True
        )
    )
    return Booked(
        transaction=Transaction(
            id=row["id"],
            rule=row["rule"],
            key=row["key"],
            postings=postings,
            occurred_at=row["occurred_at"],
            reference=row["reference"],
            reverses=row["reverses"],
            note=row["note"],
            zone=row["zone"],
            version=row["version"],
        ),
        business_date=row["business_date"],
        recorded_at=row["recorded_at"],
        digest=row["digest"],
    )


def _turnover(currency: str, debits: int, credits: int) -> Turnover:
    return Turnover(Money(debits, currency), Money(credits, currency))


def _line(row: Any, account: Account, balance: int) -> StatementLine:
    return StatementLine(
        transaction=row["transaction"],
        business_date=row["business_date"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        rule=row["rule"],
        note=row["note"],
        reference=row["reference"],
        counterpart=row["counterpart"],
        amount=Money(row["signed"], account.currency),
        balance=Money(balance, account.currency),
    )
