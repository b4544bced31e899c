"""Start a payment: check everything, then write intent, bill lock, timeline and work in one
transaction, which is shared by all who say yes at that moment.

No operator is called here. A worker sends the collection after the commit, so a crash loses nothing
and a repeated call finds what the first one wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from fees import bills
from fees.bills import Bill, BillOrder, Draft
from fees.refusals import FeeRefusal
from kernel import subscribers, work
from kernel.database import Connection, Row
from kernel.group_commit import GroupCommit
from kernel.log import event
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.sql import package_sql
from payments import prompts
from payments.desk import Desk
from payments.offer import Holder, Offer, Refused, holders_of, judge
from payments.refusals import Refusal
from wallets import collections
from wallets.collections import NewCollection
from wallets.tokens import callback_token, digest

SQL = package_sql(__file__)

COLLECT = "payments.collect"
"""Work kind: send the collection of a payment (key: its id)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A service chosen from the menu, to be billed and paid in one go."""

    agency: str
    service: str
    quantity: int = 1
    amount: Money | None = None
    band: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """A citizen's yes. ``id`` was made before the yes, so that a repeat is the same payment.

    ``by_payer``: the payer said it, on their own phone as their operator vouches; else somebody
    else did, and prompts to the payer are limited. ``began_at``: when the dialogue began.
    """

    id: UUID
    payer: Msisdn
    wallet: str
    channel: str
    language: str
    agreed_total: Money
    by_payer: bool
    control_number: str | None = None
    order: Order | None = None
    beneficiary: bytes | None = None
    """The pseudonym of a subscriber on file, if it is for somebody else."""
    began_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The payment is written and will be sent to the wallet."""

    payment_id: UUID
    control_number: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What one caller is told; with the bill if this call made the payment."""

    answer: Started | Refused
    bill: Bill | None = None
    is_anothers: bool = False
    """The payment is there, but not this subscriber's."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the tables say about a batch."""

    at: datetime
    started: Mapping[UUID, Row]
    is_halted: bool
    holders: Mapping[str, Holder]
    bills: Mapping[str, Bill]
    drafts: Mapping[UUID, Draft | FeeRefusal]
    prompts: Mapping[bytes, prompts.Prompts]
    """Of payers whom somebody else would have asked."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A request that nothing speaks against."""

    request: StartRequest
    offer: Offer
    draft: Draft | None


_AT_ONCE: Final = 200
_WAITING: Final = 2000
"""Who comes behind so many would be answered after the citizen has gone."""

_ROUNDS: Final = 8


async def start(desk: Desk, request: StartRequest) -> Started | Refused:
    """Start a payment once per id; a repeat returns what the first call made.

    Refuses: wallet_unavailable, currency_not_supported, books_unbalanced, payer_being_asked,
    payer_asked_too_often, service_unavailable, and all that ``offer`` refuses; total_changed
    carries the new offer. Raises
    kernel.group_commit.Busy (nothing was started) or Lost (ask again with the same id). Giving up
    the wait does not undo it.
    """
    if (request.control_number is None) == (request.order is None):
        raise ValueError("a start needs a control number or an order")
    told = await _starts(desk).submit(request)
    if told.is_anothers:
        raise ValueError(f"payment id {request.id} belongs to another subscriber")
    if told.bill is not None:
        desk.wake()
        event(
            "payment.started",
            payment=str(request.id),
            agency=told.bill.agency.code,
            service=told.bill.service.code,
            wallet=request.wallet,
            channel=request.channel,
        )
    return told.answer


def _starts(desk: Desk) -> GroupCommit[StartRequest, _Told]:
    def make() -> GroupCommit[StartRequest, _Told]:
        return GroupCommit(
            desk.database,
            partial(_write, desk),
            recall=partial(_recall, desk),
            name="starts",
            limit=_AT_ONCE,
            waiting=_WAITING,
        )

    return desk.groups.of("starts", make)


