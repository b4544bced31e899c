"""Send a payment's collection to its wallet, once.

``sent`` is committed before the call. A worker that dies in between leaves a payment that may or
may not have reached the operator: it becomes unknown and is queried, and the same collection is
sent again only when the operator has no trace of it and refuses repeated ids.
"""

from __future__ import annotations

from uuid import UUID

from kernel import subscribers, work
from kernel.database import Connection
from kernel.work import LeaseLost, Work
from payments import advance
from payments.desk import Desk
from payments.moving import Moving, lock, move
from payments.schedule import QUERY, plan_first_query
from payments.states import Event, State
from wallets import collections
from wallets.port import CollectionRequest, Verdict
from wallets.tokens import callback_token

MAX_BACKOFF_S = 20.0


async def send(desk: Desk, item: Work) -> None:
    """Handle ``payments.collect``: call the operator and apply its answer."""
    request = await _claim(desk, item)
    if request is None:
        return
    wallet, collection = request
    verdict = await desk.wallets[wallet].collect(collection)
    try:
        await _apply(desk, item, collection, verdict)
    except LeaseLost:
        # Another worker took over and asks the operator itself; what we heard is still evidence.
        async with desk.database.transaction() as connection:
            await collections.record(connection, collection.id, verdict, at=desk.clock.now())
        raise


async def collection_request(
    desk: Desk, connection: Connection, moving: Moving
) -> CollectionRequest:
    """The request as the operator sees it; nothing in it says who the citizen is but the number
    itself.
    """
    payer = await subscribers.find(connection, desk.keys, moving.row["payer"])
    if payer is None:
        raise LookupError(f"payment {moving.id}: its subscriber was erased")
    collection_id = moving.row["collection_id"]
    return CollectionRequest(
        id=collection_id,
        payer=payer.msisdn,
        amount=moving.money("total"),
        description=f"{moving.row['agency']} {moving.row['control_number']}",
        callback_url=f"{desk.public_url}/callbacks/{callback_token(desk.keys, collection_id)}",
    )


async def _apply(desk: Desk, item: Work, collection: CollectionRequest, verdict: Verdict) -> None:
    async with desk.database.transaction() as connection:
        moving = await lock(desk, connection, UUID(item.key))
        moving.evidence = await collections.record(connection, collection.id, verdict, at=moving.at)
        if moving.state is not State.SENT:
            # A callback overtook the answer; what it proved stands.
            await work.finish(connection, item)
        elif verdict.resend_safe:
            await _again(desk, connection, moving, item, verdict)
        else:
            await advance.apply(desk, connection, moving, verdict)
            await plan_first_query(desk, connection, moving)
            await work.finish(connection, item)


async def _claim(desk: Desk, item: Work) -> tuple[str, CollectionRequest] | None:
    """Commit ``sent`` and return what to call; None when there is nothing to send."""
    async with desk.database.transaction() as connection:
        moving = await lock(desk, connection, UUID(item.key))
        if moving.state is State.CREATED and moving.age_s <= desk.config.send_window_s:
            request = await collection_request(desk, connection, moving)
            await move(connection, moving, Event.SENDING)
            return moving.row["wallet"], request
        if moving.state is State.CREATED:
            await advance.expire(connection, moving)
        elif moving.state is State.SENT:
            await move(
                connection, moving, Event.NO_ANSWER, detail="the sender died before an answer"
            )
            await work.enqueue(connection, QUERY, str(moving.id))
        await work.finish(connection, item)
    return None


async def _again(
    desk: Desk, connection: Connection, moving: Moving, item: Work, verdict: Verdict
) -> None:
    """Nothing arrived at the operator: try the same collection again while the citizen waits."""
    await move(connection, moving, Event.NOT_SENT, detail=verdict.code)
    delay_s = min(desk.config.send_retry_s * 2 ** (item.attempts - 1), MAX_BACKOFF_S)
    if moving.age_s + delay_s > desk.config.send_window_s:
        await advance.expire(connection, moving)
        await work.finish(connection, item)
    else:
        await work.retry(connection, item, delay_s=delay_s, error=verdict.code)
