"""./mizan api-key: keys for agencies and portals."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from uuid import UUID

import asyncpg

from api import keys
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds


def main(argv: list[str]) -> int:
    """Run one command; 1: it could not be done, 2: the command line was not understood."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as stop:
        return 2 if stop.code else 0
    return asyncio.run(_run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./mizan api-key", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="make a key and show it, this once")
    add.add_argument("--agency", required=True, metavar="CODE", help="for example JO-CSPD")
    add.add_argument("--json", action="store_true", help="print JSON")
    commands.add_parser("list", help="all keys, without the keys themselves")
    revoke = commands.add_parser("revoke", help="take a key out of use at once")
    revoke.add_argument("id", type=UUID, help="from the list")
    return parser


async def _run(options: argparse.Namespace) -> int:
    url = os.environ.get("MIZAN_DATABASE_URL", "")
    if not url:
        print("mizan api-key: MIZAN_DATABASE_URL is not set", file=sys.stderr)
        return 1
    database = await Database.connect(url, size=1)
    try:
        match options.command:
            case "add":
                return await _add(database, options.agency, as_json=options.json)
            case "list":
                return await _list(database)
            case _:
                return await _revoke(database, options.id)
    finally:
        await database.close()


async def _add(database: Database, agency: str, *, as_json: bool) -> int:
    try:
        async with database.transaction() as connection:
            key = await keys.add(connection, RandomIds(), agency, at=SystemClock().now())
    except asyncpg.ForeignKeyViolationError:
        print(f"mizan api-key: no agency has the code {agency!r}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"agency": agency, "key": key}))
    else:
        print(f"Key of {agency}, shown this once:\n{key}\nSend it as: Authorization: Bearer {key}")
    return 0


async def _list(database: Database) -> int:
    async with database.read() as connection:
        found = await keys.all_keys(connection)
    for key in found:
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "in use"
        print(f"{key.id}  {key.agency:<12}  …{key.hint}  made {key.created_at:%Y-%m-%d}  {state}")
    if not found:
        print("No keys yet: ./mizan api-key add --agency CODE")
    return 0


async def _revoke(database: Database, key_id: UUID) -> int:
    async with database.transaction() as connection:
        if await keys.revoke(connection, key_id, at=SystemClock().now()):
            print(f"Revoked {key_id}.")
            return 0
    print(f"mizan api-key: no key in use has the id {key_id}", file=sys.stderr)
    return 1
