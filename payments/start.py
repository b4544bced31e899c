"""Start a payment: check everything, then write intent, bill lock, timeline and work in one
transaction.

No operator is called here. A worker sends the collection after the commit, so a crash loses nothing
and a repeated call finds what the first one wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fees import bills
from kernel import subscribers, work
from kernel.clock import business_date
from kernel.database import Connection
from kernel.log import event
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.sql import package_sql
from payments import prompts
from payments.desk import Desk
from payments.offer import Offer, Refused, offer_within
from payments.refusals import Refusal
from payments.states import Event, State
from wallets import collections
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


class _BillTaken(Exception):
    """Another payment got the bill between our look and our write; rolls back."""


class _OrderRefused(Exception):
    """An order was refused after its bill was issued; rolls the bill back."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.refusal)
        self.refused = refused


async def start(desk: Desk, request: StartRequest) -> Started | Refused:
    """Start a payment once per id; a repeat returns what the first call made.

    Refuses: wallet_unavailable, currency_not_supported, books_unbalanced, payer_being_asked,
    payer_asked_too_often, service_unavailable, and all that ``offer``
    refuses; total_changed carries the new offer.
    """
    try:
        async with desk.database.transaction() as connection:
            answer = await _start(desk, connection, request)
        desk.wake()
        return answer
    except _OrderRefused as order:
        return order.refused
    except _BillTaken:
        async with desk.database.read() as connection:
            return await _already(desk, connection, request) or await _lost_race(
                connection, request
            )


async def _start(desk: Desk, connection: Connection, request: StartRequest) -> Started | Refused:
    if not request.by_payer:
        await prompts.wait_for_turn(connection, desk.keys.pseudonym(request.payer))
    already = await _already(desk, connection, request)
    if already is not None:
        return already
    refusal = await _refusal(desk, connection, request)
    if refusal is not None:
        return Refused(refusal)
    offered = await _offer(desk, connection, request)
    if isinstance(offered, Refused):
        if offered.payment == request.id and request.control_number is not None:
            return Started(request.id, request.control_number)  # a twin of this call was faster
        return offered
    if offered.charge.total != request.agreed_total:
        changed = Refused(Refusal.TOTAL_CHANGED, offer=offered)
        if request.order is not None:
            raise _OrderRefused(changed)
        return changed
    # Nothing below may refuse: from here on there are only writes, and they commit together.
    await _write(desk, connection, request, offered)
    return Started(request.id, offered.bill.control_number)


async def _already(
    desk: Desk, connection: Connection, request: StartRequest
) -> Started | Refused | None:
    row = await connection.fetchrow(SQL["started_payment"], request.id)
    if row is None:
        return None
    if row["payer"] != desk.keys.pseudonym(request.payer):
        raise ValueError(f"payment id {request.id} belongs to another subscriber")
    return Started(request.id, row["control_number"])


async def _refusal(desk: Desk, connection: Connection, request: StartRequest) -> Refusal | None:
    wallet = desk.wallet_configs.get(request.wallet)
    if wallet is None or request.wallet not in desk.wallets:
        return Refusal.WALLET_UNAVAILABLE
    if request.agreed_total.currency not in wallet.currencies:
        return Refusal.CURRENCY_NOT_SUPPORTED
    if await connection.fetchval(SQL["halted"]) is not None:
        return Refusal.BOOKS_UNBALANCED
    if request.by_payer:
        return None
    return await prompts.refusal(desk, connection, desk.keys.pseudonym(request.payer))


async def _offer(desk: Desk, connection: Connection, request: StartRequest) -> Offer | Refused:
    at = desk.clock.now()
    if request.order is None:
        if request.control_number is None:
            raise ValueError("a start needs a control number or an order")
        return await offer_within(connection, request.control_number, at=at)
    order = request.order
    bill = await bills.issue(
        connection,
        desk.ids,
        agency=order.agency,
        service=order.service,
        at=at,
        quantity=order.quantity,
        amount=order.amount,
        band=order.band,
        payer=await subscribers.remember(connection, desk.keys, request.payer),
    )
    if not isinstance(bill, bills.Bill):
        return Refused(Refusal.SERVICE_UNAVAILABLE)
    return Offer(bill, bill.charge(business_date(at, bill.agency.zone)))


async def _write(desk: Desk, connection: Connection, request: StartRequest, offered: Offer) -> None:
    at, charge, bill = desk.clock.now(), offered.charge, offered.bill
    payer = await subscribers.remember(connection, desk.keys, request.payer)
    collection_id = desk.ids.new()
    await collections.create(
        connection,
        id=collection_id,
        wallet=request.wallet,
        payer=payer,
        amount=charge.total,
        callback_digest=digest(callback_token(desk.keys, collection_id)),
        at=at,
    )
    inserted = await connection.fetchval(
        SQL["insert_payment"],
        request.id,
        bill.control_number,
        bill.agency.code,
        bill.service.code,
        bill.agency.zone,
        charge.total.currency,
        charge.principal.minor,
        charge.stamp.minor,
        charge.penalty.minor,
        charge.service_fee.minor,
        charge.agency_fee.minor,
        charge.total.minor,
        payer,
        request.wallet,
        request.channel,
        request.language,
        at,
        collection_id,
        request.by_payer,
        request.began_at,
    )
    if inserted is None:
        raise _BillTaken
    await connection.execute(
        SQL["insert_first_transition"], request.id, State.CREATED, Event.STARTED, at
    )
    if request.beneficiary not in (None, payer):
        await connection.execute(SQL["insert_beneficiary"], request.id, request.beneficiary)
    await work.enqueue(connection, COLLECT, str(request.id))
    event(
        "payment.started",
        payment=str(request.id),
        agency=bill.agency.code,
        service=bill.service.code,
        wallet=request.wallet,
        channel=request.channel,
    )


async def _lost_race(connection: Connection, request: StartRequest) -> Refused:
    held = await connection.fetchrow(SQL["open_payment_of_bill"], request.control_number)
    if held is None:
        return Refused(Refusal.BILL_ALREADY_PAID)
    return Refused(Refusal.PAYMENT_IN_FLIGHT, at=held["created_at"], payment=held["id"])
