"""A payment on its way: locked, moved along the table of edges, every step written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kernel import work
from kernel.database import Connection, Row
from kernel.log import event
from kernel.money import Money
from kernel.sql import package_sql
from payments.desk import Desk
from payments.states import Event, State, next_state

SQL = package_sql(__file__)

TELL = "sms.tell"
"""Work kind: tell the payer what happened (key: payment id and what, ``<id>:receipt``)."""


class IllegalMove(RuntimeError):
    """A bug: an event that means nothing in the payment's state."""


@dataclass(slots=True)
class Moving:
    """A locked payment on its way; ``state`` follows every move."""

    id: UUID
    state: State
    row: Row
    at: datetime
    evidence: UUID | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the citizen said yes."""
        age: timedelta = self.at - self.row["created_at"]
        return age.total_seconds()

    def money(self, column: str) -> Money:
        """One of the payment's amounts."""
        return Money(self.row[column], self.row["currency"])


async def lock(desk: Desk, connection: Connection, payment_id: UUID) -> Moving:
    """Lock a payment; whatever else wants to move it waits for this transaction."""
    row = await connection.fetchrow(SQL["payment_for_update"], payment_id)
    if row is None:
        raise LookupError(f"no payment {payment_id}")
    return Moving(row["id"], State(row["state"]), row, desk.clock.now())


async def move(
    connection: Connection,
    moving: Moving,
    step: Event,
    *,
    detail: str = "",
    reason: str | None = None,
) -> None:
    """Follow one edge of the table and write it down; raises IllegalMove where there is none."""
    target = next_state(moving.state, step)
    if target is None:
        raise IllegalMove(f"payment {moving.id}: {step} means nothing in state {moving.state}")
    await connection.execute(
        SQL["move_payment"],
        moving.id,
        moving.state,
        target,
        step,
        moving.at,
        moving.evidence,
        detail,
        reason,
    )
    event(
        "payment.moved",
        payment=str(moving.id),
        wallet=moving.row["wallet"],
        from_state=moving.state,
        to_state=target,
        cause=step,
        reason=reason,
    )
    moving.state = target


async def tell(connection: Connection, moving: Moving, what: str) -> None:
    """Owe the payer a message, in the transaction of the fact it is about."""
    await work.enqueue(connection, TELL, f"{moving.id}:{what}")
