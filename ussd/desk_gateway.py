"""The gateway over the real parts: fees for prices, payments for money, subscribers for words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from fees import bills, catalogue
from fees.agency import Agency, Service
from fees.refusals import FeeRefusal
from fees.tariff import Charge
from kernel import subscribers
from kernel.clock import business_date
from kernel.config import LimitsConfig
from kernel.limits import Limits
from kernel.money import Money, zero
from kernel.msisdn import Msisdn
from payments import afterwards, receipt, start, tickets, view
from payments import offer as offers
from payments.desk import Desk
from payments.guesses import bill_guesses, receipt_guesses
from payments.refusals import Refusal
from payments.tickets import Opened, TicketRefusal, TicketRequest
from ussd.gateway import (
    AgencyChoice,
    Asks,
    FoundService,
    Intent,
    Names,
    Offer,
    OpenBill,
    Order,
    Price,
    Receipt,
    Recent,
    Refused,
    ServiceChoice,
    Started,
    TicketStatus,
)

DEFAULT_LIMITS: Final = LimitsConfig()


DIRECTORY_FOR: Final = timedelta(minutes=1)
"""How long the list of all services is remembered: it may be thousands, and hardly ever changes."""


class DeskGateway:
    """The port's real implementation."""

    def __init__(self, desk: Desk, limits: Limits, settings: LimitsConfig = DEFAULT_LIMITS) -> None:
        self._desk = desk
        self._bills = bill_guesses(limits, settings)
        self._receipts = receipt_guesses(limits, settings)
        self._directories: dict[str | None, tuple[datetime, Sequence[FoundService]]] = {}

    async def language(self, msisdn: Msisdn) -> str | None:
        """See the port."""
        async with self._desk.database.read() as connection:
            keys = self._desk.keys
            found = await subscribers.find(connection, keys, keys.pseudonym(msisdn))
        return None if found is None else found.language

    async def set_language(self, msisdn: Msisdn, language: str) -> None:
        """See the port."""
        async with self._desk.database.transaction() as connection:
            await subscribers.set_language(connection, self._desk.keys, msisdn, language)

    async def agencies(self, country: str | None) -> Sequence[AgencyChoice]:
        """See the port."""
        async with self._desk.database.read() as connection:
            found = await catalogue.agencies(connection, country)
            if not found and country is not None:
                found = await catalogue.agencies(connection, None)
        return agency_choices(found)

    async def services(self, agency: str) -> Sequence[ServiceChoice]:
        """See the port."""
        async with self._desk.database.read() as connection:
            return [
                service_choice(service) for service in await catalogue.services(connection, agency)
            ]

    async def directory(self, country: str | None) -> Sequence[FoundService]:
        """See the port; a catalogue that changed is seen within ``DIRECTORY_FOR``."""
        at = self._desk.clock.now()
        kept = self._directories.get(country)
        if kept is not None and at - kept[0] < DIRECTORY_FOR:
            return kept[1]
        async with self._desk.database.read() as connection:
            found = await catalogue.services_of(connection, country)
            if not found and country is not None:
                found = await catalogue.services_of(connection, None)
        self._directories[country] = (at, found_services(found))
        return self._directories[country][1]

    async def offer(self, control_number: str, viewer: Msisdn) -> Offer | Refused:
        """See the port."""
        async with self._bills.one(viewer) as attempt:
            if attempt is None:
                return Refused(Refusal.TOO_MANY_MISSES)
            seen = await offers.offer_to(self._desk, control_number, viewer)
            attempt.hit = not offers.is_miss(seen)
        return _offer_of(seen) if isinstance(seen, offers.Offer) else _refused(seen)

    async def order_price(self, order: Order) -> Offer | Refused:
        """See the port."""
        async with self._desk.database.read() as connection:
            offered = await catalogue.offered(connection, order.agency, order.service)
            if offered is None:
                return Refused(Refusal.SERVICE_UNAVAILABLE)
            agency, service = offered
            charge = await catalogue.price(
                connection,
                order.agency,
                order.service,
                on=business_date(self._desk.clock.now(), agency.zone),
                quantity=order.quantity,
                amount=order.amount,
                band=order.band,
            )
        if isinstance(charge, FeeRefusal):
            return Refused(Refusal.SERVICE_UNAVAILABLE)
        return _offer(agency, service, charge, order)

    async def start(self, intent: Intent) -> Started | Refused:
        """See the port."""
        order = intent.order
        request = start.StartRequest(
            id=intent.id,
            payer=intent.payer,
            wallet=intent.wallet,
            channel=intent.channel,
            language=intent.language,
            agreed_total=intent.agreed_total,
            control_number=intent.control_number,
            order=None
            if order is None
            else start.Order(
                agency=order.agency,
                service=order.service,
                quantity=order.quantity,
                amount=order.amount,
                band=order.band,
            ),
            beneficiary=bytes.fromhex(intent.beneficiary) or None,
            by_payer=True,
            began_at=intent.began_at,
        )
        started = await start.start(self._desk, request)
        if isinstance(started, start.Started):
            return Started(started.payment_id, started.control_number)
        seen = offers.as_seen_by(self._desk.keys.pseudonym(intent.payer), started)
        assert isinstance(seen, offers.Refused)
        return _refused(seen)

    async def recent(self, payer: Msisdn, limit: int) -> Sequence[Recent]:
        """See the port."""
        return [
            Recent(
                agency=short(summary.agency_short_names, summary.agency_names),
                service=short(summary.service_short_names, summary.service_names),
                total=summary.total,
                state=str(summary.public_state),
                on=business_date(summary.created_at, summary.zone),
                at=summary.created_at,
                control_number=summary.control_number,
                receipt_number=summary.receipt_number,
                receipt_code=summary.receipt_code,
                is_rated=summary.is_rated,
            )
            for summary in await view.payments_of(self._desk, payer, limit)
        ]

    async def open_bills(self, payer: Msisdn, limit: int) -> Sequence[OpenBill]:
        """See the port."""
        at, own = self._desk.clock.now(), self._desk.keys.pseudonym(payer)
        async with self._desk.database.read() as connection:
            found = await bills.of_payer(connection, own, at=at, limit=limit)
        return [
            OpenBill(
                control_number=bill.control_number,
                agency=short(bill.agency.short_names, bill.agency.names),
                service=short(bill.service.short_names, bill.service.names),
                total=bill.charge(business_date(at, bill.agency.zone)).total,
                due_on=bill.due_on,
            )
            for bill in found
        ]

    async def remember(self, msisdn: Msisdn) -> str:
        """See the port."""
        async with self._desk.database.transaction() as connection:
            return (await subscribers.remember(connection, self._desk.keys, msisdn)).hex()

    async def send_receipt_again(self, payer: Msisdn, control_number: str) -> bool:
        """See the port."""
        return await afterwards.send_receipt_again(self._desk, payer, control_number)

    async def rate(self, payer: Msisdn, control_number: str, score: int) -> bool:
        """See the port."""
        return await afterwards.rate(self._desk, payer, control_number, score)

    async def open_ticket(self, request: TicketRequest) -> Opened | TicketRefusal:
        """See the port."""
        return await tickets.open_ticket(self._desk, request)

    async def tickets(self, citizen: Msisdn, limit: int) -> Sequence[TicketStatus]:
        """See the port."""
        return [
            TicketStatus(
                number=ticket.number,
                kind=ticket.kind,
                state=ticket.state,
                agency=short(ticket.agency_short_names, ticket.agency_names),
                on=business_date(ticket.opened_at, ticket.zone),
                answer=ticket.answer,
            )
            for ticket in await tickets.tickets_of(self._desk, citizen, limit)
        ]

    async def check_receipt(self, code: str, viewer: Msisdn) -> Receipt | Refused | None:
        """See the port."""
        async with self._receipts.one(viewer) as attempt:
            if attempt is None:
                return Refused(Refusal.TOO_MANY_MISSES)
            found = await receipt.check(self._desk, code)
            attempt.hit = found is not None
        if found is None:
            return None
        return Receipt(
            number=found.number,
            amount=found.amount,
            agency=found.agency_names,
            service=found.service_names,
            on=business_date(found.paid_at, found.zone),
        )


