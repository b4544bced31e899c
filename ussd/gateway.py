"""What the menu asks of the rest of Mizan: one narrow port, with a real and an in-memory form.

Every call may raise (database down); the hop then ends with an apology and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

from kernel.money import Money
from kernel.msisdn import Msisdn
from payments.refusals import Refusal
from payments.tickets import Opened, TicketKind, TicketRefusal, TicketRequest, TicketState

Names: TypeAlias = Mapping[str, str]
"""A name by language code; short ones where the catalogue has them."""


class Asks(StrEnum):
    """What a service needs to know before it has a price."""

    NOTHING = "nothing"
    QUANTITY = "quantity"
    AMOUNT = "amount"
    BAND = "band"


@dataclass(frozen=True, slots=True)
class AgencyChoice:
    """One agency of the list; ``number`` is its key in the menu."""

    code: str
    number: int
    names: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceChoice:
    """One service of an agency; ``number`` is its key in the menu and never changes."""

    code: str
    number: int
    names: Names
    currency: str
    asks: Asks
    bands: tuple[tuple[str, Names], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A service picked from the menu, with what it asked for."""

    agency: str
    service: str
    quantity: int = 1
    amount: Money | None = None
    band: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What the citizen pays, itemised; all in one currency."""

    principal: Money
    stamp: Money
    penalty: Money
    service_fee: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that can be paid now: whom, what for (of which class, how many), how much.

    ``billed_to``: the pseudonym of another subscriber whom the bill was issued to; to anybody else
    a bill shows its agency and its total only. ``about`` (``AGENCY/SERVICE``) is for counting.
    """

    agency: Names
    service: Names
    price: Price
    band: Names | None = None
    quantity: int = 1
    billed_to: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not; ``on`` is the day it is about (paid, expired) where the agency is."""

    reason: Refusal
    on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A citizen's yes to a total that was shown; the same ``id`` again is the same payment."""

    id: UUID
    payer: Msisdn
    wallet: str
    channel: str
    language: str
    agreed_total: Money
    control_number: str | None = None
    order: Order | None = None
    beneficiary: str = ""
    """The pseudonym of whom it is paid for, if that is somebody else."""
    began_at: datetime | None = None
    """When the dialogue began."""


@dataclass(frozen=True, slots=True)
class Started:
    """The payment is on its way; its control number is known from now on."""

    payment_id: UUID
    control_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """One of the subscriber's payments; ``state`` is pending, paid, refused or review."""

    agency: Names
    service: Names
    total: Money
    state: str
    on: date
    at: datetime
    control_number: str
    receipt_number: str | None = None
    receipt_code: str | None = None
    is_rated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBill:
    """A bill that was issued to the subscriber and can still be paid."""

    control_number: str
    agency: Names
    service: Names
    total: Money
    due_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundService:
    """A service by its short code (``1203``: agency 12, service 3), which never changes."""

    short_code: int
    agency: str
    agency_names: Names
    service: ServiceChoice
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStatus:
    """What became of something that the subscriber asked of an agency."""

    number: str
    kind: TicketKind
    state: TicketState
    agency: Names
    on: date
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a genuine receipt code proves."""

    number: str
    amount: Money
    agency: Names
    service: Names
    on: date


@dataclass(frozen=True, slots=True)
class WalletChoice:
    """A wallet that a channel's subscribers can pay from."""

    code: str
    names: Names = field(hash=False)
    currencies: tuple[str, ...]


class Gateway(Protocol):
    """The rest of Mizan, as the menu sees it."""

    async def language(self, msisdn: Msisdn) -> str | None:
        """The language the subscriber chose before, if any."""
        ...

    async def set_language(self, msisdn: Msisdn, language: str) -> None:
        """Remember it."""
        ...

    async def agencies(self, country: str | None) -> Sequence[AgencyChoice]:
        """Agencies of a country (ISO 3166-1 alpha-2); all of them where it has none."""
        ...

    async def services(self, agency: str) -> Sequence[ServiceChoice]:
        """What an agency offers, by menu number."""
        ...

    async def directory(self, country: str | None) -> Sequence[FoundService]:
        """Every service of the agencies that ``agencies`` lists, by short code."""
        ...

    async def offer(self, control_number: str, viewer: Msisdn) -> Offer | Refused:
        """A bill by its control number (12 checked digits), as much of it as ``viewer`` may see.

        What a stranger may not see (withdrawn, another country's) reads as absent. Who tries too
        many numbers that are absent is told so (too_many_misses).
        """
        ...

    async def order_price(self, order: Order) -> Offer | Refused:
        """The price of a service today."""
        ...

    async def start(self, intent: Intent) -> Started | Refused:
        """Start a payment, once per id."""
        ...

    async def recent(self, payer: Msisdn, limit: int) -> Sequence[Recent]:
        """The subscriber's newest payments, newest first."""
        ...

    async def open_bills(self, payer: Msisdn, limit: int) -> Sequence[OpenBill]:
        """Bills issued to the subscriber that can be paid, the next due first."""
        ...

    async def remember(self, msisdn: Msisdn) -> str:
        """Put somebody on file; returns the pseudonym, which alone a session may keep."""
        ...

    async def send_receipt_again(self, payer: Msisdn, control_number: str) -> bool:
        """Send a copy of the receipt by SMS; False once there were enough."""
        ...

    async def rate(self, payer: Msisdn, control_number: str, score: int) -> bool:
        """Keep a score of 1 to 5 for a paid service; False if there was one before."""
        ...

    async def open_ticket(self, request: TicketRequest) -> Opened | TicketRefusal:
        """Ask something of the agency of a bill, once per id."""
        ...

    async def tickets(self, citizen: Msisdn, limit: int) -> Sequence[TicketStatus]:
        """What the subscriber asked, newest first."""
        ...

    async def check_receipt(self, code: str, viewer: Msisdn) -> Receipt | Refused | None:
        """The receipt behind a code of 15 digits; None if it is not genuine."""
        ...
