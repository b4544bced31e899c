"""The books on pages: journal, one entry, accounts, an account's statement, the trial balance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from starlette.responses import Response

from console import as_of, books, names, papers, period
from console.as_of import AsOf
from console.period import PRESETS
from console.render import page
from console.show import link
from console.visit import Problem, Visit
from kernel.clock import business_date
from kernel.database import Connection
from ledger import guards, reports
from ledger.chart import Account
from ledger.proof import place_of
from ledger.reports import Statement, TrialBalance, Turnover
from ledger.rules import RULES

JOURNAL_SIZE = 30
STATEMENT_LINES = 500


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
    first, last = days.days
    rule = query.get("rule", "") if query.get("rule") in RULES else ""
    account = query.get("account", "").strip()
    payment, after = _uuid(query.get("payment", "")), _uuid(query.get("after", ""))
    async with visit.snapshot() as connection:
        found = await reports.journal(
            connection,
            after=after,
            limit=JOURNAL_SIZE,
            since=first,
            until=last,
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
    """One transaction: what was booked, by which rule, for which payment, on whose word."""
    async with visit.snapshot() as connection:
        booked = await reports.transaction(connection, visit.request.path_params["id"])
        called = await names.load(connection, visit)
        proof = booked and await books.proof_of(connection, booked.transaction)
        place = booked and await place_of(connection, booked.transaction.id)
    if booked is None:
        raise Problem(404)
    return page(
        visit,
        "transaction.html",
        names=called,
        booked=booked,
        proof=proof,
        place=place,
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A statement that an address asks for: between two days, or between two positions."""

    path: str
    period: period.Period
    as_of: AsOf

    @property
    def is_bad(self) -> bool:
        """Whether days or positions make no sense."""
        return self.period.is_bad or self.as_of.is_bad

    @property
    def parameters(self) -> dict[str, object]:
        """What a link to the same statement carries; days as they are on the page's day."""
        if self.as_of.position is not None:
            return {"position": self.as_of.position, "first": self.as_of.first}
        if self.period.preset == "all":
            return {"period": "all"}
        return {"from": self.period.first, "to": self.period.last}

    @property
    def in_a_name(self) -> str:
        """For the name of a file, with a dash before it."""
        if self.as_of.position is not None:
            return f"-{self.as_of.in_a_name}"
        days = (self.period.first, self.period.last)
        return "".join(f"-{day}" for day in days if day is not None)

    async def checked(self, connection: Connection) -> Wanted:
        """The same; bad if its position is not sealed yet."""
        return replace(self, as_of=await self.as_of.checked(connection))

    async def statement(self, connection: Connection, *, limit: int) -> Statement | None:
        """The statement; None: no such account."""
        position = self.as_of.position
        if position is not None:
            return await reports.statement_at(
                connection, self.path, since=self.as_of.first, until=position, limit=limit
            )
        first, last = self.period.first, self.period.last
        return await reports.statement(connection, self.path, since=first, until=last, limit=limit)


def wanted(visit: Visit) -> Wanted:
    """Read account, period and positions of an address."""
    return Wanted(
        path=visit.request.path_params["path"],
        period=_period(visit, default="month"),
        as_of=as_of.of({k: v for k, v in visit.query.items() if k in ("position", "first")}),
    )


async def show_statement(visit: Visit) -> Response:
    """One account: opening balance, every entry with the balance after it, closing balance."""
    return await statement_page(visit)


async def statement_page(visit: Visit, *, status: int = 200, too_many: int = 0) -> Response:
    """The statement; ``too_many``: a file would have had more lines than that."""
    asked = wanted(visit)
    async with visit.snapshot() as connection:
        asked = await asked.checked(connection)
        statement = await asked.statement(connection, limit=STATEMENT_LINES)
        limits = (await guards.guards(connection, asked.path)).get(asked.path)
        called = await names.load(connection, visit)
    if statement is None:
        raise Problem(404)
    return page(
        visit,
        "statement.html",
        status=422 if asked.is_bad else status,
        names=called,
        statement=statement,
        limits=limits,
        asked=asked,
        period=asked.period,
        periods=PRESETS,
        most_lines=STATEMENT_LINES,
        too_many=too_many,
        files=[]
        if asked.is_bad
        else papers.links(f"/console/accounts/{asked.path}", **asked.parameters),
    )


async def show_trial_balance(visit: Visit) -> Response:
    """Turnovers and balances of all accounts per currency, now or as of a day or position."""
    async with visit.snapshot() as connection:
        asked = await as_of.of(visit.query).checked(connection)
        balance = await reports.trial_balance(connection, asked.at)
        called = await names.load(connection, visit)
    shown = {"as_of": asked.day, "position": asked.position}
    return page(
        visit,
        "trial_balance.html",
        names=called,
        status=422 if asked.is_bad else 200,
        balance=balance,
        by_currency=_by_currency(balance),
        asked=asked,
        files=papers.links("/console/trial-balance", **shown),
    )


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


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
