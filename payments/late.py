"""Money that arrives after its payment ended, or for a bill that is paid: held in suspense as a
case.

The payment's end stands. The money is booked to a suspense account at once, the payer is told that
it is held, and finance sees an open case.
"""

from __future__ import annotations

import logging
from typing import Literal

from ledger import rules
from payments.desk import Desk
from payments.moving import LateMoney, Moving
from wallets.port import Verdict


def open_case(
    desk: Desk, moving: Moving, verdict: Verdict, *, kind: Literal["late", "duplicate"]
) -> None:
    """Book the money to suspense and open its case, once per collection."""
    row = moving.row
    if row["has_case"]:
        return
    case = LateMoney(desk.ids.new(), kind, desk.ids.new())
    rule = rules.late_success if kind == "late" else rules.duplicate
    moving.changes.late = case
    moving.changes.entries.append(
        rule(
            id=case.transaction,
            key=f"{kind}:{row['collection_id']}",
            wallet=row["wallet"],
            amount=moving.money("total"),
            occurred_at=verdict.occurred_at or moving.at,
            reference=moving.id,
            zone=row["zone"],
        ),
    )
    moving.tell("late")
    moving.note("payment.late_money", level=logging.WARNING, kind=kind)
