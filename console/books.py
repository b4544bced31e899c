"""The ledger as the console reads it, through the ledger's own reports."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from console.statements import SQL
from kernel.database import Connection
from ledger import reports
from ledger.journal import Transaction
from ledger.reports import Booked

_MAX_OF_PAYMENT = 50


async def of_payment(connection: Connection, payment_id: UUID) -> Sequence[Booked]:
    """What was booked for one payment, in the order it was recorded."""
    found = await reports.journal(connection, reference=payment_id, limit=_MAX_OF_PAYMENT)
    return tuple(reversed(found.items))


async def proof_of(connection: Connection, entry: Transaction) -> UUID | None:
    """The evidence on whose word an entry of a payment was booked; None: on no operator's."""
    if entry.reference is None:
        return None
    ids = (entry.reference, entry.id)
    found: UUID | None = await connection.fetchval(SQL["proof_of_entry"], *ids)
    return found or await connection.fetchval(SQL["proof_of_payment"], entry.reference)
