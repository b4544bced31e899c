"""The carrier port: what an SMS route does, and the closed lists adapters translate into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

from starlette.datastructures import ImmutableMultiDict

from kernel.msisdn import Msisdn

Form: TypeAlias = ImmutableMultiDict[str, str]


class Delivery(StrEnum):
    """How far a message got; ranks in ``sms.rank`` say which may follow which."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


class Failure(StrEnum):
    """Why a message will not arrive."""

    BAD_RECIPIENT = "bad_recipient"
    UNSUBSCRIBED = "unsubscribed"
    STOPPED = "stopped"
    REGION_CLOSED = "region_closed"
    BAD_SENDER = "bad_sender"
    CREDENTIALS = "credentials"
    TEXT_REFUSED = "text_refused"
    FILTERED = "filtered"
    UNREACHABLE = "unreachable"
    LANDLINE = "landline"
    CARRIER_BUSY = "carrier_busy"
    NO_ANSWER = "no_answer"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to hand over; ``status_url`` is where the carrier reports on it."""

    id: UUID
    to: Msisdn
    text: str
    status_url: str


@dataclass(frozen=True, slots=True)
class Sent:
    """The carrier took it, under a name of its own."""

    reference: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The carrier will not take it; asking again is no use. ``code`` is the carrier's own."""

    failure: Failure
    code: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not known to be taken: asking again may help, and may send it twice."""

    detail: str
    failure: Failure = Failure.NO_ANSWER


Handover: TypeAlias = Sent | Refused | Unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A delivery report: about which message; ``state`` None if the carrier's word is unknown."""

    message: UUID
    state: Delivery | None
    word: str
    reference: str | None = None
    failure: Failure | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Inbound:
    """What somebody wrote to us; ``reference`` is the carrier's name for it, repeats included."""

    reference: str
    sender: str
    text: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """A call from a carrier: its address as the carrier knows it, its fields as they arrived."""

    url: str
    query: Mapping[str, str]
    form: Form
    headers: Mapping[str, str]


class Carrier(Protocol):
    """One SMS route; everything but ``send`` is pure."""

    async def send(self, message: Outgoing) -> Handover:
        """Hand a message over; never raises for what the other side does."""
        ...

    def is_genuine(self, webhook: Webhook) -> bool:
        """Whether the carrier itself made this call (beyond the secret in its address)."""
        ...

    def read_report(self, webhook: Webhook) -> Report | None:
        """Read a delivery report; None if it is not one."""
        ...

    def read_inbound(self, form: Form) -> Inbound | None:
        """Read a message to us; None if it is not one."""
        ...

    def thanks(self) -> tuple[bytes, str]:
        """Body and media type that acknowledge a message to us without answering it."""
        ...


def single(form: Form, name: str) -> str | None:
    """The value of a field that is there exactly once."""
    values = form.getlist(name)
    return values[0] if len(values) == 1 else None


def read_uuid(text: str | None) -> UUID | None:
    """A UUID, or None for anything else."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
