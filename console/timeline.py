"""A payment's story: every change of state with its evidence, and what else was said."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from console import show
from payments.view import Transition
from wallets.collections import StoredEvidence

_SHOWN_BYTES = 16 * 1024
_NONE = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What an operator said, made safe to look at."""

    id: UUID
    kind: str
    at: datetime
    method: str
    path: str
    status: int | None
    headers: Sequence[tuple[str, str]]
    body: str
    size: int
    is_cut: bool
    note: str
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One moment: a change of state, something the operator said, or both.

    ``is_case``: what was said opened a case of late or duplicate money.
    """

    at: datetime
    change: Transition | None
    proof: Proof | None
    is_case: bool = False


def proof(stored: StoredEvidence, *, number: str | None) -> Proof:
    """Evidence for reading; ``number`` (E.164) is hidden in it, None hides none."""
    return Proof(
        id=stored.id,
        kind=stored.kind,
        at=stored.at,
        method=stored.method,
        path=show.safe_path(stored.url_path, number=number),
        status=stored.status,
        headers=show.safe_headers(stored.headers, number=number),
        body=show.raw_text(stored.body[:_SHOWN_BYTES], number=number),
        size=stored.size,
        is_cut=stored.size > min(len(stored.body), _SHOWN_BYTES),
        note=show.raw_text(stored.note.encode(), number=number),
        repeats=stored.repeats,
    )


def steps(
    changes: Sequence[Transition], proofs: Sequence[Proof], *, cases: Collection[UUID]
) -> list[Step]:
    """Changes carry the evidence they name; evidence that changed nothing stands by itself.

    ``cases``: evidence that opened a case of late or duplicate money.
    """
    by_id = {each.id: each for each in proofs}
    named = {change.evidence_id for change in changes}
    told = [
        Step(at=each.at, change=each, proof=by_id.get(each.evidence_id or _NONE))
        for each in changes
    ]
    told += [
        Step(at=each.at, change=None, proof=each, is_case=each.id in cases)
        for each in proofs
        if each.id not in named
    ]
    return sorted(told, key=lambda step: (step.at, step.change.n if step.change else 0))
