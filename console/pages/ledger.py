"""The books: journal, one transaction, accounts, an account's statement, the trial balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from starlette.responses import Response

from console import audit, export, names, period
from console.audit import Action
from console.export import Amount
from console.period import PRESETS
from console.render import page
from console.show import link
from console.visit import Problem, Visit
from kernel.clock import business_date
from kernel.digits import to_western
from ledger import reports
from ledger.chart import Account
from ledger.reports import TrialBalance, Turnover
from ledger.rules import RULES

JOURNAL_SIZE = 30
STATEMENT_LINES = 500
TRIAL_BALANCE_COLUMNS = ("as_of", "account", "currency", "debits", "credits", "balance")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyBalance:
    """The trial balance of one currency; the two sums of balances are minor units."""

    currency: str
    rows: Sequence[tuple[Account, Turnover]]
    total: Turnover
    debit_balances: int
    credit_balances: int


async def show_journal(visit: Visit) -> Response:
    """Transactions with their postings, newest first; by rule, account, payment and day."""
    query, days = visit.query, _period(visit, default="all")
    rule = query.get("rule", "") if query.get("rule") in RULES else ""
    account = query.get("account", "").strip()
    payment, after = _uuid(query.get("payment", "")), _uuid(query.get("after", ""))
    async with visit.snapshot() as connection:
        found = await reports.journal(
            connection,
            after=after,
            limit=JOURNAL_SIZE,
            since=days.first,
            until=days.last,
            rule=rule or None,
            reference=payment,
            account=account or None,
        )
        known = await reports.accounts(connection)
        called = await names.load(connection, visit)
    kept = {name: value for name, value in query.items() if name != "after"}
    return page(
        visit,
        "journal.html",
        names=called,
        found=found,
        accounts=known,
        rules=list(RULES),
        rule=rule,
        account=account,
        payment=payment,
        period=days,
        periods=PRESETS,
        newest=link("", **kept) or "/console/journal" if after else None,
        older=link("", **kept, after=found.next) if found.next else None,
    )


async def show_transaction(visit: Visit) -> Response:
    """One transaction: what was booked, by which rule, for which payment."""
    async with visit.snapshot() as connection:
        booked = await reports.transaction(connection, visit.request.path_params["id"])
        called = await names.load(connection, visit)
    if booked is None:
        raise Problem(404)
    return page(
        visit,
        "transaction.html",
        names=called,
        booked=booked,
        rule_known=booked.transaction.rule in RULES,
    )


async def show_accounts(visit: Visit) -> Response:
    """Every account with its balance, by currency and in the order of the chart."""
    async with visit.snapshot() as connection:
        balance = await reports.trial_balance(connection)
        known = await reports.accounts(connection)
        called = await names.load(connection, visit)
    by_currency: dict[str, list[tuple[Account, Turnover | None]]] = defaultdict(list)
    for account in known:
        by_currency[account.currency].append((account, balance.accounts.get(account)))
    return page(visit, "accounts.html", names=called, by_currency=by_currency)


async def show_statement(visit: Visit) -> Response:
    """One account: opening balance, every entry with the balance after it, closing balance."""
    path, days = visit.request.path_params["path"], _period(visit, default="month")
    async with visit.snapshot() as connection:
        statement = await reports.statement(
            connection, path, since=days.first, until=days.last, limit=STATEMENT_LINES
        )
        called = await names.load(connection, visit)
    if statement is None:
        raise Problem(404)
    return page(
        visit,
        "statement.html",
        names=called,
        statement=statement,
        period=days,
        periods=PRESETS,
        most_lines=STATEMENT_LINES,
    )


async def show_trial_balance(visit: Visit) -> Response:
    """Turnovers and balances of all accounts per currency, now or as of a day."""
    as_of, is_bad = _as_of(visit)
    async with visit.snapshot() as connection:
        balance = await reports.trial_balance(connection, as_of)
        called = await names.load(connection, visit)
    return page(
        visit,
        "trial_balance.html",
        names=called,
        status=422 if is_bad else 200,
        balance=balance,
        by_currency=_by_currency(balance),
        as_of=as_of,
        is_bad=is_bad,
        csv=link("/console/trial-balance.csv", as_of=as_of),
    )


async def download_trial_balance(visit: Visit) -> Response:
    """The trial balance as CSV."""
    as_of, is_bad = _as_of(visit)
    if is_bad:
        raise Problem(400)
    async with visit.snapshot() as connection:
        balance = await reports.trial_balance(connection, as_of)
    today = business_date(visit.now, visit.desk.zone)
    day = (as_of or today).isoformat()
    async with visit.desk.database.transaction() as connection:
        await audit.record(
            connection,
            visit.actor,
            Action.DOWNLOADED,
            at=visit.now,
            subject=link("trial-balance.csv", as_of=as_of),
        )
    rows = [
        (
            day,
            account.path,
            account.currency,
            Amount(turnover.debits.plain()),
            Amount(turnover.credits.plain()),
            Amount(turnover.balance.plain()),
        )
        for account, turnover in balance.accounts.items()
    ]
    return export.download(f"trial-balance-{day}.csv", TRIAL_BALANCE_COLUMNS, rows)


def _by_currency(balance: TrialBalance) -> list[CurrencyBalance]:
    parts = []
    for currency, total in balance.totals.items():
        rows = [item for item in balance.accounts.items() if item[0].currency == currency]
        balances = [turnover.balance.minor for _, turnover in rows]
        part = CurrencyBalance(
            currency=currency,
            rows=rows,
            total=total,
            debit_balances=sum(minor for minor in balances if minor > 0),
            credit_balances=-sum(minor for minor in balances if minor < 0),
        )
        parts.append(part)
    return parts


def _period(visit: Visit, *, default: str) -> period.Period:
    today = business_date(visit.now, visit.desk.zone)
    return period.of(visit.query, today=today, zone=visit.desk.zone, default=default)


def _as_of(visit: Visit) -> tuple[date | None, bool]:
    """The day asked for (None: now), and whether it was no day."""
    text = to_western(visit.query.get("as_of", "").strip())
    try:
        return (date.fromisoformat(text) if text else None), False
    except ValueError:
        return None, True


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