def agency_choices(agencies: Sequence[Agency]) -> list[AgencyChoice]:
    """Menu numbers are stable within a country; a list over several counts through instead."""
    unique = max(Counter(agency.number for agency in agencies).values(), default=1) == 1
    return [
        AgencyChoice(
            agency.code,
            agency.number if unique else at,
            short(agency.short_names, agency.names),
        )
        for at, agency in enumerate(agencies, 1)
    ]


def found_services(found: Sequence[tuple[Agency, Service]]) -> list[FoundService]:
    """Short codes are the menu numbers of agency and service side by side: 12 and 3 give 1203."""
    agencies = list({agency.code: agency for agency, _ in found}.values())
    numbers = {choice.code: choice.number for choice in agency_choices(agencies)}
    return [
        FoundService(
            short_code=numbers[agency.code] * 100 + service.number,
            agency=agency.code,
            agency_names=short(agency.short_names, agency.names),
            service=service_choice(service),
            category=service.category,
        )
        for agency, service in found
    ]


def hidden(agency: Names, total: Money, billed_to: str, about: str = "") -> Offer:
    """What somebody sees of a bill that is another's: whom to pay, and how much."""
    nothing = zero(total.currency)
    price = Price(principal=total, stamp=nothing, penalty=nothing, service_fee=nothing, total=total)
    return Offer(agency, {}, price, billed_to=billed_to, about=about)


