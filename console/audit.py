"""The audit trail: who did what, when, why. Append-only, in the transaction of what it tells of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from kernel.database import Connection, Row
from kernel.log import event
from kernel.sql import package_sql

SQL = package_sql(__file__)


class Action(StrEnum):
    """Everything that is recorded; the text key is ``action.<value>``."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    PASSWORD_CHANGED = "password_changed"
    NUMBER_REVEALED = "number_revealed"
    NUMBER_SEARCHED = "number_searched"
    DOWNLOADED = "downloaded"
    TICKET_ANSWERED = "ticket_answered"
    TICKET_CLOSED = "ticket_closed"
    BOOKS_CLOSED = "books_closed"
    REOPENING_ASKED = "reopening_asked"
    BOOKS_REOPENED = "books_reopened"
    STAFF_ADDED = "staff_added"
    STAFF_DISABLED = "staff_disabled"
    STAFF_ENABLED = "staff_enabled"
    STAFF_UNLOCKED = "staff_unlocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: somebody signed in, or the command line (``id`` is None)."""

    id: UUID | None
    name: str
    address: str = ""


COMMAND_LINE = Actor(id=None, name="command line")


async def record(
    connection: Connection,
    actor: Actor,
    action: Action,
    *,
    at: datetime,
    subject: str = "",
    reason: str = "",
) -> None:
    """Write one row within the caller's transaction.

    ``subject``: what it was done to; never a phone number in clear.
    """
    await connection.execute(
        SQL["add_audit"], at, actor.id, actor.name, action, subject, reason, actor.address
    )
    event("console.audit", staff=actor.name, action=action.value, subject=subject)


async def page(
    connection: Connection, *, staff: str | None, action: str | None, limit: int, offset: int
) -> list[Row]:
    """Newest first, with the number of all on every row (``total``)."""
    return await connection.fetch(SQL["audit_page"], staff, action, limit, offset)


async def of_subject(connection: Connection, subject: str) -> list[Row]:
    """What was done to one thing, newest first: at, staff_name, action, reason."""
    return await connection.fetch(SQL["audit_of_subject"], subject)
