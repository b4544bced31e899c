"""Answers to what people text: a receipt checked, a bill priced, help, silence on demand.

Texting never debits: the answer to ``PAY`` says what to dial. A person gets a limited number of
answers in an hour, and help once in it, so that two machines cannot talk to each other for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from kernel import subscribers, work
from kernel.database import Connection, Row
from kernel.log import event
from kernel.sql import package_sql
from kernel.subscribers import Subscriber
from kernel.work import Work
from payments.offer import Offer, Refused
from payments.receipt import ReceiptCheck
from payments.refusals import Refusal
from sms.compose import Composed, amount_in, compose, day, name_in
from sms.desk import SmsDesk
from sms.inbound import read_form, unseal
from sms.outbox import Draft, put
from sms.words import Command, Request, read

SQL = package_sql(__file__)

REFUSED: Final[Mapping[Refusal, str]] = {
    Refusal.CONTROL_NUMBER_MISTYPED: "pay.mistyped",
    Refusal.BILL_NOT_FOUND: "pay.unknown",
    Refusal.BILL_ALREADY_PAID: "pay.paid",
    Refusal.PAYMENT_IN_FLIGHT: "pay.in_flight",
    Refusal.BILL_CANCELLED: "pay.cancelled",
    Refusal.BILL_EXPIRED: "pay.expired",
    Refusal.TOO_MANY_MISSES: "too_many_misses",
}
"""Template for each reason why a bill cannot be paid; the others say "not now"."""

DATED: Final = frozenset({"pay.paid"})
"""Templates with a twin (``pay.paid.on``) that says when, to those who may know it."""


async def answer(desk: SmsDesk, item: Work) -> None:
    """Handle ``sms.answer`` (key: inbound id): do what was asked and queue one answer at most."""
    inbound_id = UUID(item.key)
    async with desk.database.read() as connection:
        inbound = await connection.fetchrow(SQL["inbound"], inbound_id)
        sender = await _sender(desk, connection, inbound) if inbound else None
    if inbound is None or sender is None:
        async with desk.database.transaction() as connection:
            await work.park(connection, item, "no such message, or nobody to answer")
        return
    request = read(_text(desk, inbound))
    language = _language(request, sender)
    composed = await _composed(desk, request, language, sender)
    async with desk.database.transaction() as connection:
        await connection.execute(SQL["lock_correspondent"], sender.pseudonym)
        await _obey(desk, connection, request, sender)
        queued = await _may_answer(desk, connection, sender, composed) and await put(
            desk,
            connection,
            Draft(
                purpose=composed.template.partition(".")[0],
                recipient=sender.pseudonym,
                composed=composed,
                channel=inbound["channel"],
                inbound=inbound_id,
            ),
        )
        at = desk.clock.now()
        await connection.execute(SQL["record_answered"], inbound_id, request.command, at)
        await work.finish(connection, item)
    event("sms.answered", inbound=item.key, command=request.command, queued=queued)


async def _sender(desk: SmsDesk, connection: Connection, inbound: Row) -> Subscriber | None:
    if inbound["sender"] is None:
        return None
    return await subscribers.find(connection, desk.keys, inbound["sender"])


def _text(desk: SmsDesk, inbound: Row) -> str:
    """Read the kept raw message again; a channel that was removed leaves nothing to read."""
    channel = desk.channels.get(inbound["channel"])
    raw = unseal(desk.keys, inbound["id"], inbound["sealed"])
    found = channel.carrier.read_inbound(read_form(raw)) if channel else None
    return found.text if found else ""


def _language(request: Request, sender: Subscriber) -> str:
    """Arabic words get Arabic; otherwise what the person chose, then the language of the word."""
    if request.language == "ar":
        return "ar"
    return sender.language or request.language or "ar"


async def _composed(desk: SmsDesk, request: Request, language: str, sender: Subscriber) -> Composed:
    match request.command:
        case Command.VERIFY:
            found = await desk.payments.receipt(request.digits, sender.msisdn)
            return _about_receipt(language, found)
        case Command.PAY:
            return await _about_bill(desk, request.digits, language, sender)
        case Command.STOP:
            return compose("stopped", language, {})
        case Command.START:
            return compose("started", language, {})
        case Command.HELP | Command.UNCLEAR:
            return compose("help", language, {"short_code": desk.dial()})


def _about_receipt(language: str, found: ReceiptCheck | Refused | None) -> Composed:
    if isinstance(found, Refused):
        return compose("too_many_misses", language, {})
    if found is None:
        return compose("verify.unknown", language, {})
    values = {
        "number": found.number,
        "amount": amount_in(language, found.amount),
        "date": day(found.paid_at, found.zone),
    }
    agency = name_in(language, found.agency_names, {})
    service = name_in(language, found.service_names, {})
    return compose("verify.valid", language, values, ("agency", agency), ("service", service))


async def _about_bill(desk: SmsDesk, digits: str, language: str, sender: Subscriber) -> Composed:
    """What a bill costs, or why it cannot be paid now."""
    found = await desk.payments.offer(digits, sender.msisdn)
    if isinstance(found, Offer):
        return _about_offer(desk, language, found)
    template = REFUSED.get(found.refusal, "pay.unavailable")
    if template in DATED and found.at and found.bill:
        date = day(found.at, found.bill.agency.zone)
        return compose(f"{template}.on", language, {"bill": digits, "date": date})
    return compose(template, language, {"bill": digits})


def _about_offer(desk: SmsDesk, language: str, offer: Offer) -> Composed:
    agency, service = offer.bill.agency, offer.bill.service
    values = {
        "amount": amount_in(language, offer.charge.total),
        "dial": desk.dial(control_number=offer.bill.control_number),
    }
    payee = ("agency", name_in(language, agency.names, agency.short_names))
    if offer.is_anothers:
        return compose("pay.offer.hidden", language, values, payee)
    what = ("service", name_in(language, service.names, service.short_names))
    return compose("pay.offer", language, values, payee, what)


async def _obey(
    desk: SmsDesk, connection: Connection, request: Request, sender: Subscriber
) -> None:
    if request.command in (Command.STOP, Command.START):
        stopped = request.command is Command.STOP
        await subscribers.set_sms_stopped(connection, desk.keys, sender.msisdn, stopped=stopped)


async def _may_answer(
    desk: SmsDesk, connection: Connection, sender: Subscriber, composed: Composed
) -> bool:
    since = desk.clock.now() - desk.answers_window
    sent = await connection.fetchrow(SQL["answers_since"], sender.pseudonym, since)
    if sent is None or sent["answers"] >= desk.answers_limit:
        return False
    return not (composed.template == "help" and sent["helps"])