def _offer_of(offered: offers.Offer) -> Offer:
    """A bill on offer, to its payer (or of nobody in particular) or to a stranger."""
    bill = offered.bill
    chosen = Order(
        agency=bill.agency.code, service=bill.service.code, quantity=bill.quantity, band=bill.band
    )
    whole = _offer(bill.agency, bill.service, offered.charge, chosen)
    if not offered.is_anothers:
        return whole
    billed_to = (bill.payer or b"").hex()
    return hidden(whole.agency, whole.price.total, billed_to, whole.about)


def _refused(refused: offers.Refused) -> Refused:
    """A refusal, with its day where the bill's agency is."""
    if refused.at is None or refused.bill is None:
        return Refused(refused.refusal)
    return Refused(refused.refusal, business_date(refused.at, refused.bill.agency.zone))


def service_choice(service: Service) -> ServiceChoice:
    """A service of the catalogue as the menu lists it."""
    return ServiceChoice(
        code=service.code,
        number=service.number,
        names=short(service.short_names, service.names),
        currency=service.currency,
        asks=Asks(service.asks),
        bands=tuple((band.code, short(band.short_names, band.names)) for band in service.bands),
    )


def _offer(agency: Agency, service: Service, charge: Charge, chosen: Order) -> Offer:
    price = Price(
        principal=charge.principal,
        stamp=charge.stamp,
        penalty=charge.penalty,
        service_fee=charge.service_fee,
        total=charge.total,
    )
    bands = {band.code: short(band.short_names, band.names) for band in service.bands}
    return Offer(
        short(agency.short_names, agency.names),
        short(service.short_names, service.names),
        price,
        band=bands.get(chosen.band or ""),
        quantity=chosen.quantity,
        about=f"{agency.code}/{service.code}",
    )


def short(short: dict[str, str], full: dict[str, str]) -> dict[str, str]:
    """Short names where there are any: a screen of 80 letters has no room for titles."""
    return {**full, **short}
