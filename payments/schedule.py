"""When to ask an operator about a payment: few, spread questions, as promised to it.

Offsets from the citizen's yes come from the wallet's configuration (default 90 s, 10 min, 100 min),
with a little jitter so that a backlog does not ask in step. The promise of at most so many queries
in a window is kept by ``Moving.reserve_query``, whoever asks.
"""

from __future__ import annotations

import random

from payments.desk import Desk
from payments.moving import Moving
from payments.states import State

QUERY = "payments.query"
"""Work kind: ask the operator what became of a payment (key: its id)."""

WAITING = frozenset({State.SENT, State.PENDING, State.UNKNOWN})


def next_poll_s(schedule: tuple[float, ...], age_s: float, jitter: float) -> float | None:
    """Seconds until the next scheduled question; None when the schedule is over."""
    for offset in schedule:
        if offset > age_s:
            return (offset - age_s) * (
                1 + jitter * random.random()
            )  # spreads load, keeps no secret
    return None


def plan_query(desk: Desk, moving: Moving) -> bool:
    """Ask for the next scheduled query of a waiting payment; False when there is none left."""
    if moving.state not in WAITING:
        return True
    schedule = desk.wallet_configs[moving.row["wallet"]].poll_schedule_s
    delay_s = next_poll_s(schedule, moving.age_s, desk.config.poll_jitter)
    if delay_s is None:
        return False
    moving.want(QUERY, str(moving.id), delay_s=delay_s)
    return True


def plan_first_query(desk: Desk, moving: Moving) -> None:
    """After a sending: what was sent when its schedule was over is asked about once all the same.

    Nobody else would, and it would wait for ever, holding its bill.
    """
    if not plan_query(desk, moving):
        schedule = desk.wallet_configs[moving.row["wallet"]].poll_schedule_s
        moving.want(QUERY, str(moving.id), delay_s=min(schedule, default=0.0))
