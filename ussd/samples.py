"""The worst a screen can have to show: all names of the catalogue, nine-digit amounts.

``./mizan menu lint`` renders these, and so does the test that every screen fits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from fees.agency import Agency, Service
from fees.catalogue_file import read_catalogue
from kernel.currency import EXPONENTS
from kernel.money import Money, zero
from payments.refusals import Refusal
from payments.tickets import MAX_ANSWER, Opened, TicketKind, TicketRefusal, TicketState
from ussd.desk_gateway import agency_choices, found_services, service_choice, short
from ussd.gateway import (
    Names,
    Offer,
    OpenBill,
    Price,
    Receipt,
    Recent,
    Refused,
    ServiceChoice,
    Started,
    TicketStatus,
    WalletChoice,
)
from ussd.screen import TEXTS
from ussd.screens.bill import ConfirmFacts
from ussd.screens.other import Person
from ussd.session import Args, Session

DEMO: Final = Path(__file__).resolve().parent.parent / "fees" / "demo"
WORST_LBP: Final = Money(180_000_000, "LBP")
"""A penalty on carriers in Lebanon: the widest amount of the catalogue's sources."""

_ID: Final = UUID(int=0)
_NUMBER: Final = "987654321098"
_TICKET: Final = "987654321"
_AT: Final = datetime(2026, 12, 28, tzinfo=UTC)
CATEGORIES: Final = tuple(
    key.partition(".")[2] for key in sorted(TEXTS.keys("ar")) if key.startswith("category.")
)
"""Every category there are words for."""

_STATES: Final = ("pending", "paid", "refused", "review")


@dataclass(frozen=True, slots=True)
class Sample:
    """One state of one screen: what the session has learnt, and the facts."""

    screen: str
    facts: Any = None
    args: Args | None = None

    def session(self, language: str) -> Session:
        """A session that stands on the screen."""
        return Session(language=language, screen=self.screen, args=self.args or {})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Agencies by country, and the services of each."""

    agencies: tuple[tuple[Agency, ...], ...]
    services: tuple[tuple[Service, ...], ...]

    @classmethod
    def of_demo(cls, folder: Path = DEMO) -> Catalogue:
        """The demo catalogue's files."""
        files = [read_catalogue(file) for file in sorted(folder.glob("*.toml"))]
        services = tuple(
            tuple(service for service in file.services if service.agency == agency.code)
            for file in files
            for agency in file.agencies
        )
        return cls(tuple(file.agencies for file in files), services)

    def countries(self) -> Iterator[list[tuple[Agency, Service]]]:
        """What each country's agencies offer."""
        for several in self.agencies:
            own = {one.code: one for one in several}
            offered = [each for services in self.services for each in services]
            yield [(own[each.agency], each) for each in offered if each.agency in own]

    def pairs(self) -> Iterator[tuple[Names, Names, Names | None]]:
        """Names of each agency with each of its services and bands."""
        agencies = {one.code: one for several in self.agencies for one in several}
        for services in self.services:
            for service in services:
                names = _names(agencies[service.agency]), _names(service)
                for band in service.bands or (None,):
                    yield *names, (None if band is None else short(band.short_names, band.names))


def samples(catalogue: Catalogue) -> Iterator[Sample]:
    """Every screen at its fullest."""
    yield from _plain()
    yield from _wishes()
    yield from _lists(catalogue)
    for agency, service, band in catalogue.pairs():
        for offer in _offers(agency, service, band):
            yield Sample("confirm", ConfirmFacts(Offer(*offer), (_wallet(1),), _ID))
        hidden = Offer(agency, {}, _price(WORST_LBP, zero("LBP")), billed_to="00" * 16)
        for tail in ("", "987"):
            facts = ConfirmFacts(hidden, (_wallet(1),), _ID)
            yield Sample("confirm", facts, {"other": "00" * 16, "tail": tail})
        for state in _STATES:
            yield Sample("payment", _recent(agency, service, state))
        yield Sample("genuine", _receipt(agency, service))
        for status in _statuses(agency):
            yield Sample("ticket", status)


def _plain() -> Iterator[Sample]:
    yield Sample("language", TEXTS.languages)
    for screen in ("number", "receipt", "quantity", "tickets", "ticket_bill", "note"):
        yield Sample(screen)
    for currency in EXPONENTS:
        yield Sample("amount", args={"currency": currency})
    yield Sample("help", "*789*99#")
    for screen in ("home", "resume"):
        yield Sample(screen)
        for state in _STATES:
            yield Sample(screen, _recent({"ar": ""}, {"ar": ""}, state))
    yield Sample("approve", Started(_ID, _NUMBER))
    for refusal in Refusal:
        for on in (None, "2026-12-28"):
            yield Sample("refused", args={"reason": refusal.value, "on": on})
    wallets = tuple(_wallet(at) for at in range(1, 7))
    yield Sample("wallet", wallets, {"currency": "JOD"})


