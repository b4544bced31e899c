"""Decide how evidence moves a payment: its state, the books, a receipt, and what must be told.

Pure: every function here changes only the ``Moving`` it is given; ``steps`` writes that.
"""

from __future__ import annotations

from ledger import rules
from payments import late
from payments.desk import Desk
from payments.moving import Moving
from payments.states import OPEN, Event, State
from wallets.port import Outcome, Verdict


def apply(desk: Desk, moving: Moving, verdict: Verdict) -> None:
    """Let an operator's verdict move the payment as far as it proves something.

    Open payments collect, end as refused, wait on, or go to review when the evidence contradicts
    what was asked. On a payment that has ended, proof of money opens a late-money case; anything
    else changes nothing.
    """
    collected = verdict.outcome is Outcome.ACCEPTED and verdict.final
    if moving.state not in OPEN:
        if collected and moving.state is not State.COLLECTED:
            late.open_case(desk, moving, verdict, kind="late")
    elif collected:
        _collect(desk, moving, verdict)
    elif verdict.mismatch:
        _give_up(moving, verdict.mismatch)
    elif verdict.outcome is Outcome.REFUSED and verdict.final:
        refuse(moving, reason=str(verdict.reason or "other"), code=verdict.code)
    elif verdict.outcome is Outcome.ACCEPTED and moving.state in (State.SENT, State.UNKNOWN):
        moving.move(Event.ACCEPTED, detail=verdict.code)
    elif verdict.outcome is Outcome.UNKNOWN and moving.state is State.SENT:
        moving.move(Event.NO_ANSWER, detail=verdict.code)


def refuse(moving: Moving, *, reason: str, code: str) -> None:
    """The operator says that no money moved: end, free the bill, tell the payer."""
    moving.move(Event.REFUSED, reason=reason, detail=code)
    moving.tell("refused")


def expire(moving: Moving) -> None:
    """It could not be sent while the citizen waited: end, free the bill, tell the payer."""
    moving.move(Event.WINDOW_CLOSED, reason="operator_unavailable")
    moving.tell("expired")


def give_up(moving: Moving) -> None:
    """The poll budget is spent and nobody knows: a person decides, with the evidence."""
    _give_up(moving, "no verdict after the last scheduled query")


def _give_up(moving: Moving, why: str) -> None:
    if moving.state is State.SENT:
        moving.move(Event.NO_ANSWER)
    if moving.state in (State.PENDING, State.UNKNOWN):
        moving.move(Event.GIVEN_UP, detail=why)


def _collect(desk: Desk, moving: Moving, verdict: Verdict) -> None:
    row, occurred_at = moving.row, verdict.occurred_at or moving.at
    if not moving.bill_is_ours:
        moving.move(Event.REFUSED, reason="bill_already_paid")
        late.open_case(desk, moving, verdict, kind="duplicate")
        return
    moving.changes.paid_at = occurred_at
    moving.changes.entries.append(
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
            occurred_at=occurred_at,
            reference=moving.id,
            zone=row["zone"],
        ),
    )
    moving.changes.has_receipt = True
    moving.move(Event.CONFIRMED, detail=verdict.reference or "")
    moving.tell("receipt")
