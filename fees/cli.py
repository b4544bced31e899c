"""``./mizan bill``: issue, show and import bills, and list what can be billed.

Exit codes: 0 done; 1 refused, or some rows were; 2 the command, file or database is of no use.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date
from pathlib import Path
from typing import Any

import asyncpg

from fees import bills, catalogue, control_number
from fees.bill_file import (
    LARGEST_BYTES,
    OPTIONAL,
    REQUIRED,
    Unusable,
    read_amount,
    write_rows,
)
from fees.bill_import import Report, import_bills
from fees.bills import Bill
from fees.refusals import MEANING, FeeRefusal
from kernel import subscribers
from kernel.clock import SystemClock, business_date
from kernel.currency import UnknownCurrency, exponent
from kernel.database import Connection, Database
from kernel.digits import to_western
from kernel.ids import RandomIds
from kernel.money import BadAmount, Money
from kernel.msisdn import BadMsisdn, Msisdn
from kernel.privacy import Keys

_DONE, _REFUSED, _UNUSABLE = 0, 1, 2
_IMPORT = f"""Issue a bill for each row of a UTF-8 CSV file. Its first line names the columns:
{", ".join(REQUIRED)} (all four needed; an empty amount is the tariff's price), and any of
{", ".join(OPTIONAL)}. Amounts are written like 12.500, days like 2026-11-21. Bad rows are listed
and left out; the same file again changes nothing."""
_ISSUED_COLUMNS = ("line", "reference", "control_number", "currency", "total")

Command = Callable[[Database, argparse.Namespace], Awaitable[int]]


class _Unfit(Exception):
    """What was typed cannot be used; the text says why."""


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    try:
        return asyncio.run(_on_database(arguments.command, arguments))
    except _Unfit as problem:
        return _complain(str(problem))
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return _complain("the database has no tables yet; ./mizan migrate makes them")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./mizan bill", description="Bills and control numbers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    issue = commands.add_parser("issue", help="issue one bill and print its control number")
    issue.add_argument("--agency", required=True, type=_code, metavar="CODE")
    issue.add_argument("--service", required=True, type=_code, metavar="CODE")
    issue.add_argument("--amount", help="what the agency assessed; without it, the tariff's price")
    issue.add_argument("--currency", type=_code, metavar="CCY", help="JOD, BHD, LBP ...")
    issue.add_argument("--payer", metavar="MSISDN", help="who owes it, like +962790000000")
    issue.add_argument("--quantity", type=int, default=1, metavar="N")
    issue.add_argument("--band", type=_code, metavar="B", help="the class the price depends on")
    issue.add_argument("--due", type=_day, metavar="YYYY-MM-DD", help="last day without penalty")
    issue.add_argument("--expires", type=_day, metavar="YYYY-MM-DD", help="last day to pay at all")
    issue.add_argument(
        "--reference", metavar="R", help="the agency's name for it; repeats are harmless"
    )
    _finish(issue, _issue)

    show = commands.add_parser("show", help="show a bill and what it costs today")
    show.add_argument("control_number", metavar="CONTROL")
    _finish(show, _show)

    load = commands.add_parser(
        "import",
        help="issue a bill for each row of a CSV file",
        description=_IMPORT,
    )
    load.add_argument("file", type=Path, metavar="FILE.csv")
    load.add_argument("--issued", type=Path, metavar="OUT.csv", help="write control numbers here")
    _finish(load, _import)

    services = commands.add_parser("services", help="list agencies, services and bands")
    services.add_argument("--country", type=_code, metavar="CC")
    _finish(services, _services)
    return parser


def _finish(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)


async def _on_database(command: Command, arguments: argparse.Namespace) -> int:
    url = _database_url()
    try:
        database = await Database.connect(url, size=1)
    except (OSError, ValueError, asyncpg.PostgresError) as problem:
        raise _Unfit(f"cannot reach the database: {problem}") from None
    try:
        return await command(database, arguments)
    finally:
        await database.close()


def _database_url() -> str:
    url = os.environ.get("MIZAN_DATABASE_URL", "")
    if not url:
        raise _Unfit("MIZAN_DATABASE_URL is not set; ./mizan sets it for the embedded servers")
    return url


def _keys() -> Keys | None:
    secret = os.environ.get("MIZAN_SECRET_KEY", "")
    return Keys(secret) if secret else None


async def _issue(database: Database, arguments: argparse.Namespace) -> int:
    amount = _amount(arguments)
    payer = _payer(arguments)
    async with database.transaction() as connection:
        answer = await bills.issue(
            connection,
            RandomIds(),
            agency=arguments.agency,
            service=arguments.service,
            at=SystemClock().now(),
            quantity=arguments.quantity,
            amount=amount,
            currency=arguments.currency,
            band=arguments.band,
            assessed=amount is not None,
            payer=payer and payer[0].pseudonym(payer[1]),
            due_on=arguments.due,
            expires_on=arguments.expires,
            reference=arguments.reference,
        )
        if isinstance(answer, FeeRefusal):
            hint = await _hint(connection, answer, arguments)
            return _refuse(answer.value, MEANING[answer] + hint, as_json=arguments.json)
        if payer is not None:
            await subscribers.remember(connection, *payer)
    _print_bill(answer, as_json=arguments.json)
    return _DONE


async def _show(database: Database, arguments: argparse.Namespace) -> int:
    number = control_number.read(arguments.control_number)
    if number is None:
        reason = "this is no control number: 12 digits, the last two check the others"
        return _refuse("control_number_mistyped", reason, as_json=arguments.json)
    async with database.read() as connection:
        bill = await bills.find(connection, number, at=SystemClock().now())
    if bill is None:
        return _refuse("bill_not_found", "no bill has this control number", as_json=arguments.json)
    _print_bill(bill, as_json=arguments.json)
    return _DONE


async def _import(database: Database, arguments: argparse.Namespace) -> int:
    raw = _read(arguments.file)
    async with database.transaction() as connection:
        report = await import_bills(
            connection,
            RandomIds(),
            raw,
            name=arguments.file.name,
            at=SystemClock().now(),
            keys=_keys(),
            progress=_progress,
        )
    if isinstance(report, Unusable):
        raise _Unfit(f"{arguments.file}: {report.reason}")
    if arguments.issued:
        _write_issued(arguments.issued, report)
    _print_report(report, arguments)
    return _REFUSED if report.rejected else _DONE


def _write_issued(path: Path, report: Report) -> None:
    rows = [
        {key: str(value or "") for key, value in asdict(issued).items()} for issued in report.issued
    ]
    try:
        path.write_bytes(write_rows(_ISSUED_COLUMNS, rows))
    except OSError as problem:
        raise _Unfit(
            f"{path}: {problem.strerror}; the bills are issued: run this again with another OUT.csv"
        ) from None


async def _services(database: Database, arguments: argparse.Namespace) -> int:
    async with database.read() as connection:
        listed = [
            (agency, await catalogue.services(connection, agency.code))
            for agency in await catalogue.agencies(connection, arguments.country)
        ]
    if arguments.json:
        _print_json(
            [
                asdict(agency) | {"services": [asdict(each) for each in offered]}
                for agency, offered in listed
            ]
        )
        return _DONE
    for agency, offered in listed:
        print(f"{agency.code}  {agency.names['en']} ({agency.country}, {agency.currency})")
        for service in offered:
            bands = ", ".join(band.code for band in service.bands)
            print(f"    {service.code:<20}{service.names['en']}" + (f" [{bands}]" if bands else ""))
    return _DONE


def _amount(arguments: argparse.Namespace) -> Money | None:
    if arguments.amount is None:
        return None
    if arguments.currency is None:
        raise _Unfit("--amount needs --currency")
    try:
        exponent(arguments.currency)
        return read_amount(arguments.amount, arguments.currency)
    except (BadAmount, UnknownCurrency) as problem:
        raise _Unfit(str(problem)) from None


def _payer(arguments: argparse.Namespace) -> tuple[Keys, Msisdn] | None:
    if arguments.payer is None:
        return None
    keys = _keys()
    if keys is None:
        raise _Unfit("--payer is stored sealed and needs MIZAN_SECRET_KEY")
    try:
        return keys, Msisdn.parse(arguments.payer)
    except BadMsisdn as problem:
        raise _Unfit(str(problem)) from None


def _code(text: str) -> str:
    if not text.isascii():
        raise argparse.ArgumentTypeError(f"not a code: {text!r}")
    return text.upper()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(to_western(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a day: {text!r}, write it like 2026-11-21") from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as problem:
        raise _Unfit(f"{path}: {problem.strerror}") from None


async def _hint(connection: Connection, refusal: FeeRefusal, arguments: argparse.Namespace) -> str:
    """The codes there are, where a wrong one was given."""
    if refusal is FeeRefusal.AGENCY_UNKNOWN:
        codes = [agency.code for agency in await catalogue.agencies(connection)]
    elif refusal is FeeRefusal.SERVICE_UNKNOWN:
        codes = [each.code for each in await catalogue.services(connection, arguments.agency)]
    elif refusal in (FeeRefusal.BAND_MISSING, FeeRefusal.BAND_UNKNOWN):
        offered = await catalogue.offered(connection, arguments.agency, arguments.service)
        codes = [band.code for band in offered[1].bands] if offered else []
    else:
        return ""
    return f" ({', '.join(codes)})" if codes else " (there are none; is the catalogue loaded?)"


def _progress(done: int, total: int) -> None:
    is_shown = sys.stderr.isatty()
    end = "\r" if is_shown and done < total else "\n"
    print(f"  {done:,} of {total:,} rows", end=end, file=sys.stderr, flush=True)


def _bill_fields(bill: Bill) -> dict[str, Any]:
    zone = bill.agency.zone
    charge = bill.charge(business_date(bill.paid_at or SystemClock().now(), zone))
    return {
        "control_number": bill.control_number,
        "state": bill.state,
        "agency": bill.agency.code,
        "service": bill.service.code,
        "names": {
            language: f"{bill.agency.names[language]}: {bill.service.names[language]}"
            for language in bill.agency.names
        },
        "currency": bill.currency,
        "principal": charge.principal.plain(),
        "stamp": charge.stamp.plain(),
        "penalty": charge.penalty.plain(),
        "service_fee": charge.service_fee.plain(),
        "total": charge.total.plain(),
        "agency_fee": charge.agency_fee.plain(),
        "quantity": bill.quantity,
        "band": bill.band,
        "reference": bill.reference,
        "issued_at": bill.issued_at.isoformat(),
        "due_on": bill.due_on.isoformat(),
        "expires_at": bill.expires_at and bill.expires_at.isoformat(),
        "paid_at": bill.paid_at and bill.paid_at.isoformat(),
        "paid_by": bill.paid_by and str(bill.paid_by),
    }


def _print_bill(bill: Bill, *, as_json: bool) -> None:
    fields = _bill_fields(bill)
    if as_json:
        _print_json(fields)
        return
    print(f"Bill {control_number.spaced(bill.control_number)}, {bill.state}")
    print(f"  {fields['names']['en']}")
    for label in ("principal", "stamp", "penalty", "service_fee", "total"):
        money = Money.parse(fields[label], bill.currency)
        if money.minor:
            print(f"  {label.replace('_', ' '):<12}{money!s:>20}")
    for label in ("quantity", "band", "reference", "due_on"):
        if fields[label] not in (None, 1):
            print(f"  {label.replace('_', ' '):<12}{fields[label]:>20}")
    for label, moment in (("expires at", bill.expires_at), ("paid at", bill.paid_at)):
        if moment is not None:
            print(f"  {label:<12}{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def _print_report(report: Report, arguments: argparse.Namespace) -> None:
    if arguments.json:
        _print_json(
            {
                "file": str(arguments.file),
                "sha256": report.sha256,
                "repeats": report.repeats and report.repeats.isoformat(),
                "issued": [asdict(row) for row in report.issued],
                "rejected": [asdict(row) for row in report.rejected],
            }
        )
        return
    if report.repeats:
        moment = report.repeats.strftime("%Y-%m-%d %H:%M UTC")
        print(f"{arguments.file}: imported before, on {moment}; nothing changed. It was:")
    new = sum(row.is_new for row in report.issued)
    known = f", {len(report.issued) - new:,} there before" if new < len(report.issued) else ""
    rejected = f"{len(report.rejected):,} row{'' if len(report.rejected) == 1 else 's'} rejected"
    print(f"{new:,} bill{'' if new == 1 else 's'} issued{known}, {rejected}")
    if report.rejected:
        print(f"{'line':>7}  reason")
    for row in report.rejected:
        print(f"{row.line:>7}  {row.code}: {row.reason}")
    if report.issued and not arguments.issued:
        print("control numbers: the same command with --issued OUT.csv, or --json")


def _print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def _refuse(code: str, reason: str, *, as_json: bool) -> int:
    if as_json:
        _print_json({"refused": code, "reason": reason})
    print(f"refused: {code}: {reason}", file=sys.stderr)
    return _REFUSED


def _complain(reason: str) -> int:
    print(f"./mizan bill: {reason}", file=sys.stderr)
    return _UNUSABLE
