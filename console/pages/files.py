"""Trial balance and statement as files: the same figures, filters and rights as their pages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from starlette.responses import Response

from console import as_of, export, names, papers
from console.pages import ledger
from console.show import link
from console.visit import Problem, Visit
from kernel.clock import business_date
from ledger import reports
from ledger.documents import compose
from ledger.proof import Proof, prove
from ledger.reports import Statement, TrialBalance

MAX_LINES = 20_000
"""More lines of one account are refused: a period that long wants another tool."""

TRIAL_BALANCE_COLUMNS = ("as_of", "account", "currency", "debits", "credits", "balance")
STATEMENT_COLUMNS = (
    "account", "currency", "date", "transaction", "rule", "reference", "counterpart", "debit",
    "credit", "balance", "occurred_at", "recorded_at", "note",
)  # fmt: skip


async def trial_balance(visit: Visit) -> Response:
    """The trial balance, now, as of a day or as of a position."""
    form, asked = papers.form_of(visit), as_of.of(visit.query)
    async with visit.snapshot() as connection:
        asked = await asked.checked(connection)
        if asked.is_bad:
            raise Problem(400)
        found = await reports.trial_balance(connection, asked.at)
        called = await names.load(connection, visit)
    today = business_date(visit.now, visit.desk.zone).isoformat()
    moment = asked.in_a_name or today
    subject = link(f"trial-balance.{form}", as_of=asked.day, position=asked.position)
    await papers.record(visit, subject)
    name = f"trial-balance-{moment}"
    if form == papers.CSV:
        rows = _trial_rows(found, str(asked.position or asked.day or today))
        return papers.send_rows(name, TRIAL_BALANCE_COLUMNS, rows)
    return await papers.send(name, form, compose.trial_balance(found, papers.maker(visit, called)))


async def proof(visit: Visit) -> Response:
    """The proof of an entry, for somebody who does not believe us (docs/proofs.md)."""
    id = visit.request.path_params["id"]
    async with visit.snapshot() as connection:
        found = await prove(connection, id)
    if not isinstance(found, Proof):
        raise Problem(404)
    await papers.record(visit, f"proof {id}")
    content = json.dumps(found.document, ensure_ascii=False, indent=2).encode()
    return export.file(f"proof-{id}.json", "application/json", content)


async def statement(visit: Visit) -> Response:
    """The statement of an account, between two days or two positions."""
    form, asked = papers.form_of(visit), ledger.wanted(visit)
    async with visit.snapshot() as connection:
        asked = await asked.checked(connection)
        if asked.is_bad:
            raise Problem(400)
        found = await asked.statement(connection, limit=MAX_LINES)
        called = await names.load(connection, visit)
    if found is None:
        raise Problem(404)
    if not found.is_complete:
        return await ledger.statement_page(visit, status=422, too_many=MAX_LINES)
    await papers.record(visit, link(f"{asked.path}.{form}", **asked.parameters))
    name = f"statement-{asked.path.replace(':', '-')}{asked.in_a_name}"
    if form == papers.CSV:
        return papers.send_rows(name, STATEMENT_COLUMNS, _statement_rows(found))
    return await papers.send(name, form, compose.statement(found, papers.maker(visit, called)))


def _trial_rows(found: TrialBalance, moment: str) -> Iterator[tuple[object, ...]]:
    for account, each in found.accounts.items():
        sums = map(papers.plain, (each.debits, each.credits, each.balance))
        yield (moment, account.path, account.currency, *sums)


def _statement_rows(found: Statement) -> Iterator[tuple[object, ...]]:
    """Opening balance, entries, closing balance; balances are positive on the debit side."""
    path, currency = found.account.path, found.account.currency

    def bare(day: object, what: str, *amounts: object) -> tuple[object, ...]:
        return (path, currency, day, "", what, "", "", *amounts, "", "", "")

    nothing = papers.plain(None)
    yield bare(found.since, "opening", nothing, nothing, papers.plain(found.opening))
    for line in found.lines:
        is_debit = line.amount.minor >= 0
        amount = papers.plain(line.amount if is_debit else line.amount.times(-1))
        yield (
            path,
            currency,
            line.business_date,
            line.transaction,
            line.rule,
            line.reference,
            line.counterpart,
            *((amount, nothing) if is_debit else (nothing, amount)),
            papers.plain(line.balance),
            line.occurred_at.isoformat(),
            line.recorded_at.isoformat(),
            line.note,
        )
    moved = found.turnover
    sums = map(papers.plain, (moved.debits, moved.credits, found.closing))
    yield bare(found.until, "closing", *sums)
