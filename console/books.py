"""The ledger as the console reads it, through the ledger's own reports."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from kernel.database import Connection
from ledger import reports
from ledger.reports import Booked

_MAX_OF_PAYMENT = 50


async def of_payment(connection: Connection, payment_id: UUID) -> Sequence[Booked]:
    """What was booked for one payment, in the order it was recorded."""
    found = await reports.journal(connection, reference=payment_id, limit=_MAX_OF_PAYMENT)
    return tuple(reversed(found.items))
