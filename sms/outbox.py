"""Messages on their way out: written with the fact they tell, handed to a carrier, tried again.

A text whose hand-over stayed unknown is sent again, so a receipt may arrive twice, always with the
same number and code. After ``STOP`` only what a citizen's money or question calls for is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, assert_never
from uuid import UUID

from kernel import subscribers, work
from kernel.database import Connection, Row
from kernel.digits import grouped
from kernel.log import event
from kernel.sql import package_sql
from kernel.work import Work
from payments import afterwards
from payments.receipt import CODE_GROUP
from payments.view import PaymentDetail
from sms.compose import TEXTS, Composed, amount_in, compose, day, name_in
from sms.desk import SmsDesk
from sms.port import Delivery, Failure, Outgoing, Refused, Sent, Unknown, read_uuid

SQL = package_sql(__file__)

SEND: Final = "sms.send"
"""Work kind: hand a message over (key: its id)."""

NOTICES: Final = frozenset({"refused", "expired", "beneficiary"})
"""Purposes that ``STOP`` silences; receipts, late money and answers still go."""

_TOLD: Final = {
    "receipt": "receipt",
    "again": "receipt",
    "refused": "refused",
    "expired": "expired",
    "late": "late",
}
"""What is told, and the text for it; ``again-2``: the receipt once more, for the second time."""
_OTHER_REASON: Final = "refused.other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message and what became of it."""

    id: UUID
    purpose: str
    payment_id: UUID | None
    inbound_id: UUID | None
    recipient: bytes
    language: str
    template: str
    body: str
    alphabet: str
    segments: int
    state: Delivery
    failure: Failure | None
    failure_code: str | None
    carrier: str
    carrier_reference: str | None
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    state_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A composed message with its addressee and its reason: a payment, or what somebody wrote."""

    purpose: str
    recipient: bytes
    composed: Composed
    channel: str
    payment: UUID | None = None
    inbound: UUID | None = None


async def tell(desk: SmsDesk, item: Work) -> None:
    """Handle ``sms.tell`` (key ``<payment id>:<what>``): write the message, once."""
    payment_id, _, purpose = item.key.partition(":")
    what = purpose.partition("-")[0]
    known = read_uuid(payment_id)
    async with desk.database.transaction() as connection:
        payment = await desk.payments.payment(connection, known) if known else None
        if payment is None or what not in _TOLD:
            await work.park(connection, item, f"nothing to tell: {item.key}")
            event("sms.tell_parked", work=item.key)
            return
        draft = Draft(
            purpose=purpose,
            recipient=payment.payer,
            composed=about_payment(desk, payment, _TOLD[what]),
            channel=desk.default_channel,
            payment=payment.id,
        )
        await put(desk, connection, draft)
        if what == "receipt":
            await _tell_beneficiary(desk, connection, payment)
        await work.finish(connection, item)


async def _tell_beneficiary(desk: SmsDesk, connection: Connection, payment: PaymentDetail) -> None:
    """The receipt goes to whom it was paid for, too, in their own language if we know it."""
    other = await afterwards.beneficiary(connection, payment.id)
    if other is not None:
        theirs = replace(payment, language=other.language or payment.language)
        draft = Draft(
            purpose="beneficiary",
            recipient=other.subscriber,
            composed=about_payment(desk, theirs, "beneficiary"),
            channel=desk.default_channel,
            payment=payment.id,
        )
        await put(desk, connection, draft)


def about_payment(desk: SmsDesk, payment: PaymentDetail, what: str) -> Composed:
    """Compose what a payer is told: ``receipt``, ``refused``, ``expired``, ``late``; or, of
    a receipt, whom somebody else paid for: ``beneficiary``.
    """
    language = payment.language if payment.language in TEXTS.languages else "ar"
    template = _template(what, payment.reason)
    values = {
        "amount": amount_in(language, payment.total),
        "bill": payment.control_number,
        "dial": desk.dial(payment.channel, payment.control_number),
        "short_code": desk.dial(payment.channel),
    }
    if what in ("receipt", "beneficiary"):
        if payment.receipt_issued_at is None:
            raise ValueError(f"payment {payment.id} has no receipt to tell of")
        values |= {
            "number": payment.receipt_number or "",
            "code": grouped(payment.receipt_code or "", CODE_GROUP),
            "date": day(payment.receipt_issued_at, payment.zone),
        }
    agency = name_in(language, payment.agency_names, payment.agency_short_names)
    service = name_in(language, payment.service_names, payment.service_short_names)
    return compose(template, language, values, ("agency", agency), ("service", service))


async def put(desk: SmsDesk, connection: Connection, draft: Draft) -> bool:
    """Queue a message within the caller's transaction; False if it was written before."""
    composed = draft.composed
    written = await connection.fetchval(
        SQL["insert_message"],
        desk.ids.new(),
        draft.purpose,
        draft.payment,
        draft.inbound,
        draft.recipient,
        composed.language,
        composed.template,
        composed.values,
        composed.text,
        composed.segments.alphabet,
        composed.segments.count,
        draft.channel,
        desk.clock.now(),
    )
    if written is None:
        return False
    await work.enqueue(connection, SEND, str(written))
    return True


