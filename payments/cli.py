"""./mizan payments: look one up, and help along what waits for a person."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from uuid import UUID

from kernel import work
from kernel.database import Connection, Database
from kernel.digits import only_digits
from kernel.sql import package_sql
from payments import books
from payments.schedule import QUERY
from payments.states import mermaid
from payments.view import payment, payments_of_bill, transitions

SQL = package_sql(__file__)

Command = Callable[[Connection, argparse.Namespace], Awaitable[int]]


def main(argv: list[str]) -> int:
    """Run one command. 0: done; 1: not found; 2: not understood."""
    options = _parser().parse_args(argv)
    if options.command is None:
        print(mermaid(), end="")
        return 0
    url = os.environ.get("MIZAN_DATABASE_URL")  # ./mizan sets it for the embedded server
    if not url:
        _complain("MIZAN_DATABASE_URL is not set")
        return 2
    return asyncio.run(_run(url, options.command, options))


async def _run(url: str, command: Command, options: argparse.Namespace) -> int:
    database = await Database.connect(url, size=1)
    try:
        async with database.transaction() as connection:
            return await command(connection, options)
    finally:
        await database.close()


async def _show(connection: Connection, options: argparse.Namespace) -> int:
    found = await payment(connection, options.id)
    if found is None:
        return _complain(f"no payment {options.id}")
    steps = await transitions(connection, options.id)
    if options.json:
        told = {
            "id": str(found.id),
            "state": found.state,
            "public_state": found.public_state,
            "control_number": found.control_number,
            "total": found.total.plain(),
            "currency": found.total.currency,
            "reason": found.reason,
            "receipt_number": found.receipt_number,
            "steps": [
                {"at": step.at.isoformat(), "event": step.event, "to": step.to_state}
                for step in steps
            ],
        }
        print(json.dumps(told, indent=2))
        return 0
    print(f"{found.id}  {found.state}  {found.total}  bill {found.control_number}")
    receipt = found.receipt_number or "–"
    print(f"{found.agency} {found.service} by {found.wallet}, receipt {receipt}")
    for step in steps:
        moment = f"{step.at:%Y-%m-%d %H:%M:%S}"
        print(f"  {moment}  {step.event:14} {step.to_state:10} {step.detail}")
    return 0


async def _of(connection: Connection, options: argparse.Namespace) -> int:
    number = only_digits(options.control_number) or options.control_number
    found = await payments_of_bill(connection, number)
    if not found:
        return _complain(f"no payments of bill {options.control_number}")
    for one in found:
        receipt = f"  receipt {one.receipt_number}" if one.receipt_number else ""
        began = f"{one.created_at:%Y-%m-%d %H:%M:%S}"
        print(f"{one.id}  {began}  {one.state:9}  {one.total}{receipt}")
    return 0


async def _waiting(connection: Connection, options: argparse.Namespace) -> int:
    halted = await connection.fetchval(SQL["halted"])
    if halted:
        print(f"New debits are stopped: {halted}")
    rows = await connection.fetch(SQL["waiting_for_a_person"])
    for row in rows:
        print(f"{row['what']:8} {row['id']:38} {row['since']:%Y-%m-%d %H:%M}  {row['detail']}")
    if not rows and not halted:
        print("Nothing waits for a person.")
    del options
    return 0


async def _ask(connection: Connection, options: argparse.Namespace) -> int:
    if await payment(connection, options.id) is None:
        return _complain(f"no payment {options.id}")
    await work.enqueue(connection, QUERY, str(options.id))
    print("A worker asks the operator as soon as the query budget allows.")
    return 0


async def _retry(connection: Connection, options: argparse.Namespace) -> int:
    kind = await connection.fetchval(SQL["retry_parked"], options.id)
    if kind is None:
        return _complain(f"no parked work {options.id}")
    print(f"{kind} is due again")
    return 0


async def _resume(connection: Connection, options: argparse.Namespace) -> int:
    del options
    await books.resume(connection)
    print("New debits are allowed.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./mizan payments", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    show = commands.add_parser("show", help="one payment with its timeline")
    show.add_argument("id", type=UUID)
    show.add_argument("--json", action="store_true")
    show.set_defaults(command=_show)
    of = commands.add_parser("of", help="the payments of one bill, newest first")
    of.add_argument("control_number", metavar="CONTROL")
    of.set_defaults(command=_of)
    waiting = commands.add_parser("waiting", help="what waits for a person")
    waiting.set_defaults(command=_waiting)
    ask = commands.add_parser("ask", help="ask the operator once more, for a payment in review")
    ask.add_argument("id", type=UUID)
    ask.set_defaults(command=_ask)
    retry = commands.add_parser("retry", help="try parked work again")
    retry.add_argument("id", type=int)
    retry.set_defaults(command=_retry)
    resume = commands.add_parser("resume", help="allow new debits after the books were mended")
    resume.set_defaults(command=_resume)
    states = commands.add_parser("states", help="the state machine as a Mermaid diagram")
    states.set_defaults(command=None)
    return parser


def _complain(problem: str) -> int:
    print(f"mizan: {problem}", file=sys.stderr)
    return 1
