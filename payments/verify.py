"""Find out from the operator what became of a collection: on schedule, and when a callback hints at
news.

A callback is only a hint. Whatever it says, the operator's own status answer decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kernel import work
from kernel.database import Connection
from kernel.log import event
from kernel.sql import package_sql
from kernel.work import LeaseLost, Work
from payments import advance
from payments.desk import Desk
from payments.moving import Moving, lock, move
from payments.schedule import QUERY, WAITING, plan_query
from payments.send import collection_request
from payments.start import COLLECT
from payments.states import OPEN, Event, State
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
    await _ask(desk, item, UUID(item.key), Known())


async def on_callback(desk: Desk, item: Work) -> None:
    """Handle ``wallets.callback``: ask the operator, unless the callback cannot change anything."""
    async with desk.database.transaction() as connection:
        callback = await collections.evidence(connection, UUID(item.key))
        if callback is None:
            raise LookupError(f"no evidence {item.key}")
        payment_id = await connection.fetchval(SQL["payment_of_collection"], callback.collection)
        moving = await lock(desk, connection, payment_id)
        claim = desk.wallets[moving.row["wallet"]].read_callback(callback.body, callback.headers)
        event(
            "callback.read",
            payment=str(payment_id),
            wallet=moving.row["wallet"],
            claim=claim.outcome,
            state=moving.state,
        )
        if not _is_news(moving.state, claim):
            await work.finish(connection, item)
            return
        if moving.state is State.CREATED:
            # It is about to be sent once more, and the answer to that tells; or it expires first.
            await work.retry(connection, item, delay_s=SENDING_S, error="not sent at present")
            return
    await _ask(
        desk, item, payment_id, Known(correlation=claim.correlation, reference=claim.reference)
    )


def _is_news(state: State, claim: Claim) -> bool:
    """After the end only a claim that money moved is worth a question, unless it did anyway."""
    if state in OPEN:
        return True
    return state is not State.COLLECTED and claim.outcome is not Outcome.REFUSED


@dataclass(frozen=True, slots=True)
class _Question:
    """A question taken out of the budget at ``at``, to be put now."""

    item: Work
    payment_id: UUID
    wallet: str
    request: CollectionRequest
    known: Known
    at: datetime


async def _ask(desk: Desk, item: Work, payment_id: UUID, hint: Known) -> None:
    question = await _prepare(desk, item, payment_id, hint)
    if question is None:
        return
    try:
        verdict = await desk.wallets[question.wallet].query(question.request, question.known)
    except NotNow as later:
        async with desk.database.transaction() as connection:
            await collections.release_query(connection, question.request.id, at=question.at)
            await work.retry(connection, item, delay_s=later.after_s, error=str(later))
        return
    try:
        await _conclude(desk, question, verdict)
    except LeaseLost:
        # Another worker asks too, but there are few questions: what this one proved is not lost.
        async with desk.database.transaction() as connection:
            moving = await _heard(desk, connection, question, verdict)
            if verdict.final:
                await advance.apply(desk, connection, moving, verdict)
        raise


async def _conclude(desk: Desk, question: _Question, verdict: Verdict) -> None:
    async with desk.database.transaction() as connection:
        moving = await _heard(desk, connection, question, verdict)
        is_scheduled = moving.state in WAITING
        await _apply(desk, connection, moving, verdict)
        if is_scheduled or moving.state is State.COLLECTED or _is_answer(verdict):
            await work.finish(connection, question.item)
        else:
            await _ask_again(connection, question.item, verdict)


async def _heard(
    desk: Desk, connection: Connection, question: _Question, verdict: Verdict
) -> Moving:
    """Lock the payment and store what was said about it."""
    moving = await lock(desk, connection, question.payment_id)
    moving.evidence = await collections.record(
        connection, question.request.id, verdict, at=moving.at
    )
    return moving


def _is_answer(verdict: Verdict) -> bool:
    """Whether the operator said something that asking again would only repeat."""
    return verdict.final or bool(verdict.mismatch) or verdict.resend_safe


async def _ask_again(connection: Connection, item: Work, verdict: Verdict) -> None:
    """Nobody answered and no schedule asks: money may have moved, so this question stays."""
    error = f"no verdict: {verdict.code}"
    if item.attempts < LAST_ATTEMPT:
        await work.retry(connection, item, delay_s=ASK_AGAIN_S, error=error)
    else:
        await work.park(connection, item, error)


async def _prepare(desk: Desk, item: Work, payment_id: UUID, hint: Known) -> _Question | None:
    """Take one query out of the budget, or put the question off."""
    async with desk.database.transaction() as connection:
        moving = await lock(desk, connection, payment_id)
        if item.kind == QUERY and moving.state not in ASKABLE:
            await work.finish(connection, item)
            return None
        wallet = desk.wallet_configs[moving.row["wallet"]]
        reserved = await collections.reserve_query(
            connection,
            moving.row["collection_id"],
            budget=wallet.query_budget,
            window_s=wallet.query_window_s,
            at=moving.at,
        )
        if not reserved:
            await _put_off(desk, connection, moving, item)
            return None
        collection = await collections.load(connection, moving.row["collection_id"])
        if collection is None:
            raise LookupError(f"payment {moving.id} has no collection")
        request = await collection_request(desk, connection, moving)
    known = Known(
        correlation=collection.correlation or hint.correlation,
        reference=collection.reference or hint.reference,
    )
    return _Question(item, payment_id, wallet.code, request, known, moving.at)


async def _put_off(desk: Desk, connection: Connection, moving: Moving, item: Work) -> None:
    """The budget is spent for now: the schedule goes on.

    After its end a person decides, but this question still waits for the window: nothing else would
    ask it, and money may have moved.
    """
    if moving.state in WAITING and await plan_query(desk, connection, moving):
        await work.finish(connection, item)
        return
    await advance.give_up(connection, moving)
    await work.retry(connection, item, delay_s=ASK_AGAIN_S, error="query budget spent")


async def _apply(desk: Desk, connection: Connection, moving: Moving, verdict: Verdict) -> None:
    if verdict.resend_safe and moving.state in (State.SENT, State.UNKNOWN):
        if moving.age_s <= desk.config.send_window_s and moving.state is State.UNKNOWN:
            await move(connection, moving, Event.NOT_SENT, detail=verdict.code)
            await work.enqueue(connection, COLLECT, str(moving.id))
            return
    else:
        await advance.apply(desk, connection, moving, verdict)
    if not await plan_query(desk, connection, moving):
        await advance.give_up(connection, moving)
