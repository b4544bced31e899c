"""A payment on its way: what is known of it under its lock, and what is to be written of it.

Nothing here touches the database. ``steps`` reads payments, lets a decision move them, and writes
what all of a batch came to.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kernel.database import Row
from kernel.money import Money
from kernel.work import Work
from ledger.journal import Transaction
from payments.states import Event, State, next_state
from wallets.port import Known, Verdict

TELL = "sms.tell"
"""Work kind: tell the payer what happened (key: payment id and what, ``<id>:receipt``)."""


class IllegalMove(RuntimeError):
    """A bug: an event that means nothing in the payment's state."""


@dataclass(frozen=True, slots=True)
class Move:
    """One edge that was followed, with the evidence for it."""

    before: State
    after: State
    event: Event
    evidence: UUID | None
    detail: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Heard:
    """What an operator said, and the ids under which its evidence is stored."""

    verdict: Verdict
    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class LateMoney:
    """A case to open: money that came after the end, or for a bill that is paid."""

    id: UUID
    kind: str
    transaction: UUID


@dataclass(slots=True)
class Changes:
    """What is to be written of one payment, all in one transaction."""

    moves: list[Move] = field(default_factory=list)
    heard: Heard | None = None
    paid_at: datetime | None = None
    """The bill is paid, then."""
    has_receipt: bool = False
    late: LateMoney | None = None
    entries: list[Transaction] = field(default_factory=list)
    query_window_s: float | None = None
    """A query is taken from the budget; what is older than this is forgotten."""
    released_query: datetime | None = None
    wanted: list[tuple[str, str, float]] = field(default_factory=list)
    finished: list[Work] = field(default_factory=list)
    retried: list[tuple[Work, float, str]] = field(default_factory=list)
    parked: list[tuple[Work, str]] = field(default_factory=list)
    events: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    """Name, level and fields of what is logged once this is committed."""


@dataclass(slots=True)
class Moving:
    """A locked payment on its way; ``state`` follows every move."""

    id: UUID
    state: State
    row: Row
    at: datetime
    evidence: UUID | None = None
    changes: Changes = field(default_factory=Changes)

    @property
    def age_s(self) -> float:
        """Seconds since the citizen said yes."""
        age: timedelta = self.at - self.row["created_at"]
        return age.total_seconds()

    @property
    def known(self) -> Known:
        """The operator's names of its collection."""
        return Known(correlation=self.row["correlation"], reference=self.row["reference"])

    @property
    def bill_is_ours(self) -> bool:
        """Whether the bill may be paid by this payment, or was."""
        return bool(self.row["bill_state"] == "open" or self.row["bill_paid_by"] == self.id)

    def money(self, column: str) -> Money:
        """One of the payment's amounts."""
        return Money(self.row[column], self.row["currency"])

    def move(self, step: Event, *, detail: str = "", reason: str | None = None) -> None:
        """Follow one edge of the table; raises IllegalMove where there is none."""
        before, after = self.state, next_state(self.state, step)
        if after is None:
            raise IllegalMove(f"payment {self.id}: {step} means nothing in state {before}")
        self.changes.moves.append(Move(before, after, step, self.evidence, detail, reason))
        self.note(
            "payment.moved",
            wallet=self.row["wallet"],
            from_state=before,
            to_state=after,
            cause=step,
            reason=reason,
        )
        self.state = after

    def want(self, kind: str, key: str, *, delay_s: float = 0.0) -> None:
        """Ask for work."""
        self.changes.wanted.append((kind, key, delay_s))

    def tell(self, what: str) -> None:
        """Owe the payer a message, in the transaction of the fact it is about."""
        self.want(TELL, f"{self.id}:{what}")

    def finish(self, item: Work) -> None:
        """The work is done with this."""
        self.changes.finished.append(item)

    def retry(self, item: Work, *, delay_s: float, error: str) -> None:
        """Give the work back; if it is held by another by now, that changes nothing."""
        self.changes.retried.append((item, delay_s, error))

    def park(self, item: Work, error: str) -> None:
        """Give the work up; a person sees it."""
        self.changes.parked.append((item, error))

    def reserve_query(self, *, budget: int, window_s: float) -> bool:
        """Take one query from the budget (``budget`` in ``window_s`` seconds); False: not now."""
        since = self.at - timedelta(seconds=window_s)
        if sum(at > since for at in self.row["queried_at"]) >= budget:
            return False
        self.changes.query_window_s = window_s
        return True

    def release_query(self, at: datetime) -> None:
        """Give back what was taken at that moment: the query was never sent."""
        self.changes.released_query = at

    def note(self, name: str, /, *, level: int = logging.INFO, **fields: Any) -> None:
        """Log this once it is committed."""
        self.changes.events.append((name, level, {"payment": str(self.id), **fields}))
