"""A gateway in memory, for tests: bills, a small catalogue, payments.

It keeps the promises of the real one: once per id, one open payment a bill, refusals as values.
``down`` makes every call fail as a lost database would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from kernel.clock import Clock, business_date
from kernel.digits import with_check_digits
from kernel.money import Money, zero
from kernel.msisdn import Msisdn
from payments.refusals import Refusal
from ussd.gateway import (
    AgencyChoice,
    Asks,
    Intent,
    Names,
    Offer,
    Order,
    Price,
    Receipt,
    Recent,
    Refused,
    ServiceChoice,
    Started,
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


@dataclass
class FakeBill:
    """A bill and what became of it."""

    offer: Offer
    refused: Refused | None = None


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
    start_refusal: Refusal | None = None
    issued: int = 0
    down: bool = False
    calls: list[str] = field(default_factory=list)

    def issue(self, total: Money, *, stamp: Money | None = None) -> str:
        """Put a bill on file and return its control number."""
        self.issued += 1
        number = with_check_digits(str(7_000_000_000 + 1_234_567 * self.issued))
        self.bills[number] = FakeBill(offer_of(total, stamp=stamp))
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
        return [AgencyChoice(code, at, AGENCIES[code]) for at, code in enumerate(codes, 1)]

    async def services(self, agency: str) -> Sequence[ServiceChoice]:
        """See the port."""
        self._reached("services")
        return self.catalogue.get(agency, [])

    async def offer(self, control_number: str) -> Offer | Refused:
        """See the port."""
        self._reached("offer")
        bill = self.bills.get(control_number)
        if bill is None:
            return Refused(Refusal.BILL_NOT_FOUND)
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
                    agency=AGENCIES[order.agency],
                    service=service.names,
                    band=bands.get(order.band or ""),
                    quantity=order.quantity,
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
            offer = await self.offer(number)
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

    async def check_receipt(self, code: str) -> Receipt | None:
        """See the port."""
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
    return Offer(AGENCIES["JO-PASS"], CATALOGUE["JO-PASS"][0].names, price)


def genuine(amount: Money, on: date) -> Receipt:
    """A receipt of the fictional passport office."""
    offer = offer_of(amount)
    return Receipt(
        number="10000000175", amount=amount, agency=offer.agency, service=offer.service, on=on
    )
