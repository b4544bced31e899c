"""Find out from the operator what became of a collection: on schedule, and when a callback hints at
news.

A callback is only a hint. Whatever it says, the operator's own status answer decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from kernel.sql import package_sql
from kernel.work import LeaseLost, Work
from payments import advance
from payments.desk import Desk
from payments.moving import Moving
from payments.schedule import QUERY, WAITING, plan_query
from payments.send import collection_request
from payments.start import COLLECT
from payments.states import OPEN, Event, State
from payments.steps import Step, heard, take
from wallets import collections
from wallets.port import Claim, CollectionRequest, Known, NotNow, Outcome, Verdict

SQL = package_sql(__file__)

ASKABLE = WAITING | {State.REVIEW}
"""Nothing plans a question about a payment in review, but a person may ask one."""

SENDING_S = 10.0
"""How long a callback waits while its collection is between two attempts to send it."""

ASK_AGAIN_S = 300.0
"""How long a question that no schedule repeats waits for room in the budget, or for an answer."""

LAST_ATTEMPT = 100
"""So often such a question looks for its answer, a few times in two hours; then a person does."""


async def query(desk: Desk, item: Work) -> None:
    """Handle ``payments.query``: one scheduled question, or the end of the schedule."""
    await _ask(desk, item, UUID(item.key), partial(_prepare, desk, item, Known()))


async def on_callback(desk: Desk, item: Work) -> None:
    """Handle ``wallets.callback``: ask the operator, unless the callback cannot change anything."""
    async with desk.database.read() as connection:
        callback = await collections.evidence(connection, UUID(item.key))
        if callback is None:
            raise LookupError(f"no evidence {item.key}")
        row = await connection.fetchrow(SQL["payment_of_collection"], callback.collection)
    if row is None:
        raise LookupError(f"no payment of collection {callback.collection}")
    claim = desk.wallets[row["wallet"]].read_callback(callback.body, callback.headers)
    await _ask(desk, item, row["id"], partial(_read, desk, item, claim))


def _read(desk: Desk, item: Work, claim: Claim, moving: Moving) -> _Question | None:
    moving.note(
        "callback.read", wallet=moving.row["wallet"], claim=claim.outcome, state=moving.state
    )
    if not _is_news(moving.state, claim):
        moving.finish(item)
        return None
    if moving.state is State.CREATED:
        # It is about to be sent once more, and the answer to that tells; or it expires first.
        moving.retry(item, delay_s=SENDING_S, error="not sent at present")
        return None
    hint = Known(correlation=claim.correlation, reference=claim.reference)
    return _prepare(desk, item, hint, moving)


def _is_news(state: State, claim: Claim) -> bool:
    """After the end only a claim that money moved is worth a question, unless it did anyway."""
    if state in OPEN:
        return True
    return state is not State.COLLECTED and claim.outcome is not Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class _Question:
    """A question taken out of the budget at ``at``, to be put now."""

    wallet: str
    request: CollectionRequest
    known: Known
    at: datetime


async def _ask(
    desk: Desk, item: Work, payment: UUID, prepare: Callable[[Moving], _Question | None]
) -> None:
    question = await take(desk, Step(payment, prepare, held=item))
    if question is None:
        return
    try:
        verdict = await desk.wallets[question.wallet].query(question.request, question.known)
    except NotNow as later:
        await take(desk, Step(payment, partial(_not_now, item, question, later)))
        return
    said = heard(desk, verdict)
    try:
        answer = Step(payment, partial(_conclude, desk, item, verdict), held=item, heard=said)
        await take(desk, answer)
    except LeaseLost:
        # Another worker asks too, but there are few questions: what this one proved is not lost.
        await take(desk, Step(payment, partial(_keep, desk, verdict), heard=said))
        raise


def _not_now(item: Work, question: _Question, later: NotNow, moving: Moving) -> None:
    moving.release_query(question.at)
    moving.retry(item, delay_s=later.after_s, error=str(later))


def _conclude(desk: Desk, item: Work, verdict: Verdict, moving: Moving) -> None:
    is_scheduled = moving.state in WAITING
    _apply(desk, moving, verdict)
    if is_scheduled or moving.state is State.COLLECTED or _is_answer(verdict):
        moving.finish(item)
    else:
        _ask_again(moving, item, verdict)


def _keep(desk: Desk, verdict: Verdict, moving: Moving) -> None:
    if verdict.final:
        advance.apply(desk, moving, verdict)


def _is_answer(verdict: Verdict) -> bool:
    """Whether the operator said something that asking again would only repeat."""
    return verdict.final or bool(verdict.mismatch) or verdict.resend_safe


def _ask_again(moving: Moving, item: Work, verdict: Verdict) -> None:
    """Nobody answered and no schedule asks: money may have moved, so this question stays."""
    error = f"no verdict: {verdict.code}"
    if item.attempts < LAST_ATTEMPT:
        moving.retry(item, delay_s=ASK_AGAIN_S, error=error)
    else:
        moving.park(item, error)


def _prepare(desk: Desk, item: Work, hint: Known, moving: Moving) -> _Question | None:
    """Take one query out of the budget, or put the question off."""
    if item.kind == QUERY and moving.state not in ASKABLE:
        moving.finish(item)
        return None
    wallet = desk.wallet_configs[moving.row["wallet"]]
    if not moving.reserve_query(budget=wallet.query_budget, window_s=wallet.query_window_s):
        _put_off(desk, moving, item)
        return None
    known = Known(
        correlation=moving.known.correlation or hint.correlation,
        reference=moving.known.reference or hint.reference,
    )
    return _Question(wallet.code, collection_request(desk, moving), known, moving.at)


def _put_off(desk: Desk, moving: Moving, item: Work) -> None:
    """The budget is spent for now: the schedule goes on.

    After its end a person decides, but this question still waits for the window: nothing else would
    ask it, and money may have moved.
    """
    if moving.state in WAITING and plan_query(desk, moving):
        moving.finish(item)
        return
    advance.give_up(moving)
    moving.retry(item, delay_s=ASK_AGAIN_S, error="query budget spent")


def _apply(desk: Desk, moving: Moving, verdict: Verdict) -> None:
    if verdict.resend_safe and moving.state in (State.SENT, State.UNKNOWN):
        if moving.age_s <= desk.config.send_window_s and moving.state is State.UNKNOWN:
            moving.move(Event.NOT_SENT, detail=verdict.code)
            moving.want(COLLECT, str(moving.id))
            return
    else:
        advance.apply(desk, moving, verdict)
    if not plan_query(desk, moving):
        advance.give_up(moving)
