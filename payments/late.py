"""Money that arrives after its payment ended, or for a bill that is paid: held in suspense as a
case.

The payment's end stands. The money is booked to a suspense account at once, the payer is told that
it is held, and finance sees an open case.
"""

from __future__ import annotations

import logging
from typing import Literal

from kernel.database import Connection
from kernel.log import event
from kernel.sql import package_sql
from ledger import rules
from payments.books import book
from payments.desk import Desk
from payments.moving import Moving, tell
from wallets.port import Verdict

SQL = package_sql(__file__)


async def open_case(
    desk: Desk,
    connection: Connection,
    moving: Moving,
    verdict: Verdict,
    *,
    kind: Literal["late", "duplicate"],
) -> None:
    """Book the money to suspense and open its case, once per collection."""
    row, amount = moving.row, moving.money("total")
    occurred_at = verdict.occurred_at or moving.at
    transaction_id = desk.ids.new()
    opened = await connection.fetchval(
        SQL["insert_late_money"],
        desk.ids.new(),
        moving.id,
        row["collection_id"],
        kind,
        amount.minor,
        amount.currency,
        row["wallet"],
        moving.at,
        transaction_id,
        moving.evidence,
    )
    if opened is None:
        return
    rule = rules.late_success if kind == "late" else rules.duplicate
    await book(
        connection,
        rule(
            id=transaction_id,
            key=f"{kind}:{row['collection_id']}",
            wallet=row["wallet"],
            amount=amount,
            occurred_at=occurred_at,
            reference=moving.id,
            zone=row["zone"],
        ),
    )
    await tell(connection, moving, "late")
    event("payment.late_money", level=logging.WARNING, payment=str(moving.id), kind=kind)
