"""Canaries: all that an installation wrote is searched for numbers, PINs and secrets.

That is the logs of processes and servers, every command Valkey ever got (its append-only file) and
what the operator reads of us. The operator's own book may hold its subscribers' numbers.
"""

from __future__ import annotations

import base64
import binascii
import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import chain
from pathlib import Path
from uuid import UUID

import asyncpg
import hiredis

from kernel.privacy import Keys
from launch.rehearsal import Stack
from wallets.tokens import callback_token

_DIGITS = re.compile(rb"[0-9]{8,}")
_HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}", re.IGNORECASE)
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,}")
_PIN = re.compile(rb"pin\W{0,5}1234(?![0-9])", re.IGNORECASE)
_SESSION = re.compile(rb"(?<![\w-])session-[0-9]+")
_COUNTRY_CODE = 4
"""Length of ``+962`` and of the codes of all the other countries here."""


async def leaks(stack: Stack) -> list[str]:
    """Where something was found that must not be there."""
    numbers = {number[_COUNTRY_CODE:].encode() for number in _citizens(stack)}
    secrets = {stack.environ["MIZAN_SECRET_KEY"].encode()}
    tokens = {token.encode() for token in await _callback_tokens(stack)}
    found = []
    for place, text in chain(_logs(stack), _commands(stack)):
        found += [f"{place}: {what}" for what in _secrets_in(text, numbers, secrets | tokens)]
    for place, text in _told_the_operator(stack):
        found += [f"{place}: {what}" for what in _secrets_in(text, numbers, secrets)]
    return sorted(set(found))


def _secrets_in(text: bytes, numbers: set[bytes], secrets: set[bytes]) -> Iterator[str]:
    for layer in _unwrapped(text):
        yield from ("a phone number" for _ in _numbers_in(layer, numbers))
    yield from ("a PIN" for _ in _PIN.finditer(text))
    yield from ("a session id" for _ in _SESSION.finditer(text))
    yield from ("a secret" for secret in secrets if secret in text)


def _unwrapped(text: bytes) -> Iterator[bytes]:
    """The text itself, and what was hexadecimal or base64 in it."""
    yield text
    for run in _HEX.findall(text):
        yield binascii.unhexlify(run)
    for run in _BASE64.findall(text):
        plain = run.translate(bytes.maketrans(b"-_", b"+/"))
        for shift in range(4):
            whole = plain[shift : shift + (len(plain) - shift) // 4 * 4]
            yield base64.b64decode(whole)


def _numbers_in(text: bytes, numbers: set[bytes]) -> Iterator[bytes]:
    for run in _DIGITS.findall(text):
        for length in (8, 9):
            windows = (run[at : at + length] for at in range(len(run) - length + 1))
            yield from numbers.intersection(windows)


def _logs(stack: Stack) -> Iterator[tuple[str, bytes]]:
    for path in sorted([*stack.home.glob("*.log"), *stack.home.glob("servers/log/*")]):
        yield path.name, path.read_bytes()


def _commands(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """Arguments of every command in the append-only files, unpacked where rq packed them."""
    files = sorted(stack.home.glob("servers/valkey/appendonlydir/*.incr.aof"))
    assert files, "Valkey wrote nothing down: where are its commands?"
    for path in files:
        reader = hiredis.Reader()
        reader.feed(path.read_bytes())
        while command := reader.gets():
            for argument in command:
                yield f"Valkey {command[0].decode()}", argument
                with suppress(zlib.error):
                    yield "rq job", zlib.decompress(argument)


def _told_the_operator(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """What we wrote to the operator, beside the number that is its subscriber's."""
    for correlation, callback, description, echo in _book(
        stack, "SELECT correlation, callback_url, description, echo FROM request"
    ):
        yield "operator's request", f"{correlation} {callback} {description} {echo}".encode()
    for sender, text, url in _book(
        stack, "SELECT sender, text, status_url FROM sms WHERE direction = 'to_phone'"
    ):
        yield "SMS", f"{sender} {text} {url}".encode()


def _citizens(stack: Stack) -> list[str]:
    """Every number the operator ever saw: payers, handsets, people who wrote or were written to."""
    return [
        number
        for (number,) in _book(
            stack,
            "SELECT payer FROM request UNION SELECT msisdn FROM handset"
            " UNION SELECT recipient FROM sms WHERE direction = 'to_phone'"
            " UNION SELECT sender FROM sms WHERE direction = 'from_phone'",
        )
    ]


def _book(stack: Stack, sql: str) -> list[tuple[str, ...]]:
    path = Path(stack.home) / "sandbox" / "book.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as book:
        return book.execute(sql).fetchall()


async def _callback_tokens(stack: Stack) -> list[str]:
    keys = Keys(stack.environ["MIZAN_SECRET_KEY"])
    connection = await asyncpg.connect(stack.servers.urls.database_url)
    try:
        rows = await connection.fetch("SELECT id FROM wallets.collection")
    finally:
        await connection.close()
    return [callback_token(keys, UUID(str(row["id"]))) for row in rows]
