"""A gateway in memory, for tests: bills, a small catalogue, payments.

It keeps the promises of the real one: once per id, one open payment a bill, refusals as values.
``down`` makes every call fail as a lost database would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from kernel.clock import Clock, business_date
from kernel.digits import with_check_digits
from kernel.money import Money, zero
from kernel.msisdn import Msisdn
from payments.refusals import Refusal
from payments.tickets import Opened, TicketRefusal, TicketRequest, TicketState
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

ZONE = "Asia/Amman"


COUNTRIES: Final[dict[str, list[str]]] = {"JO": ["JO-PASS", "JO-ROAD"], "LB": ["LB-SEC"]}

AGENCIES: Final[dict[str, Names]] = {
    "JO-PASS": {"ar": "دائرة الجوازات", "en": "Passports", "fr": "Passeports"},
    "JO-ROAD": {"ar": "ترخيص المركبات", "en": "Vehicle licensing", "fr": "Immatriculation"},
    "LB-SEC": {"ar": "الأمن العام", "en": "General Security", "fr": "Sureté générale"},
}

CATALOGUE: Final[dict[str, list[ServiceChoice]]] = {
    "JO-PASS": [
        ServiceChoice(
            code="RENEW",
            number=1,
            names={"ar": "تجديد جواز سفر", "en": "Passport renewal", "fr": "Passeport"},
            currency="JOD",
            asks=Asks.NOTHING,
        ),
        ServiceChoice(
            code="COPIES",
            number=2,
            names={"ar": "صورة مصدقة", "en": "Certified copy", "fr": "Copie conforme"},
            currency="JOD",
            asks=Asks.QUANTITY,
        ),
    ],
    "JO-ROAD": [
        ServiceChoice(
            code="FINE",
            number=1,
            names={"ar": "مخالفة سير", "en": "Traffic fine", "fr": "Amende"},
            currency="JOD",
            asks=Asks.AMOUNT,
        ),
        ServiceChoice(
            code="TEST",
            number=12,
            names={"ar": "فحص قيادة", "en": "Driving test", "fr": "Examen de conduite"},
            currency="JOD",
            asks=Asks.BAND,
            bands=(
                ("SAME", {"ar": "في اليوم نفسه", "en": "Same day", "fr": "Le jour même"}),
                ("NEXT", {"ar": "في اليوم التالي", "en": "Next day", "fr": "Le lendemain"}),
            ),
        ),
    ],
    "LB-SEC": [
        ServiceChoice(
            code="PASS5",
            number=1,
            names={"ar": "جواز سفر 5 سنوات", "en": "Passport, 5 years", "fr": "Passeport 5 ans"},
            currency="LBP",
            asks=Asks.NOTHING,
        ),
    ],
}


CATEGORIES: Final[dict[str, str]] = {"JO-PASS": "travel", "JO-ROAD": "driving", "LB-SEC": "travel"}
COPIES: Final = 3


@dataclass
class FakeBill:
    """A bill and what became of it; ``payer``: the number it was issued to."""

    offer: Offer
    refused: Refused | None = None
    payer: str = ""


@dataclass
class FakeGateway:
    """The port's in-memory implementation; its fields are there to be looked at and set up."""

    clock: Clock
    countries: dict[str, list[str]] = field(default_factory=lambda: dict(COUNTRIES))
    catalogue: dict[str, list[ServiceChoice]] = field(default_factory=lambda: dict(CATALOGUE))
    bills: dict[str, FakeBill] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)
    payments: dict[UUID, Recent] = field(default_factory=dict)
    intents: dict[UUID, Intent] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    names: dict[str, Names] = field(default_factory=lambda: dict(AGENCIES))
    categories: dict[str, str] = field(default_factory=lambda: dict(CATEGORIES))
    copies: list[str] = field(default_factory=list)
    scores: dict[str, int] = field(default_factory=dict)
    requests: dict[str, TicketRequest] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    ticket_refusal: TicketRefusal | None = None
    start_refusal: Refusal | None = None
    issued: int = 0
    down: bool = False
    calls: list[str] = field(default_factory=list)

    def issue(self, total: Money, *, stamp: Money | None = None, payer: str = "") -> str:
        """Put a bill on file and return its control number."""
        self.issued += 1
        number = with_check_digits(str(7_000_000_000 + 1_234_567 * self.issued))
        self.bills[number] = FakeBill(offer_of(total, stamp=stamp), payer=payer)
        return number

    def settle(self, number: str, *, state: str, receipt: str | None = None) -> None:
        """Let the wallet's answer arrive for the payment of a bill."""
        for key, payment in self.payments.items():
            if payment.control_number == number:
                self.payments[key] = replace(
                    payment, state=state, receipt_number="10000000175", receipt_code=receipt
                )
        if state == "paid":
            on = business_date(self.clock.now(), ZONE)
            self.bills[number].refused = Refused(Refusal.BILL_ALREADY_PAID, on)

    async def language(self, msisdn: Msisdn) -> str | None:
        """See the port."""
        self._reached("language")
        return self.languages.get(msisdn.e164)

    async def set_language(self, msisdn: Msisdn, language: str) -> None:
        """See the port."""
        self._reached("set_language")
        self.languages[msisdn.e164] = language

    async def agencies(self, country: str | None) -> Sequence[AgencyChoice]:
        """See the port."""
        self._reached("agencies")
        codes = self.countries.get(country or "") or [
            c for all_ in self.countries.values() for c in all_
        ]
        return [AgencyChoice(code, at, self.names[code]) for at, code in enumerate(codes, 1)]

    async def services(self, agency: str) -> Sequence[ServiceChoice]:
        """See the port."""
        self._reached("services")
        return self.catalogue.get(agency, [])

    async def directory(self, country: str | None) -> Sequence[FoundService]:
        """See the port."""
        return [
            FoundService(
                short_code=agency.number * 100 + service.number,
                agency=agency.code,
                agency_names=agency.names,
                service=service,
                category=self.categories[agency.code],
            )
            for agency in await self.agencies(country)
            for service in self.catalogue.get(agency.code, [])
        ]

    async def offer(self, control_number: str, viewer: Msisdn) -> Offer | Refused:
        """See the port."""
        self._reached("offer")
        bill = self.bills.get(control_number)
        if bill is None:
            return Refused(Refusal.BILL_NOT_FOUND)
        if bill.payer and viewer.e164 != bill.payer:
            own = offer_of(bill.offer.price.total)
            own = replace(own, service={}, billed_to=pseudonym(bill.payer))
            return bill.refused or own
        return bill.refused or bill.offer

    async def order_price(self, order: Order) -> Offer | Refused:
        """See the port."""
        self._reached("order_price")
        for service in self.catalogue.get(order.agency, []):
            bands = dict(service.bands)
            if service.code == order.service and (not bands or order.band in bands):
                unit = order.amount or Money(5000, service.currency)
                offer = offer_of(unit.times(order.quantity))
                return replace(
                    offer,
                    agency=self.names[order.agency],
                    service=service.names,
                    band=bands.get(order.band or ""),
                    quantity=order.quantity,
                    about=f"{order.agency}/{order.service}",
                )
        return Refused(Refusal.SERVICE_UNAVAILABLE)

    async def start(self, intent: Intent) -> Started | Refused:
        """See the port."""
        self._reached("start")
        if intent.id in self.payments:
            return Started(intent.id, self.payments[intent.id].control_number)
        if self.start_refusal is not None:
            return Refused(self.start_refusal)
        if intent.order is not None:
            offer = await self.order_price(intent.order)
            number = self.issue(intent.agreed_total)
        else:
            number = intent.control_number or ""
            offer = await self.offer(number, intent.payer)
        if isinstance(offer, Refused):
            return offer
        if offer.price.total != intent.agreed_total:
            return Refused(Refusal.TOTAL_CHANGED)
        self.bills[number].refused = Refused(Refusal.PAYMENT_IN_FLIGHT)
        self.intents[intent.id] = intent
        self.payments[intent.id] = self._pending(offer, number, self.clock.now())
        return Started(intent.id, number)

    async def recent(self, payer: Msisdn, limit: int) -> Sequence[Recent]:
        """See the port."""
        self._reached("recent")
        own = [self.payments[key] for key, intent in self.intents.items() if intent.payer == payer]
        return own[::-1][:limit]

    async def open_bills(self, payer: Msisdn, limit: int) -> Sequence[OpenBill]:
        """See the port."""
        self._reached("open_bills")
        on = business_date(self.clock.now(), ZONE)
        return [
            OpenBill(
                control_number=number,
                agency=bill.offer.agency,
                service=bill.offer.service,
                total=bill.offer.price.total,
                due_on=on,
            )
            for number, bill in self.bills.items()
            if bill.payer == payer.e164 and bill.refused is None
        ][:limit]

    async def remember(self, msisdn: Msisdn) -> str:
        """See the port."""
        self._reached("remember")
        return pseudonym(msisdn.e164)

    async def send_receipt_again(self, payer: Msisdn, control_number: str) -> bool:
        """See the port."""
        self._reached("send_receipt_again")
        if not self._is_paid_by(payer, control_number) or len(self.copies) >= COPIES:
            return False
        self.copies.append(control_number)
        return True

    async def rate(self, payer: Msisdn, control_number: str, score: int) -> bool:
        """See the port."""
        self._reached("rate")
        if not self._is_paid_by(payer, control_number) or control_number in self.scores:
            return False
        self.scores[control_number] = score
        self.payments = {
            key: replace(payment, is_rated=True)
            if payment.control_number == control_number
            else payment
            for key, payment in self.payments.items()
        }
        return True

    async def open_ticket(self, request: TicketRequest) -> Opened | TicketRefusal:
        """See the port."""
        self._reached("open_ticket")
        wish = (request.citizen, request.control_number, request.kind)
        for number, known in self.requests.items():
            is_same = wish == (known.citizen, known.control_number, known.kind)
            if known.id == request.id or (is_same and number not in self.answers):
                return Opened(number, is_new=False)
        if self.ticket_refusal is not None:
            return self.ticket_refusal
        if request.control_number not in self.bills:
            return TicketRefusal.BILL_NOT_FOUND
        number = with_check_digits(str(1_000_001 + len(self.requests)))
        self.requests[number] = request
        return Opened(number, is_new=True)

    async def tickets(self, citizen: Msisdn, limit: int) -> Sequence[TicketStatus]:
        """See the port."""
        self._reached("tickets")
        return [
            TicketStatus(
                number=number,
                kind=request.kind,
                state=TicketState.ANSWERED if number in self.answers else TicketState.OPEN,
                agency=AGENCIES["JO-PASS"],
                on=business_date(self.clock.now(), ZONE),
                answer=self.answers.get(number, ""),
            )
            for number, request in reversed(self.requests.items())
            if request.citizen == citizen
        ][:limit]

    def _is_paid_by(self, payer: Msisdn, number: str) -> bool:
        return any(
            intent.payer == payer
            and self.payments[key].control_number == number
            and self.payments[key].state == "paid"
            for key, intent in self.intents.items()
        )

    async def check_receipt(self, code: str, viewer: Msisdn) -> Receipt | Refused | None:
        """See the port."""
        del viewer
        self._reached("check_receipt")
        return self.receipts.get(code)

    def _pending(self, offer: Offer, number: str, at: datetime) -> Recent:
        return Recent(
            agency=offer.agency,
            service=offer.service,
            total=offer.price.total,
            state="pending",
            on=business_date(at, ZONE),
            at=at,
            control_number=number,
        )

    def _reached(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise ConnectionError("the database is away")


def pseudonym(e164: str) -> str:
    """What the in-memory gateway calls a subscriber."""
    return sha256(e164.encode()).hexdigest()[:32]


def offer_of(total: Money, *, stamp: Money | None = None) -> Offer:
    """An offer of the fictional passport office; ``stamp`` is on top."""
    nothing = zero(total.currency)
    price = Price(
        principal=total,
        stamp=stamp or nothing,
        penalty=nothing,
        service_fee=nothing,
        total=total + (stamp or nothing),
    )
    return Offer(AGENCIES["JO-PASS"], CATALOGUE["JO-PASS"][0].names, price, about="JO-PASS/RENEW")


def genuine(amount: Money, on: date) -> Receipt:
    """A receipt of the fictional passport office."""
    offer = offer_of(amount)
    return Receipt(
        number="10000000175", amount=amount, agency=offer.agency, service=offer.service, on=on
    )
