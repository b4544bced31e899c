"""The books from a terminal: ``./mizan ledger trial-balance | statement | journal | …``."""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg

from kernel.database import Connection, Database
from kernel.money import Money
from ledger import reports
from ledger.export import FORMATS, as_cell, export
from ledger.period_commands import ClosingDesk, add_commands
from ledger.verify import verify

Row = Sequence[object]
Command = Callable[[Connection, argparse.Namespace], Awaitable[int]]


def main(argv: list[str], desk: ClosingDesk | None = None) -> int:
    """Run one command. 0: done and sound; 1: not found, unbalanced, damaged; 2: not understood."""
    options = _parser(desk or ClosingDesk()).parse_args(argv)
    url = os.environ.get("MIZAN_DATABASE_URL")  # ./mizan sets it for the embedded server
    if not url:
        _complain("MIZAN_DATABASE_URL is not set")
        return 2
    try:
        return asyncio.run(_run(url, options.command, options))
    except asyncpg.UndefinedTableError:
        return _complain("the database is not set up yet; ./mizan migrate does it")


async def _run(
    url: str,
    command: Command,
    options: argparse.Namespace,
) -> int:
    try:
        database = await Database.connect(url, size=1)
    except (OSError, asyncpg.PostgresError) as problem:
        return _complain(f"cannot reach the database: {problem}")
    try:
        async with database.read() as connection:
            return await command(connection, options)
    finally:
        await database.close()


def _parser(desk: ClosingDesk) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./mizan ledger", description="The books.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    trial = commands.add_parser("trial-balance", help="turnover and balance of every account")
    trial.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="business date")
    _output(trial, _trial_balance)

    statement = commands.add_parser("statement", help="one account, line by line")
    statement.add_argument("account", help="for example Assets:Clearing:SANDBOX:JOD")
    _between(statement)
    statement.add_argument("--limit", type=_count, default=10_000, help="lines at most (10000)")
    _output(statement, _statement)

    journal = commands.add_parser("journal", help="transactions, newest first")
    _between(journal)
    journal.add_argument("--rule", help="for example FEE_SUCCEEDED")
    journal.add_argument("--account", help="only what touches this account")
    journal.add_argument("--reference", type=UUID, help="only of this payment")
    journal.add_argument("--after", type=UUID, help="go on behind this transaction")
    journal.add_argument("--limit", type=_count, default=50, help="transactions at most (50)")
    _output(journal, _journal)

    check = commands.add_parser("verify", help="recompute everything; name the first bad row")
    check.add_argument("--json", action="store_true")
    check.set_defaults(command=_verify)

    out = commands.add_parser("export", help="the whole journal for another program")
    out.add_argument("--format", required=True, choices=sorted(FORMATS))
    out.add_argument("--output", type=Path, metavar="FILE", help="standard output if not given")
    out.set_defaults(command=_export)
    add_commands(commands, desk)
    return parser


def _output(parser: argparse.ArgumentParser, command: Command) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")
    parser.set_defaults(command=command)


def _between(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=date.fromisoformat, metavar="DATE", help="first day")
    parser.add_argument("--until", type=date.fromisoformat, metavar="DATE", help="last day")


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        raise argparse.ArgumentTypeError("must be from 1 to 1000000")
    return number


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
    found = await reports.trial_balance(connection, options.as_of)
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
        document={"as_of": _plain(options.as_of), "balanced": found.is_balanced},
    )
    totals = sheet.named(sheet.foot)
    for total in totals:
        del total["account"]
    sheet.document.update(accounts=sheet.named(sheet.rows), totals=totals)
    _print(sheet, options)
    if not found.is_balanced:
        return _complain("the books do not balance")
    return 0


async def _statement(connection: Connection, options: argparse.Namespace) -> int:
    found = await reports.statement(
        connection,
        options.account,
        since=options.since,
        until=options.until,
        limit=options.limit,
    )
    if found is None:
        return _complain(f"no account {options.account}")
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
            (options.since, "opening balance", "", "", found.opening, "", ""),
            *lines,
            (options.until, "closing balance", "", "", found.closing, "", ""),
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
        _complain(f"only the first {options.limit} lines are shown; the balances are of all")
    return 0


async def _journal(connection: Connection, options: argparse.Namespace) -> int:
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
        _complain(f"there is more: --after {page.next}")
    return 0


async def _verify(connection: Connection, options: argparse.Namespace) -> int:
    found = await verify(connection)
    count = f"{found.transactions} transactions, {found.postings} postings"
    if options.json:
        print(json.dumps({**asdict(found), "sound": found.is_sound}))
    elif found.bad is None:
        print(f"sound: {count}")
    else:
        bad = found.bad
        print(f"BAD: {bad.table} {bad.key}: {bad.why} (before it: {count})")
    return 0 if found.is_sound else 1


async def _export(connection: Connection, options: argparse.Namespace) -> int:
    if options.output is None:
        await export(connection, options.format, sys.stdout.write)
        return 0
    try:
        with options.output.open("w", encoding="utf-8", newline="") as file:
            count = await export(connection, options.format, file.write)
    except OSError as problem:
        return _complain(f"cannot write the export: {problem}")
    print(f"{count} transactions written to {options.output}")
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


def _complain(text: str) -> int:
    print(f"mizan ledger: {text}", file=sys.stderr)
    return 1
