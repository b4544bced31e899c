"""Reports from a terminal: as tables for people, as JSON and CSV for programs, as files."""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from functools import partial
from pathlib import Path
from uuid import UUID

from kernel.clock import Clock
from kernel.database import Connection
from kernel.money import Money
from kernel.texts import LANGUAGES
from ledger import reports
from ledger.ageing import ageing
from ledger.documents import compose
from ledger.documents.compose import Maker
from ledger.documents.document import Document
from ledger.documents.files import Form, render
from ledger.export import as_cell
from ledger.reports import Statement
from ledger.terminal import MAX_POSITION, Command, Commands, complain, number

Row = Sequence[object]
_position = number(1, MAX_POSITION)
_lines = number(1, 1_000_000)
ZONE = "UTC"
"""A terminal stands nowhere: files made in it say when in UTC."""

Naming = Callable[[Connection, Maker], Awaitable[Maker]]
"""Gives a maker the words of its language for accounts, rules and currencies."""


async def only_codes(connection: Connection, maker: Maker) -> Maker:
    """The books alone know codes, and no names."""
    del connection
    return maker


def add_commands(commands: Commands, clock: Clock, naming: Naming = only_codes) -> None:
    """Add the reports to the subparsers of a command line; each sets ``command``.

    Files say when they were made by the clock, and name things as ``naming`` does.
    """
    trial = commands.add_parser("trial-balance", help="turnover and balance of every account")
    moment = trial.add_mutually_exclusive_group()
    moment.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="business date")
    moment.add_argument(
        "--position", type=_position, help="as of this position of the sealed journal"
    )
    _output(trial, _trial_balance, is_document=True)

    statement = commands.add_parser("statement", help="one account, line by line")
    statement.add_argument("account", help="for example Assets:Clearing:SANDBOX:JOD")
    _between(statement)
    statement.add_argument("--first", type=_position, default=1, help="from this position (1)")
    statement.add_argument(
        "--position", type=_position, help="up to this position, instead of dates"
    )
    statement.add_argument("--limit", type=_lines, default=10_000, help="lines at most (10000)")
    _output(statement, _statement, is_document=True)

    journal = commands.add_parser("journal", help="transactions, newest first")
    _between(journal)
    journal.add_argument("--rule", help="for example FEE_SUCCEEDED")
    journal.add_argument("--account", help="only what touches this account")
    journal.add_argument("--reference", type=UUID, help="only of this payment")
    journal.add_argument("--after", type=UUID, help="go on behind this transaction")
    journal.add_argument("--limit", type=_lines, default=50, help="transactions at most (50)")
    _output(journal, _journal)

    aged = commands.add_parser("ageing", help="how old what stands on an account is")
    aged.add_argument("account", help="for example Liabilities:Suspense:LateSuccess:SANDBOX:JOD")
    aged.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="today if not given")
    _output(aged, _ageing)
    for each in (trial, statement, aged):
        each.set_defaults(clock=clock, naming=naming)


def _output(
    parser: argparse.ArgumentParser, command: Command, *, is_document: bool = False
) -> None:
    """How a report comes out."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")
    if is_document:
        form.add_argument("--pdf", type=Path, metavar="FILE", help="write a PDF")
        form.add_argument("--xlsx", type=Path, metavar="FILE", help="write a spreadsheet")
        parser.add_argument("--language", choices=LANGUAGES, default="ar", help="of the file (ar)")
    parser.set_defaults(command=command)


def _between(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="first day")
    parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="last day")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What a report prints: rows for people and spreadsheets, a foot for people, and JSON."""

    header: tuple[str, ...]
    rows: list[Row]
    document: dict[str, object]
    foot: list[Row] = field(default_factory=list)

    def named(self, rows: list[Row]) -> list[dict[str, object]]:
        """Rows as objects for JSON."""
        return [
            {name: _plain(cell) for name, cell in zip(self.header, row, strict=True)}
            for row in rows
        ]


async def _trial_balance(connection: Connection, options: argparse.Namespace) -> int:
    if options.position is not None and not await _is_sealed(connection, options.position):
        return 1
    as_of = options.as_of if options.position is None else options.position
    found = await reports.trial_balance(connection, as_of)
    if options.pdf or options.xlsx:
        return await _write(connection, options, partial(compose.trial_balance, found))
    sheet = _Sheet(
        header=("account", "currency", "debits", "credits", "balance"),
        rows=[
            (account.path, account.currency, each.debits, each.credits, each.balance)
            for account, each in found.accounts.items()
        ],
        foot=[
            ("total", currency, each.debits, each.credits, each.balance)
            for currency, each in found.totals.items()
        ],
        document={"as_of": _plain(as_of), "balanced": found.is_balanced},
    )
    totals = sheet.named(sheet.foot)
    for total in totals:
        del total["account"]
    sheet.document.update(accounts=sheet.named(sheet.rows), totals=totals)
    _print(sheet, options)
    if not found.is_balanced:
        return complain("the books do not balance")
    return 0


