"""Messages to citizens as the console reads them: how far they got, and why not further."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.database import Connection, Row
from kernel.sql import package_sql

SQL = package_sql(__file__)

STATES: Final = ("queued", "sending", "sent", "delivered", "failed", "undelivered")
PROBLEM: Final = "problem"
FILTERS: Final[dict[str, tuple[str, ...]]] = {
    PROBLEM: ("failed", "undelivered"),
    **{state: (state,) for state in STATES},
}
"""Values of ``?state=``; the text key is ``delivery.<value>``."""


async def rows(
    connection: Connection,
    *,
    state: str,
    since: datetime | None,
    before: datetime | None,
    limit: int,
    offset: int,
) -> Sequence[Row]:
    """A page of messages made in a time, newest first; an unknown state means all."""
    wanted = list(FILTERS.get(state, STATES))
    return await connection.fetch(SQL["message_rows"], wanted, since, before, limit, offset)


async def count(
    connection: Connection, *, state: str, since: datetime | None, before: datetime | None
) -> int:
    """How many there are."""
    wanted = list(FILTERS.get(state, STATES))
    found = await connection.fetch(SQL["message_counts"], wanted, since, before)
    return sum(row["messages"] for row in found)


async def of_payment(connection: Connection, payment_id: UUID) -> Sequence[Row]:
    """Everything that was sent about a payment, in order."""
    return await connection.fetch(SQL["payment_messages"], payment_id)
