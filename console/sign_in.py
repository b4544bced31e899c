"""Signing in: the same words and time for every failure, and a lock that grows with the tries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from console import audit, passwords
from console.audit import Action, Actor
from kernel.database import Connection, Database
from kernel.log import event
from kernel.sql import package_sql

SQL = package_sql(__file__)

FREE_TRIES: Final = 5
"""Wrong passwords in a row before a name is locked."""
FIRST_LOCK: Final = timedelta(minutes=1)
"""Doubles with every further failure."""
LONGEST_LOCK: Final = timedelta(minutes=30)
"""Bounds what a stranger can do to somebody by trying their name."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The password was right."""

    staff_id: UUID


@dataclass(frozen=True, slots=True)
class Wrong:
    """Name or password is wrong, or the person is disabled; which one is not told."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Too many failures for this name, whether or not it exists."""

    until: datetime


async def sign_in(
    database: Database, name: str, password: str, *, at: datetime, address: str
) -> Welcome | Wrong | Locked:
    """Check a name and a password; counts the try first and forgets the count on success."""
    digest = name_digest(name)
    async with database.transaction() as connection:
        counted = await connection.fetchval(
            SQL["begin_sign_in"], digest, at, FREE_TRIES, FIRST_LOCK, LONGEST_LOCK
        )
        if counted is None:
            until = await connection.fetchval(SQL["sign_in_lock"], digest)
            event("console.sign_in", outcome="locked")
            return Locked(until)
        row = await connection.fetchrow(SQL["staff_by_name"], _folded(name))
    # No transaction is held while the password is hashed.
    stored = None if row is None or row["disabled_at"] is not None else row["password_hash"]
    right = await passwords.matches(stored, password)
    async with database.transaction() as connection:
        if row is None or not right:
            await _record_failure(
                connection, row["id"] if row else None, name, at=at, address=address
            )
            return Wrong()
        await connection.execute(SQL["forget_failures"], digest)
        await connection.execute(SQL["forget_old_failures"], at)
        if passwords.is_outdated(row["password_hash"]):
            await connection.execute(
                SQL["rehash_password"], row["id"], await passwords.hashed(password)
            )
    return Welcome(row["id"])


def name_digest(name: str) -> bytes:
    """What failures are counted under; people type passwords as names, so never the text."""
    return hashlib.sha256(_folded(name).encode()).digest()


def _folded(name: str) -> str:
    return name.strip().lower()


async def _record_failure(
    connection: Connection, staff_id: UUID | None, name: str, *, at: datetime, address: str
) -> None:
    event("console.sign_in", outcome="wrong", known_name=staff_id is not None)
    if staff_id is not None:
        actor = Actor(id=staff_id, name=_folded(name), address=address)
        await audit.record(connection, actor, Action.SIGN_IN_FAILED, at=at)