async def _statement(connection: Connection, options: argparse.Namespace) -> int:
    if _is_backwards(options):
        return 2
    found = await _found(connection, options)
    if found is None:
        return 1
    if options.pdf or options.xlsx:
        return await _write(connection, options, partial(compose.statement, found))
    lines: list[Row] = [
        (
            each.business_date,
            each.rule,
            each.counterpart,
            each.amount,
            each.balance,
            each.transaction,
            each.note,
        )
        for each in found.lines
    ]
    sheet = _Sheet(
        header=("date", "rule", "counterpart", "amount", "balance", "transaction", "note"),
        rows=[
            (found.since, "opening balance", "", "", found.opening, "", ""),
            *lines,
            (found.until, "closing balance", "", "", found.closing, "", ""),
        ],
        document={
            "account": found.account.path,
            "currency": found.account.currency,
            "opening": _plain(found.opening),
            "debits": _plain(found.turnover.debits),
            "credits": _plain(found.turnover.credits),
            "closing": _plain(found.closing),
            "complete": found.is_complete,
        },
    )
    sheet.document.update(lines=sheet.named(lines))
    _print(sheet, options)
    if not found.is_complete:
        complain(f"only the first {options.limit} lines are shown; the balances are of all")
    return 0


async def _found(connection: Connection, options: argparse.Namespace) -> Statement | None:
    """The statement asked for, by dates or by positions; None, and why, if there is none."""
    account, limit = options.account, options.limit
    if options.position is None:
        found = await reports.statement(
            connection, account, since=options.since, until=options.until, limit=limit
        )
    elif not await _is_sealed(connection, options.position):
        return None
    else:
        found = await reports.statement_at(
            connection, account, since=options.first, until=options.position, limit=limit
        )
    if found is None:
        complain(f"no account {account}")
    return found


def _is_backwards(options: argparse.Namespace) -> bool:
    """Whether what is asked for ends before it begins; then it is said."""
    start, first, end, last = "--since", options.since, "--until", options.until
    if getattr(options, "position", None) is not None:
        start, first, end, last = "--first", options.first, "--position", options.position
    is_backwards = first is not None and last is not None and first > last
    if is_backwards:
        complain(f"{start} {first} is after {end} {last}: there is nothing between them")
    return is_backwards


async def _is_sealed(connection: Connection, position: int) -> bool:
    last = await reports.last_position(connection)
    if position > last:
        complain(f"the journal is sealed up to position {last}")
    return position <= last


async def _ageing(connection: Connection, options: argparse.Namespace) -> int:
    at = options.as_of or options.clock.now().astimezone(UTC).date()
    found = await ageing(connection, options.account, at=at)
    if found is None:
        return complain(f"no account {options.account}")
    items: list[Row] = [
        (each.since, each.days, each.reference, each.amount) for each in found.items
    ]
    sheet = _Sheet(
        header=("since", "days", "payment", "amount"),
        rows=items,
        foot=[
            (None, f"{each.days_from}-{each.days_to or ''}", f"{each.items} items", each.amount)
            for each in found.buckets
        ],
        document={
            "account": found.account.path,
            "currency": found.account.currency,
            "at": str(at),
            "balance": _plain(found.balance),
            "buckets": [
                {
                    "days_from": each.days_from,
                    "days_to": each.days_to,
                    "amount": _plain(each.amount),
                    "items": each.items,
                }
                for each in found.buckets
            ],
        },
    )
    sheet.document.update(items=sheet.named(items))
    _print(sheet, options)
    return 0


async def _write(
    connection: Connection, options: argparse.Namespace, made: Callable[[Maker], Document]
) -> int:
    """A report as a PDF or a spreadsheet."""
    form, path = (Form.PDF, options.pdf) if options.pdf else (Form.XLSX, options.xlsx)
    nameless = Maker(language=options.language, at=options.clock.now(), zone=ZONE)
    document = made(await options.naming(connection, nameless))
    content = render(document, form)
    try:
        await asyncio.to_thread(path.write_bytes, content)
    except OSError as problem:
        return complain(f"cannot write the file: {problem}")
    print(f"{len(content)} bytes written to {path}")
    for warning in document.warnings:
        complain(warning)
    return 0


async def _journal(connection: Connection, options: argparse.Namespace) -> int:
    if _is_backwards(options):
        return 2
    page = await reports.journal(
        connection,
        after=options.after,
        limit=options.limit,
        since=options.since,
        until=options.until,
        rule=options.rule,
        reference=options.reference,
        account=options.account,
    )
    sheet = _Sheet(
        header=("date", "transaction", "rule", "debit", "credit", "amount", "currency", "key"),
        rows=[
            (
                item.business_date,
                each.id,
                each.rule,
                posting.debit,
                posting.credit,
                posting.amount,
                posting.amount.currency,
                each.key,
            )
            for item in page.items
            for each in (item.transaction,)
            for posting in each.postings
        ],
        document={"next": _plain(page.next)},
    )
    sheet.document.update(postings=sheet.named(sheet.rows))
    _print(sheet, options)
    if page.next:
        complain(f"there is more: --after {page.next}")
    return 0


def _print(sheet: _Sheet, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps(sheet.document, ensure_ascii=False, indent=2))
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(sheet.header)
        writer.writerows(
            [as_cell(cell) if isinstance(cell, str) else _plain(cell) for cell in row]
            for row in sheet.rows
        )
    else:
        _print_table([sheet.header, *sheet.rows, *sheet.foot])


def _print_table(rows: Sequence[Row]) -> None:
    """Columns as wide as their widest cell; amounts to the right."""
    cells = [[_shown(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, texts in zip(rows, cells, strict=True):
        aligned = [
            text.rjust(width) if isinstance(cell, Money) else text.ljust(width)
            for cell, text, width in zip(row, texts, widths, strict=True)
        ]
        print("  ".join(aligned).rstrip())


def _shown(cell: object) -> str:
    return cell.grouped() if isinstance(cell, Money) else str(_plain(cell) or "")


def _plain(cell: object) -> str | None:
    """A cell for machines: amounts with all their digits and no grouping."""
    if cell is None:
        return None
    return cell.plain() if isinstance(cell, Money) else str(cell)
