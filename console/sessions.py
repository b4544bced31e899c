"""Server-side sessions: the browser holds 256 random bits, the table their digest (ASVS 5.0 §7)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from console import audit
from console.audit import Action, Actor
from console.roles import Role
from kernel.database import Connection
from kernel.sql import package_sql

SQL = package_sql(__file__)

IDLE_LIMIT: Final = timedelta(minutes=30)
ABSOLUTE_LIMIT: Final = timedelta(hours=12)
_TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody signed in; ``token`` is the cookie's value, of which only the digest is stored."""

    token: str
    staff_id: UUID
    staff_name: str
    role: Role
    agency: str | None
    language: str
    search_handle: str | None
    search_payer: bytes | None


async def start(
    connection: Connection, staff_id: UUID, *, at: datetime, language: str | None, address: str
) -> str:
    """Make a fresh session and return its token; stale ones of anybody go.

    ``language`` None: the one this person used last.
    """
    await connection.execute(SQL["end_stale_sessions"], at, IDLE_LIMIT, ABSOLUTE_LIMIT)
    kept = await connection.fetchval(SQL["mark_signed_in"], staff_id, at)
    token = new_token()
    await connection.execute(SQL["create_session"], digest(token), staff_id, language or kept, at)
    session = await find(connection, token, at=at)
    if session is not None:
        actor = Actor(id=staff_id, name=session.staff_name, address=address)
        await audit.record(connection, actor, Action.SIGNED_IN, at=at)
    return token


async def find(connection: Connection, token: str, *, at: datetime) -> Session | None:
    """The live session of a token; None if it ended, went idle or old, or its owner is disabled."""
    row = await connection.fetchrow(
        SQL["live_session"], digest(token), at, IDLE_LIMIT, ABSOLUTE_LIMIT
    )
    if row is None:
        return None
    return Session(token=token, **{**row, "role": Role(row["role"])})


async def end(connection: Connection, token: str) -> None:
    """Kill a session; its token is worth nothing from now on."""
    await connection.execute(SQL["end_session"], digest(token))


async def end_others(connection: Connection, session: Session) -> None:
    """Kill every other session of the same person (after a change of password)."""
    await connection.execute(SQL["end_other_sessions"], session.staff_id, digest(session.token))


async def set_language(connection: Connection, session: Session, language: str) -> None:
    """Speak another language from now on."""
    await connection.execute(SQL["set_session_language"], digest(session.token), language)


async def remember_search(
    connection: Connection, session: Session, pseudonym: bytes | None
) -> str | None:
    """Keep the subscriber searched for; returns a handle for URLs, worthless in other sessions."""
    handle = secrets.token_hex(4) if pseudonym is not None else None
    await connection.execute(SQL["set_session_search"], digest(session.token), handle, pseudonym)
    return handle


def new_token() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def digest(token: str) -> bytes:
    """What the table knows a token by. The token is random, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).digest()


def csrf_token(token: str) -> str:
    """The form token of a session (or of a visitor before it): bound to the cookie, not stored."""
    mac = hmac.digest(token.encode(), b"mizan console form", hashlib.sha256)
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def same(left: str, right: str) -> bool:
    """Whether two tokens are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left.encode(), right.encode())