async def send(desk: SmsDesk, item: Work) -> None:
    """Handle ``sms.send`` (key: message id): hand it over outside any transaction, then record."""
    message_id = UUID(item.key)
    async with desk.database.transaction() as connection:
        message = await connection.fetchrow(SQL["mark_sending"], message_id, desk.clock.now())
        outgoing = await _prepare(desk, connection, message_id, message) if message else None
        if message is None or outgoing is None:
            await work.finish(connection, item)
            return
    channel = desk.channels[message["carrier"]]
    handover = await channel.carrier.send(outgoing)
    event(
        "sms.handed_over",
        message=item.key,
        carrier=message["carrier"],
        purpose=message["purpose"],
        outcome=type(handover).__name__.lower(),
        attempt=message["attempts"],
        age_s=round((desk.clock.now() - message["created_at"]).total_seconds(), 3),
    )
    async with desk.database.transaction() as connection:
        match handover:
            case Sent(reference):
                at = desk.clock.now()
                await connection.execute(SQL["record_sent"], message_id, reference, at)
            case Refused(failure, code):
                await _fail(desk, connection, message_id, (failure, code))
            case Unknown(detail, failure):
                if message["attempts"] <= len(desk.send_again_after_s):
                    delay_s = desk.send_again_after_s[message["attempts"] - 1]
                    await work.retry(connection, item, delay_s=delay_s, error=detail)
                    return
                await _fail(desk, connection, message_id, (failure, detail))
            case unreachable:
                assert_never(unreachable)
        await work.finish(connection, item)


async def messages_of(connection: Connection, payment_id: UUID) -> list[Message]:
    """All messages about one payment, oldest first."""
    rows = await connection.fetch(SQL["messages_of_payment"], payment_id)
    return [_message(row) for row in rows]


async def message(connection: Connection, message_id: UUID) -> Message | None:
    """One message."""
    row = await connection.fetchrow(SQL["message"], message_id)
    return _message(row) if row else None


def _template(what: str, reason: str | None) -> str:
    if what != "refused":
        return what
    key = f"refused.{reason}"
    return key if key in TEXTS.keys("ar") else _OTHER_REASON


async def _prepare(
    desk: SmsDesk, connection: Connection, message_id: UUID, message: Row
) -> Outgoing | None:
    """What to hand over; None (and the message failed) if its recipient must not get it."""
    recipient = await subscribers.find(connection, desk.keys, message["recipient"])
    channel = desk.channels.get(message["carrier"])
    if recipient is None or channel is None:
        await _fail(desk, connection, message_id, (Failure.OTHER, "no recipient or channel"))
        return None
    if recipient.sms_stopped and message["purpose"] in NOTICES:
        await _fail(desk, connection, message_id, (Failure.STOPPED, ""))
        return None
    return Outgoing(
        id=message_id,
        to=recipient.msisdn,
        text=message["body"],
        status_url=desk.public_url + channel.path("status"),
    )


async def _fail(
    desk: SmsDesk, connection: Connection, message_id: UUID, why: tuple[Failure, str]
) -> None:
    failure, code = why
    await connection.execute(
        SQL["move_message"], message_id, Delivery.FAILED, failure, code, None, desk.clock.now()
    )
    event("sms.failed", message=str(message_id), failure=failure, code=code)


def _message(row: Row) -> Message:
    fields = dict(row)
    fields["state"] = Delivery(fields["state"])
    fields["failure"] = Failure(fields["failure"]) if fields["failure"] else None
    return Message(**fields)