def _wishes() -> Iterator[Sample]:
    """What can be asked for beside paying."""
    for args in ({}, {"number": _NUMBER}):
        yield Sample("options", args=args)
    for args in ({}, {"billed_to": "00" * 16}):
        yield Sample("other", args=args)
    for kind in TicketKind:
        yield Sample("reason", Refused(Refusal.BILL_ALREADY_PAID), {"kind": kind.value})
    for sent in (Opened(_TICKET, True), Opened(_TICKET, False), TicketRefusal.TOO_MANY):
        yield Sample("ticket_sent", sent)
    for is_done in (True, False):
        yield Sample("again", is_done)
        yield Sample("rated", is_done)
    yield Sample("rate")


def _lists(catalogue: Catalogue) -> Iterator[Sample]:
    everywhere = [agency for several in catalogue.agencies for agency in several]
    for agencies in ((), everywhere, *catalogue.agencies):
        yield Sample("agencies", agency_choices(agencies))
    for services in ((), *catalogue.services):
        choices: Sequence[ServiceChoice] = [service_choice(service) for service in services]
        yield Sample("services", choices)
        for choice in choices:
            if choice.bands:
                yield Sample("band", choice)
    yield from _directories(catalogue)
    yield Sample("my_tickets", [])
    yield Sample("my_tickets", list(_statuses({"ar": ""})) * 2)
    yield Sample("payments", [])
    yield Sample("payments", [_recent({"ar": ""}, {"ar": ""}, state) for state in _STATES] * 2)


def _directories(catalogue: Catalogue) -> Iterator[Sample]:
    """The search screens over the demo catalogue, and over one of every category there are words
    for.
    """
    for found in ([], *(found_services(country) for country in catalogue.countries())):
        yield Sample("find", found)
        for category in sorted({each.category for each in found}):
            among = [each for each in found if each.category == category]
            yield Sample("offers", among, {"category": category})
        bills = [
            OpenBill(
                control_number=_NUMBER,
                agency=each.agency_names,
                service=each.service.names,
                total=WORST_LBP,
                due_on=_AT.date(),
            )
            for each in found
        ]
        yield Sample("bills", bills[:9])
    everywhere = [each for country in catalogue.countries() for each in found_services(country)]
    renumbered = [replace(each, short_code=100 * at) for at, each in enumerate(everywhere, 1)]
    yield Sample("category", renumbered)
    yield Sample("find", [replace(everywhere[0], category=each) for each in CATEGORIES])


def _statuses(agency: Names) -> Iterator[TicketStatus]:
    longest = ("x" * 19 + " ") * 6
    for kind in TicketKind:
        for state in TicketState:
            yield TicketStatus(
                number=_TICKET,
                kind=kind,
                state=state,
                agency=agency,
                on=_AT.date(),
                answer=longest[:MAX_ANSWER] if state is TicketState.ANSWERED else "",
            )


def _offers(
    agency: Names, service: Names, band: Names | None
) -> Iterator[tuple[Names, Names, Price, Names | None, int]]:
    for currency in EXPONENTS:
        nothing, most = zero(currency), Money(WORST_LBP.minor, currency)
        plain = _price(most, nothing)
        itemised = _price(most, Money(most.minor // 10, currency))
        yield agency, service, plain, band, 1
        # A service asks for a class or for a number, never for both.
        yield agency, service, itemised, band, 99 if band is None else 1


def _price(principal: Money, each: Money) -> Price:
    total = principal + each + each + each
    return Price(principal=principal, stamp=each, penalty=each, service_fee=each, total=total)


def _recent(agency: Names, service: Names, state: str) -> Recent:
    return Recent(
        agency=agency,
        service=service,
        total=WORST_LBP,
        state=state,
        on=_AT.date(),
        at=_AT,
        control_number=_NUMBER,
        receipt_number="98765432109" if state == "paid" else None,
        receipt_code="987654321098765" if state == "paid" else None,
    )


def _receipt(agency: Names, service: Names) -> Receipt:
    on = date(2026, 12, 28)
    return Receipt(number="98765432109", amount=WORST_LBP, agency=agency, service=service, on=on)


def _wallet(at: int) -> WalletChoice:
    names = {
        "ar": "محفظة الهاتف الوطنية",
        "en": "National Phone Wallet",
        "fr": "Portefeuille mobile",
    }
    return WalletChoice(f"wallet-{at}", names, tuple(EXPONENTS))


def _names(owner: Agency | Service) -> Names:
    return short(owner.short_names, owner.names)


REDIRECTS: Final = (
    Sample("confirm", ConfirmFacts(Refused(Refusal.BILL_NOT_FOUND), (), _ID)),
    Sample("genuine", None),
    Sample("order", None),
    Sample("category", []),
    Sample("found", None),
    Sample("person", None),
    Sample("person", Person("", "987")),
    Sample("reason", Refused(Refusal.BILL_NOT_FOUND), {"kind": "complaint"}),
    Sample("ticket_sent", TicketRefusal.BILL_NOT_FOUND),
    Sample("ticket", None),
)
"""Facts that send the citizen to another screen."""
