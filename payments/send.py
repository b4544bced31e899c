"""Send a payment's collection to its wallet, once.

``sent`` is committed before the call. A worker that dies in between leaves a payment that may or
may not have reached the operator: it becomes unknown and is queried, and the same collection is
sent again only when the operator has no trace of it and refuses repeated ids.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from kernel.work import LeaseLost, Work
from payments import advance
from payments.desk import Desk
from payments.moving import Moving
from payments.schedule import QUERY, plan_first_query
from payments.states import Event, State
from payments.steps import Step, heard, take
from wallets.port import CollectionRequest, Verdict
from wallets.tokens import callback_token

MAX_BACKOFF_S = 20.0


async def send(desk: Desk, item: Work) -> None:
    """Handle ``payments.collect``: call the operator and apply its answer."""
    payment_id = UUID(item.key)
    request = await take(desk, Step(payment_id, partial(_claim, desk, item), held=item))
    if request is None:
        return
    wallet, collection = request
    verdict = await desk.wallets[wallet].collect(collection)
    said = heard(desk, verdict)
    try:
        answer = Step(payment_id, partial(_apply, desk, item, verdict), held=item, heard=said)
        await take(desk, answer)
    except LeaseLost:
        # Another worker took over and asks the operator itself; what we heard is still evidence.
        await take(desk, Step(payment_id, _nothing, heard=said))
        raise


def collection_request(desk: Desk, moving: Moving) -> CollectionRequest:
    """The request as the operator sees it; nothing in it says who the citizen is but the number
    itself.
    """
    row = moving.row
    if row["sealed_msisdn"] is None:
        raise LookupError(f"payment {moving.id}: its subscriber was erased")
    collection_id = row["collection_id"]
    return CollectionRequest(
        id=collection_id,
        payer=desk.keys.unseal(row["sealed_msisdn"], row["payer"]),
        amount=moving.money("total"),
        description=f"{row['agency']} {row['control_number']}",
        callback_url=f"{desk.public_url}/callbacks/{callback_token(desk.keys, collection_id)}",
    )


def _nothing(moving: Moving) -> None:
    del moving


def _apply(desk: Desk, item: Work, verdict: Verdict, moving: Moving) -> None:
    if moving.state is not State.SENT:
        # A callback overtook the answer; what it proved stands.
        moving.finish(item)
    elif verdict.resend_safe:
        _again(desk, moving, item, verdict)
    else:
        advance.apply(desk, moving, verdict)
        plan_first_query(desk, moving)
        moving.finish(item)


def _claim(desk: Desk, item: Work, moving: Moving) -> tuple[str, CollectionRequest] | None:
    """Commit ``sent`` and return what to call; None when there is nothing to send."""
    if moving.state is State.CREATED and moving.age_s <= desk.config.send_window_s:
        request = collection_request(desk, moving)
        moving.move(Event.SENDING)
        return moving.row["wallet"], request
    if moving.state is State.CREATED:
        advance.expire(moving)
    elif moving.state is State.SENT:
        moving.move(Event.NO_ANSWER, detail="the sender died before an answer")
        moving.want(QUERY, str(moving.id))
    moving.finish(item)
    return None


def _again(desk: Desk, moving: Moving, item: Work, verdict: Verdict) -> None:
    """Nothing arrived at the operator: try the same collection again while the citizen waits."""
    moving.move(Event.NOT_SENT, detail=verdict.code)
    delay_s = min(desk.config.send_retry_s * 2 ** (item.attempts - 1), MAX_BACKOFF_S)
    if moving.age_s + delay_s > desk.config.send_window_s:
        advance.expire(moving)
        moving.finish(item)
    else:
        moving.retry(item, delay_s=delay_s, error=verdict.code)
