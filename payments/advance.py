"""Move a payment on evidence: one transaction for state, books, receipt and what must be told.

Every function here runs inside the caller's transaction, on a payment row that the caller has
locked.
"""

from __future__ import annotations

from fees import bills
from kernel.database import Connection
from ledger import rules
from payments import late, receipt
from payments.books import book
from payments.desk import Desk
from payments.moving import Moving, move, tell
from payments.states import OPEN, Event, State
from wallets.port import Outcome, Verdict


async def apply(desk: Desk, connection: Connection, moving: Moving, verdict: Verdict) -> None:
    """Let an operator's verdict move the payment as far as it proves something.

    Open payments collect, end as refused, wait on, or go to review when the evidence contradicts
    what was asked. On a payment that has ended, proof of money opens a late-money case; anything
    else changes nothing.
    """
    collected = verdict.outcome is Outcome.ACCEPTED and verdict.final
    if moving.state not in OPEN:
        if collected and moving.state is not State.COLLECTED:
            await late.open_case(desk, connection, moving, verdict, kind="late")
    elif collected:
        await _collect(desk, connection, moving, verdict)
    elif verdict.mismatch:
        await _give_up(connection, moving, verdict.mismatch)
    elif verdict.outcome is Outcome.REFUSED and verdict.final:
        await refuse(connection, moving, reason=str(verdict.reason or "other"), code=verdict.code)
    elif verdict.outcome is Outcome.ACCEPTED and moving.state in (State.SENT, State.UNKNOWN):
        await move(connection, moving, Event.ACCEPTED, detail=verdict.code)
    elif verdict.outcome is Outcome.UNKNOWN and moving.state is State.SENT:
        await move(connection, moving, Event.NO_ANSWER, detail=verdict.code)


async def refuse(connection: Connection, moving: Moving, *, reason: str, code: str) -> None:
    """The operator says that no money moved: end, free the bill, tell the payer."""
    await move(connection, moving, Event.REFUSED, reason=reason, detail=code)
    await tell(connection, moving, "refused")


async def expire(connection: Connection, moving: Moving) -> None:
    """It could not be sent while the citizen waited: end, free the bill, tell the payer."""
    await move(connection, moving, Event.WINDOW_CLOSED, reason="operator_unavailable")
    await tell(connection, moving, "expired")


async def give_up(connection: Connection, moving: Moving) -> None:
    """The poll budget is spent and nobody knows: a person decides, with the evidence."""
    await _give_up(connection, moving, "no verdict after the last scheduled query")


async def _give_up(connection: Connection, moving: Moving, why: str) -> None:
    if moving.state is State.SENT:
        await move(connection, moving, Event.NO_ANSWER)
    if moving.state in (State.PENDING, State.UNKNOWN):
        await move(connection, moving, Event.GIVEN_UP, detail=why)


async def _collect(desk: Desk, connection: Connection, moving: Moving, verdict: Verdict) -> None:
    row = moving.row
    paid = await bills.mark_paid(
        connection, row["control_number"], payment=moving.id, at=verdict.occurred_at or moving.at
    )
    if not paid:
        await move(connection, moving, Event.REFUSED, reason="bill_already_paid")
        await late.open_case(desk, connection, moving, verdict, kind="duplicate")
        return
    number = await receipt.issue(desk, connection, row, at=moving.at)
    await book(
        connection,
        rules.fee_succeeded(
            id=desk.ids.new(),
            key=f"fee:{row['collection_id']}",
            wallet=row["wallet"],
            agency=row["agency"],
            service=row["service"],
            principal=moving.money("principal"),
            stamp=moving.money("stamp"),
            penalty=moving.money("penalty"),
            service_fee=moving.money("service_fee"),
            agency_fee=moving.money("agency_fee"),
            occurred_at=verdict.occurred_at or moving.at,
            reference=moving.id,
            zone=row["zone"],
            note=f"receipt {number}",
        ),
    )
    await move(connection, moving, Event.CONFIRMED, detail=verdict.reference or "")
    await tell(connection, moving, "receipt")