async def _write(
    desk: Desk, connection: Connection, requests: Sequence[StartRequest]
) -> list[_Told]:
    """Answer a batch in order: of those who want one bill, or are one payment, the first starts.

    The others look again, and find it, or whoever of another process was faster.
    """
    told: dict[int, _Told] = {}
    waiting = dict(enumerate(requests))
    await prompts.wait_for_turn(connection, _asked_by_others(desk, requests))
    for _ in range(_ROUNDS):
        told |= await _round(desk, connection, waiting)
        waiting = {place: each for place, each in waiting.items() if place not in told}
        if not waiting:
            return [told[place] for place in range(len(requests))]
    raise asyncpg.SerializationError("others were faster every time")


async def _round(
    desk: Desk, connection: Connection, waiting: Mapping[int, StartRequest]
) -> dict[int, _Told]:
    seen = await _look(desk, connection, list(waiting.values()))
    told: dict[int, _Told] = {}
    ready: dict[int, _Ready] = {}
    taken: set[UUID | str | bytes] = set()
    for place, request in waiting.items():
        decision = _decide(desk, request, seen)
        if isinstance(decision, _Told):
            told[place] = decision
            continue
        payer = desk.keys.pseudonym(request.payer)
        wants = {request.id, request.control_number or request.id}
        # A prompt that somebody else sends is counted with those that were sent before it.
        if taken.isdisjoint(wants if request.by_payer else {*wants, payer}):
            ready[place] = decision
            taken |= {*wants, payer}
    # Nothing below may refuse: from here on there are only writes, and they commit together.
    if ready:
        started = await _start(desk, connection, list(ready.values()), at=seen.at)
        for place, each in ready.items():
            if (bill := started.get(each.request.id)) is not None:
                answer = Started(each.request.id, bill.control_number)
                told[place] = _Told(answer, bill)
    return told


async def _look(desk: Desk, connection: Connection, requests: Sequence[StartRequest]) -> _Seen:
    at = desk.clock.now()
    numbers = [each.control_number for each in requests if each.control_number is not None]
    orders = {each.id: _bill_order(desk, each, each.order) for each in requests if each.order}
    rows = await connection.fetch(SQL["started_payments"], [each.id for each in requests])
    return _Seen(
        at=at,
        started={row["id"]: row for row in rows},
        is_halted=await connection.fetchval(SQL["halted"]) is not None,
        # Before the bills: one that was let go because it is paid is then seen to be paid.
        holders=await holders_of(connection, numbers) if numbers else {},
        bills=await bills.find_many(connection, numbers, at=at) if numbers else {},
        drafts=dict(
            zip(
                orders,
                await bills.draft_many(connection, list(orders.values()), at=at) if orders else (),
                strict=True,
            )
        ),
        prompts=await prompts.of_payers(connection, _asked_by_others(desk, requests), at=at),
    )


def _asked_by_others(desk: Desk, requests: Sequence[StartRequest]) -> set[bytes]:
    return {desk.keys.pseudonym(each.payer) for each in requests if not each.by_payer}


def _bill_order(desk: Desk, request: StartRequest, order: Order) -> BillOrder:
    return BillOrder(
        agency=order.agency,
        service=order.service,
        quantity=order.quantity,
        amount=order.amount,
        band=order.band,
        payer=desk.keys.pseudonym(request.payer),
    )


def _decide(desk: Desk, request: StartRequest, seen: _Seen) -> _Told | _Ready:
    if (row := seen.started.get(request.id)) is not None:
        return _already(desk, request, row)
    refusal = _refusal(desk, request, seen)
    if refusal is not None:
        return _Told(Refused(refusal))
    number, draft = request.control_number, seen.drafts.get(request.id)
    if isinstance(draft, FeeRefusal):
        return _Told(Refused(Refusal.SERVICE_UNAVAILABLE))
    if draft is not None:
        offered: Offer | Refused = judge(draft.bill, None, at=seen.at)
    else:
        number = number or ""
        offered = judge(seen.bills.get(number), seen.holders.get(number), at=seen.at)
    if isinstance(offered, Refused):
        return _Told(offered)
    if offered.charge.total != request.agreed_total:
        return _Told(Refused(Refusal.TOTAL_CHANGED, offer=offered))
    return _Ready(request, offered, draft)


def _already(desk: Desk, request: StartRequest, row: Row) -> _Told:
    is_anothers = row["payer"] != desk.keys.pseudonym(request.payer)
    return _Told(Started(request.id, row["control_number"]), is_anothers=is_anothers)


