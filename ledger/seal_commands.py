"""./mizan ledger verify, prove, checkpoint and key."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Final
from uuid import UUID

from kernel.database import Connection
from kernel.privacy import Keys
from kernel.sql import package_sql
from ledger.proof import NotSealed, prove
from ledger.seal import Signer, as_text, from_text
from ledger.sealer import checkpoint_line
from ledger.terminal import Commands, complain
from ledger.trust import KEY_BYTES
from ledger.verify import verify

SQL = package_sql(__file__)

FindKey = Callable[[Connection, str], Awaitable[str | None]]
"""The idempotency key of the entry behind a receipt's number or code."""

_VERIFIER: Final = "docs/verify_receipt.py"


async def no_receipts(connection: Connection, typed: str) -> str | None:
    """Without payments there are no receipts, only entries."""
    del connection, typed
    return None


def add_commands(commands: Commands, find: FindKey) -> None:
    """Add the commands to the parser of ``./mizan ledger``."""
    check = commands.add_parser("verify", help="recompute everything; name the first bad row")
    check.add_argument("--json", action="store_true")
    check.add_argument(
        "--trust", action="append", default=[], type=_key_of, metavar="KEY",
        help="a former public key of the books, beside the one in use; repeat for several",
    )  # fmt: skip
    check.set_defaults(command=_verify)

    proof = commands.add_parser("prove", help="a proof that anybody can check, as JSON")
    proof.add_argument(
        "receipt", metavar="RECEIPT", help="number or code of a receipt, or an entry's id"
    )
    proof.set_defaults(command=partial(_prove, find))

    line = commands.add_parser("checkpoint", help="the line to publish: all that a day sealed")
    line.add_argument(
        "--day", type=date.fromisoformat, metavar="DATE", help="the latest (UTC) if not given"
    )
    line.set_defaults(command=_checkpoint)

    key = commands.add_parser("key", help="the public key that seals are signed with")
    key.set_defaults(command=_key)


async def _verify(connection: Connection, options: argparse.Namespace) -> int:
    progress = _show if sys.stderr.isatty() else _keep_quiet
    found = await verify(
        connection,
        trusted=[*options.trust, *filter(None, [_public_key()])],
        url=os.environ.get("MIZAN_DATABASE_URL"),
        progress=progress,
    )
    count = f"{found.transactions} transactions, {found.postings} postings"
    if options.json:
        _say(json.dumps({**asdict(found), "sound": found.is_sound}))
    elif found.bad is None:
        _say(f"sound: {count}")
    else:
        bad = found.bad
        _say(f"BAD: {bad.table} {bad.key}: {bad.why} (before it: {count})")
    return 0 if found.is_sound else 1


def _key_of(text: str) -> bytes:
    try:
        key = from_text(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise argparse.ArgumentTypeError("must be a public key as ./mizan ledger key prints it")
    return key


def _show(done: int, total: int) -> None:
    end = "\n" if done == total else ""
    sys.stderr.write(f"\r{done * 100 // max(total, 1)} % of {total} transactions{end}")
    sys.stderr.flush()


def _keep_quiet(done: int, total: int) -> None:
    del done, total


async def _prove(find: FindKey, connection: Connection, options: argparse.Namespace) -> int:
    id = await _entry(find, connection, options.receipt)
    proof = await prove(connection, id) if id else None
    if proof is None:
        return complain(f"no receipt and no entry {options.receipt}")
    if isinstance(proof, NotSealed):
        return complain("it is booked, but not sealed yet; that takes a second: try again")
    _say(json.dumps(proof.document, ensure_ascii=False, indent=2))
    key, named = _public_key(), proof.document["seal"].split()[-1]
    _tell(f"To check it: python3 {_VERIFIER} '{named}' PROOF.json")
    if key and named != as_text(key):
        _tell("(That key of the books was in use before the one of now.)")
    if proof.checkpoint:
        _tell(f"or with the checkpoint as published: python3 {_VERIFIER} 'LINE' PROOF.json")
    else:
        _tell("Its day's checkpoint comes after midnight (UTC).")
    return 0


async def _entry(find: FindKey, connection: Connection, typed: str) -> UUID | None:
    try:
        return UUID(typed)
    except ValueError:
        key = await find(connection, typed)
    id: UUID | None = await connection.fetchval(SQL["id_of_key"], key)
    return id


async def _checkpoint(connection: Connection, options: argparse.Namespace) -> int:
    line = await checkpoint_line(connection, options.day)
    if line is None:
        return complain(
            f"no checkpoint of {options.day or 'any day'}: the sealer makes it when a day with"
            " entries is over (UTC)"
        )
    _say(line)
    return 0


async def _key(connection: Connection, options: argparse.Namespace) -> int:
    del connection, options
    key = _public_key()
    if key is None:
        return complain("MIZAN_SECRET_KEY is not set")
    _say(as_text(key))
    return 0


def _public_key() -> bytes | None:
    secret = os.environ.get("MIZAN_SECRET_KEY")  # ./mizan sets it for the sandbox
    return Signer(Keys(secret)).public if secret else None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
