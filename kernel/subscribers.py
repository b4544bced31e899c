"""Subscribers: the one table with phone numbers (sealed), and what each asked us to remember."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kernel.database import Connection
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.sql import package_sql

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person's number and preferences; ``pseudonym`` is how other tables refer to them."""

    pseudonym: bytes
    msisdn: Msisdn
    language: str | None
    sms_stopped: bool


async def remember(connection: Connection, keys: Keys, msisdn: Msisdn) -> bytes:
    """Make sure the number is on file and return its pseudonym."""
    (pseudonym,) = await remember_many(connection, keys, [msisdn])
    return pseudonym


async def remember_many(
    connection: Connection, keys: Keys, msisdns: Iterable[Msisdn]
) -> list[bytes]:
    """The same for several, in order."""
    numbers = list(msisdns)
    pseudonyms = [keys.pseudonym(each) for each in numbers]
    # In one order: two callers that share some never wait for each other in a circle.
    rows = sorted(
        {of: keys.seal(each) for of, each in zip(pseudonyms, numbers, strict=True)}.items()
    )
    await connection.execute(SQL["remember_subscribers"], *zip(*rows, strict=True))
    return pseudonyms


async def find(connection: Connection, keys: Keys, pseudonym: bytes) -> Subscriber | None:
    """The subscriber behind a pseudonym, if on file."""
    row = await connection.fetchrow(SQL["subscriber"], pseudonym)
    if row is None:
        return None
    msisdn = keys.unseal(row["sealed_msisdn"], pseudonym)
    return Subscriber(pseudonym, msisdn, row["language"], row["sms_stopped"])


async def set_language(connection: Connection, keys: Keys, msisdn: Msisdn, language: str) -> None:
    """Remember the language (``ar``, ``en``, ``fr``) somebody chose."""
    await connection.execute(
        SQL["set_language"], keys.pseudonym(msisdn), keys.seal(msisdn), language
    )


async def set_sms_stopped(
    connection: Connection, keys: Keys, msisdn: Msisdn, *, stopped: bool
) -> None:
    """Remember that somebody wants no messages (``STOP``), or wants them again."""
    await connection.execute(
        SQL["set_sms_stopped"], keys.pseudonym(msisdn), keys.seal(msisdn), stopped
    )
