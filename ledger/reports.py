"""What the books say: trial balance, statement of an account, journal, one transaction.

Every report is one SQL statement, so it shows one moment however busy the books are. Balances are
debits less credits: positive stands on the debit side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    """Turnover of every account up to and with ``as_of``, a business date or a position of the
    sealed journal (None: all there is), and per currency.

    Accounts come by currency, then in the order of the chart, then by path.
    """

    as_of: date | int | None
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
    """One account between two business dates or two positions (None: open end), both included.

    ``turnover`` and ``closing`` are of the whole time, even if ``is_complete`` is false because
    there are more lines than were asked for.
    """

    account: Account
    since: date | int | None
    until: date | int | None
    opening: Money
    lines: tuple[StatementLine, ...]
    turnover: Turnover
    closing: Money
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """A transaction as it stands in the books.

    ``business_date`` is later than the transaction's own if that was closed. ``position`` is its
    place in the sealed journal, told by ``transaction`` only and None until it is sealed.
    """

    transaction: Transaction
    business_date: date
    recorded_at: datetime
    digest: bytes
    position: int | None = None


@dataclass(frozen=True, slots=True)
class JournalPage:
    """Transactions, newest first; ``next`` is the ``after`` of the next page, None on the last."""

    items: tuple[Booked, ...]
    next: UUID | None


async def trial_balance(connection: Connection, as_of: date | int | None = None) -> TrialBalance:
    """Turnovers and balances up to and with a business date or a position."""
    block = "trial_balance_at" if isinstance(as_of, int) else "trial_balance"
    rows = await connection.fetch(SQL[block], as_of)
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


async def last_position(connection: Connection) -> int:
    """Where the sealed journal ends; 0 if nothing is sealed."""
    return int(await connection.fetchval(SQL["last_position"]))


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
    return _statement(account, since, until, rows, limit)


async def statement_at(
    connection: Connection, account: str, *, since: int = 1, until: int, limit: int = 10_000
) -> Statement | None:
    """The first ``limit`` entries of an account between two positions; None: no account.

    The same answer whenever it is asked, once ``until`` is sealed.
    """
    account_id = await connection.fetchval(SQL["account_id"], account)
    if account_id is None:
        return None
    rows = await connection.fetch(SQL["statement_at"], account_id, since, until, limit + 1)
    return _statement(account, since, until, rows, limit)


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
    chosen = (after, since, until, rule, reference)
    if account is None:
        rows = await connection.fetch(SQL["journal"], *chosen, limit + 1)
    else:
        account_id = await connection.fetchval(SQL["account_id"], account)
        rows = await connection.fetch(SQL["journal_of_account"], *chosen, account_id, limit + 1)
    page = tuple(booked(row) for row in rows[:limit])
    return JournalPage(page, page[-1].transaction.id if len(rows) > limit else None)


async def transaction(connection: Connection, id: UUID) -> Booked | None:
    """One transaction."""
    row = await connection.fetchrow(SQL["transaction"], id)
    return replace(booked(row), position=row["position"]) if row else None


async def accounts(connection: Connection) -> list[Account]:
    """Every account that was ever opened."""
    return in_order(chart.parse(row["path"]) for row in await connection.fetch(SQL["accounts"]))


async def is_balanced(connection: Connection) -> bool:
    """Whether debits equal credits in every currency, by what every commit has added."""
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


def _statement(
    account: str,
    since: date | int | None,
    until: date | int | None,
    rows: Sequence[Any],
    limit: int,
) -> Statement:
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
