"""Find out from the operator what became of a collection: on schedule, and when a callback hints at
news.

A callback is only a hint. Whatever it says, the operator's own status answer decides.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel import work
from kernel.database import Connection
from kernel.log import event
from kernel.sql import package_sql
from kernel.work import Work
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

WINDOW_FULL_S = 300.0
"""How long a question that no schedule repeats waits before it looks for room in the budget."""


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


async def _ask(desk: Desk, item: Work, payment_id: UUID, hint: Known) -> None:
    prepared = await _prepare(desk, item, payment_id, hint)
    if prepared is None:
        return
    wallet, request, known, at = prepared
    try:
        verdict = await desk.wallets[wallet].query(request, known)
    except NotNow as later:
        async with desk.database.transaction() as connection:
            await collections.release_query(connection, request.id, at=at)
            await work.retry(connection, item, delay_s=later.after_s, error=str(later))
        return
    async with desk.database.transaction() as connection:
        moving = await lock(desk, connection, payment_id)
        moving.evidence = await collections.record(connection, request.id, verdict, at=moving.at)
        await _apply(desk, connection, moving, verdict)
        await work.finish(connection, item)


async def _prepare(
    desk: Desk, item: Work, payment_id: UUID, hint: Known
) -> tuple[str, CollectionRequest, Known, datetime] | None:
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
    return wallet.code, request, known, moving.at


async def _put_off(desk: Desk, connection: Connection, moving: Moving, item: Work) -> None:
    """The budget is spent for now: the schedule goes on.

    After its end a person decides, but this question still waits for the window: nothing else would
    ask it, and money may have moved.
    """
    if moving.state in WAITING and await plan_query(desk, connection, moving):
        await work.finish(connection, item)
        return
    await advance.give_up(connection, moving)
    await work.retry(connection, item, delay_s=WINDOW_FULL_S, error="query budget spent")


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