def _refusal(desk: Desk, request: StartRequest, seen: _Seen) -> Refusal | None:
    wallet = desk.wallet_configs.get(request.wallet)
    if wallet is None or request.wallet not in desk.wallets:
        return Refusal.WALLET_UNAVAILABLE
    if request.agreed_total.currency not in wallet.currencies:
        return Refusal.CURRENCY_NOT_SUPPORTED
    if seen.is_halted:
        return Refusal.BOOKS_UNBALANCED
    if request.by_payer:
        return None
    sent = seen.prompts.get(desk.keys.pseudonym(request.payer), prompts.NONE)
    return prompts.refusal(desk.config, sent)


async def _start(
    desk: Desk, connection: Connection, ready: Sequence[_Ready], *, at: datetime
) -> dict[UUID, Bill]:
    """Write payments; returns the bills of those that were not overtaken, by payment."""
    # In one order: two processes that want the same bills never wait for each other in a circle.
    ready = sorted(ready, key=lambda each: (each.request.control_number or "", each.request.id))
    payers = await subscribers.remember_many(
        connection, desk.keys, [each.request.payer for each in ready]
    )
    paid = {each.request.id: each.offer.bill for each in ready}
    paid |= await _bill_orders(desk, connection, ready)
    new = [
        NewCollection(
            id=(id := desk.ids.new()),
            wallet=each.request.wallet,
            payer=payer,
            amount=each.offer.charge.total,
            callback_digest=digest(callback_token(desk.keys, id)),
            at=at,
        )
        for each, payer in zip(ready, payers, strict=True)
    ]
    columns = zip(
        *map(_columns, ready, (paid[each.request.id] for each in ready), new), strict=True
    )
    rows = await connection.fetch(SQL["insert_payments"], at, *columns)
    started = {row["id"] for row in rows}
    if any(each.draft is not None and each.request.id not in started for each in ready):
        # The same order is being started by another process; this bill must not stay behind.
        raise asyncpg.SerializationError("an order was started twice at once")
    if started:
        ours = [one for one, each in zip(new, ready, strict=True) if each.request.id in started]
        await collections.create_many(connection, ours)
        for each, payer in zip(ready, payers, strict=True):
            beneficiary = each.request.beneficiary
            if each.request.id in started and beneficiary not in (None, payer):
                await connection.execute(SQL["insert_beneficiary"], each.request.id, beneficiary)
        await work.enqueue_many(connection, [(COLLECT, str(each), 0.0) for each in sorted(started)])
    return {id: bill for id, bill in paid.items() if id in started}


async def _bill_orders(
    desk: Desk, connection: Connection, ready: Sequence[_Ready]
) -> dict[UUID, Bill]:
    """Issue the bills of orders, by payment."""
    drafts = {each.request.id: each.draft for each in ready if each.draft is not None}
    if not drafts:
        return {}
    issued = await bills.issue_drafts(connection, desk.ids, list(drafts.values()))
    return {
        id: each.bill
        for id, each in zip(drafts, issued, strict=True)
        if isinstance(each, bills.Issued)  # only a bill with a reference may be refused here
    }


def _columns(ready: _Ready, bill: Bill, collection: NewCollection) -> tuple[object, ...]:
    request, charge = ready.request, ready.offer.charge
    return (
        request.id, bill.control_number, bill.agency.code, bill.service.code, bill.agency.zone,
        charge.total.currency, charge.principal.minor, charge.stamp.minor, charge.penalty.minor,
        charge.service_fee.minor, charge.agency_fee.minor, charge.total.minor, collection.payer,
        request.wallet, request.channel, request.language, collection.id, request.by_payer,
        request.began_at,
    )  # fmt: skip


async def _recall(
    desk: Desk, connection: Connection, requests: Sequence[StartRequest]
) -> list[_Told | None]:
    """What became of starts whose commit nobody heard of."""
    rows = await connection.fetch(SQL["started_payments"], [each.id for each in requests])
    found = {row["id"]: row for row in rows}
    desk.wake()
    return [
        _already(desk, each, row) if (row := found.get(each.id)) is not None else None
        for each in requests
    ]
