"""./mizan user: staff of the console."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TextIO

import asyncpg

from console import audit, passwords, staff
from console.passwords import PasswordProblem
from console.render import TEXTS
from console.roles import Role
from console.staff import StaffRefusal
from kernel.clock import SystemClock
from kernel.config import ConfigError
from kernel.database import Connection
from kernel.ids import RandomIds


def main(argv: list[str], *, stdin: TextIO | None = None) -> int:
    """Run one command; 0: done, 1: refused, 2: not understood or not set up."""
    options = _parser().parse_args(argv)
    options.stdin = stdin or sys.stdin
    try:
        return asyncio.run(_in_transaction(options.run, options))
    except ConfigError as problem:
        return _fail(str(problem), code=2)


async def _in_transaction(
    run: Callable[[Connection, argparse.Namespace], Awaitable[int]], options: argparse.Namespace
) -> int:
    connection = await asyncpg.connect(_database_url())
    try:
        async with connection.transaction():
            return await run(connection, options)
    finally:
        await connection.close()


def _database_url() -> str:
    """Where the database is; ``./mizan`` sets this, also for the embedded one."""
    url = os.environ.get("MIZAN_DATABASE_URL", "")
    if not url:
        raise ConfigError("MIZAN_DATABASE_URL is not set; ./mizan user ... sets it by itself")
    return url


async def _add(connection: Connection, options: argparse.Namespace) -> int:
    typed = options.stdin.readline().rstrip("\r\n") if options.password_stdin else ""
    password = typed or ("" if options.password_stdin else passwords.generated())
    refused = await staff.add(
        connection,
        audit.COMMAND_LINE,
        id=RandomIds().new(),
        name=options.name,
        role=Role(options.role),
        agency=options.agency,
        password=password,
        at=SystemClock().now(),
    )
    if refused is not None:
        return _fail(_words(refused))
    whose = f" of {options.agency}" if options.agency else ""
    print(f"{options.name} may sign in as {options.role}{whose}.")
    if not options.password_stdin:
        print(f"Password (shown only now): {password}")
    return 0


async def _list(connection: Connection, options: argparse.Namespace) -> int:
    del options
    members = await staff.members(connection)
    width = max((len(member.name) for member in members), default=4)
    for member in members:
        state = "disabled" if member.disabled_at else "active"
        seen = f"{member.signed_in_at:%Y-%m-%d %H:%M} UTC" if member.signed_in_at else "never"
        whose = f"  {member.agency}" if member.agency else ""
        print(f"{member.name:<{width}}  {member.role:<8}  {state:<8}  last sign-in: {seen}{whose}")
    return 0


async def _disable(connection: Connection, options: argparse.Namespace) -> int:
    at = SystemClock().now()
    return _done(
        await staff.disable(connection, audit.COMMAND_LINE, options.name, at=at),
        f"{options.name} is disabled; every session has ended.",
    )


async def _enable(connection: Connection, options: argparse.Namespace) -> int:
    at = SystemClock().now()
    return _done(
        await staff.enable(connection, audit.COMMAND_LINE, options.name, at=at),
        f"{options.name} may sign in again.",
    )


async def _unlock(connection: Connection, options: argparse.Namespace) -> int:
    at = SystemClock().now()
    return _done(
        await staff.unlock(connection, audit.COMMAND_LINE, options.name, at=at),
        f"{options.name} may try to sign in at once.",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./mizan user", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="add somebody; prints a generated password once")
    add.add_argument("name")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    add.add_argument("--agency", metavar="CODE", help="whose, for the role of that name")
    add.add_argument("--password-stdin", action="store_true", help="read the password from a line")
    add.set_defaults(run=_add)
    commands.add_parser("list", help="everybody").set_defaults(run=_list)
    for name, run, summary in (
        ("disable", _disable, "take away access, at once"),
        ("enable", _enable, "give access back"),
        ("unlock", _unlock, "forget failed sign-ins"),
    ):
        command = commands.add_parser(name, help=summary)
        command.add_argument("name")
        command.set_defaults(run=run)
    return parser


def _words(refused: StaffRefusal | PasswordProblem) -> str:
    kind = "password" if isinstance(refused, PasswordProblem) else "staff.refused"
    return TEXTS.get("en", f"{kind}.{refused}")


def _done(refused: StaffRefusal | None, words: str) -> int:
    if refused is not None:
        return _fail(_words(refused))
    print(words)
    return 0


def _fail(words: str, *, code: int = 1) -> int:
    print(f"mizan: {words}", file=sys.stderr)
    return code
