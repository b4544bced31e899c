"""API keys: 256 random bits that name an agency; the database keeps their SHA-256 only."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.database import Connection
from kernel.ids import Ids
from kernel.sql import package_sql

SQL = package_sql(__file__)

PREFIX: Final = "mizan_"
"""Lets people and secret scanners see what a leaked string is."""

_BYTES = 32
_HINT = 4


@dataclass(frozen=True, slots=True)
class Key:
    """A key as staff sees it afterwards."""

    id: UUID
    agency: str
    hint: str
    created_at: datetime
    revoked_at: datetime | None


async def add(connection: Connection, ids: Ids, agency: str, *, at: datetime) -> str:
    """Make a key for an agency and return it: the only time it can be seen."""
    key = PREFIX + secrets.token_urlsafe(_BYTES)
    await connection.execute(SQL["insert_key"], ids.new(), agency, _digest(key), key[-_HINT:], at)
    return key


async def agency_of(connection: Connection, key: str) -> str | None:
    """The agency a key speaks for; None if unknown or revoked."""
    agency: str | None = await connection.fetchval(SQL["agency_of_key"], _digest(key))
    return agency


async def revoke(connection: Connection, key_id: UUID, *, at: datetime) -> bool:
    """Take a key out of use; False if there is none in use."""
    return await connection.fetchval(SQL["revoke_key"], key_id, at) is not None


async def all_keys(connection: Connection) -> list[Key]:
    """Every key ever made, oldest first."""
    return [Key(**row) for row in await connection.fetch(SQL["keys"])]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
