"""The books from a terminal: ``./mizan ledger trial-balance | statement | journal | …``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

import asyncpg

from kernel.database import Connection, Database
from ledger import audit_commands, guard_commands, period_commands, seal_commands
from ledger.documents import cli as documents
from ledger.documents.cli import Naming, only_codes
from ledger.export import FORMATS, export
from ledger.period_commands import ClosingDesk
from ledger.seal_commands import FindKey, no_receipts
from ledger.terminal import Command, complain


def main(
    argv: list[str],
    desk: ClosingDesk | None = None,
    find: FindKey = no_receipts,
    naming: Naming = only_codes,
) -> int:
    """Run one command. 0: done and sound; 1: not found, unbalanced, damaged; 2: not understood."""
    options = _parser(desk or ClosingDesk(), find, naming).parse_args(argv)
    if options.page is not None:
        sys.stdout.write(options.page())
        return 0
    url = os.environ.get("MIZAN_DATABASE_URL")  # ./mizan sets it for the embedded server
    if not url:
        complain("MIZAN_DATABASE_URL is not set")
        return 2
    try:
        return asyncio.run(_run(url, options.command, options))
    except asyncpg.UndefinedTableError:
        return complain("the database is not set up yet; ./mizan migrate does it")


async def _run(
    url: str,
    command: Command,
    options: argparse.Namespace,
) -> int:
    try:
        database = await Database.connect(url, size=1)
    except (OSError, asyncpg.PostgresError) as problem:
        return complain(f"cannot reach the database: {problem}")
    try:
        async with database.read() as connection:
            return await command(connection, options)
    finally:
        await database.close()


def _parser(desk: ClosingDesk, find: FindKey, naming: Naming) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./mizan ledger", description="The books.")
    parser.set_defaults(page=None)  # a page that needs no books
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    documents.add_commands(commands, desk.clock, naming)

    out = commands.add_parser("export", help="the whole journal for another program")
    out.add_argument("--format", required=True, choices=sorted(FORMATS))
    out.add_argument("--output", type=Path, metavar="FILE", help="standard output if not given")
    out.set_defaults(command=_export)
    period_commands.add_commands(commands, desk)
    guard_commands.add_commands(commands)
    seal_commands.add_commands(commands, find)
    audit_commands.add_commands(commands)
    return parser


async def _export(connection: Connection, options: argparse.Namespace) -> int:
    if options.output is None:
        await export(connection, options.format, sys.stdout.write)
        return 0
    try:
        with options.output.open("w", encoding="utf-8", newline="") as file:
            count = await export(connection, options.format, file.write)
    except OSError as problem:
        return complain(f"cannot write the export: {problem}")
    print(f"{count} transactions written to {options.output}")
    return 0
