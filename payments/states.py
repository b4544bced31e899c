"""The payment's state machine: one table, drawn by a command, enforced again in the database.

``created -> sent -> pending -> collected | refused | unknown -> review``; ``expired`` is for what
was never sent. Collected, refused and expired are terminal: money that arrives later is a case of
its own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a payment stands."""

    CREATED = "created"
    SENT = "sent"
    PENDING = "pending"
    COLLECTED = "collected"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    REVIEW = "review"
    EXPIRED = "expired"


class Event(StrEnum):
    """What moves a payment; the name in its timeline."""

    STARTED = "started"
    SENDING = "sending"
    NOT_SENT = "not_sent"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    GIVEN_UP = "given_up"
    WINDOW_CLOSED = "window_closed"


TERMINAL: Final = frozenset({State.COLLECTED, State.REFUSED, State.EXPIRED})

OPEN: Final = frozenset(State) - TERMINAL
"""States that hold the bill: nobody else may start paying it."""

EDGES: Final[dict[tuple[State, Event], State]] = {
    (State.CREATED, Event.SENDING): State.SENT,
    (State.CREATED, Event.WINDOW_CLOSED): State.EXPIRED,
    (State.SENT, Event.NOT_SENT): State.CREATED,
    (State.SENT, Event.ACCEPTED): State.PENDING,
    (State.SENT, Event.CONFIRMED): State.COLLECTED,
    (State.SENT, Event.REFUSED): State.REFUSED,
    (State.SENT, Event.NO_ANSWER): State.UNKNOWN,
    (State.PENDING, Event.CONFIRMED): State.COLLECTED,
    (State.PENDING, Event.REFUSED): State.REFUSED,
    (State.PENDING, Event.NO_ANSWER): State.UNKNOWN,
    (State.PENDING, Event.GIVEN_UP): State.REVIEW,
    (State.UNKNOWN, Event.ACCEPTED): State.PENDING,
    (State.UNKNOWN, Event.CONFIRMED): State.COLLECTED,
    (State.UNKNOWN, Event.REFUSED): State.REFUSED,
    (State.UNKNOWN, Event.NOT_SENT): State.CREATED,
    (State.UNKNOWN, Event.GIVEN_UP): State.REVIEW,
    (State.REVIEW, Event.CONFIRMED): State.COLLECTED,
    (State.REVIEW, Event.REFUSED): State.REFUSED,
}


class PublicState(StrEnum):
    """The few words that citizens and agencies see; internals may split without breaking them."""

    PENDING = "pending"
    PAID = "paid"
    REFUSED = "refused"
    REVIEW = "review"


PUBLIC: Final[dict[State, PublicState]] = {
    State.CREATED: PublicState.PENDING,
    State.SENT: PublicState.PENDING,
    State.PENDING: PublicState.PENDING,
    State.UNKNOWN: PublicState.PENDING,
    State.REVIEW: PublicState.REVIEW,
    State.COLLECTED: PublicState.PAID,
    State.REFUSED: PublicState.REFUSED,
    State.EXPIRED: PublicState.REFUSED,
}


def next_state(state: State, event: Event) -> State | None:
    """Where an event leads; None if it means nothing in this state."""
    return EDGES.get((state, event))


def mermaid() -> str:
    """The table as a Mermaid state diagram (committed as ``docs/payment-states.mmd``)."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.CREATED}: {Event.STARTED}"]
    lines += [f"    {start} --> {end}: {event}" for (start, event), end in EDGES.items()]
    lines += [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines) + "\n"
