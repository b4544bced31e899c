"""Tickets: what a citizen asks of an agency about a bill, and the agency's one answer.

A ticket is open until somebody at the agency answers or closes it. Its number goes out by SMS, and
so does the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from kernel import subscribers, work
from kernel.database import Connection, Row
from kernel.digits import with_check_digits
from kernel.log import event
from kernel.msisdn import Msisdn
from kernel.sql import package_sql
from payments.desk import Desk

SQL = package_sql(__file__)

TELL_TICKET: Final = "sms.ticket"
"""Work kind: tell the citizen (key: ticket id and state, ``<id>:answered``)."""

NUMBER_DIGITS: Final = 9
MAX_NOTE: Final = 160
MAX_ANSWER: Final = 120
A_DAY: Final = 5
"""Tickets that one citizen may open in 24 hours."""

_DRAWS: Final = 8


class TicketKind(StrEnum):
    """What is asked for."""

    COMPLAINT = "complaint"
    INSTALMENTS = "instalments"
    CORRECTION = "correction"


class TicketState(StrEnum):
    """How far it is; answered and closed are ends."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


class TicketRefusal(StrEnum):
    """Why none was opened."""

    BILL_NOT_FOUND = "bill_not_found"
    TOO_MANY = "too_many"


REASONS: Final[Mapping[TicketKind, tuple[str, ...]]] = {
    TicketKind.COMPLAINT: ("not_served", "paid_twice", "no_receipt", "slow", "other"),
    TicketKind.INSTALMENTS: ("income", "illness", "job", "other"),
    TicketKind.CORRECTION: ("amount", "not_mine", "paid", "details", "other"),
}
"""Reasons to choose from, in the order of their numbers on the phone: only ever appended to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRequest:
    """A citizen's wish. ``id`` was made before, so that a repeat is the same ticket."""

    id: UUID
    citizen: Msisdn
    kind: TicketKind
    reason: str
    note: str
    control_number: str
    channel: str
    language: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A ticket is on file under this number (9 digits, ISO 7064 mod 97-10)."""

    number: str
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket, with the names of whom it concerns."""

    id: UUID
    number: str
    kind: TicketKind
    reason: str
    note: str
    control_number: str
    agency: str
    service: str
    agency_names: dict[str, str]
    agency_short_names: dict[str, str]
    service_names: dict[str, str]
    service_short_names: dict[str, str]
    zone: str
    citizen: bytes
    channel: str
    language: str
    state: TicketState
    opened_at: datetime
    state_at: datetime
    answer: str
    answered_by: str | None


async def open_ticket(desk: Desk, request: TicketRequest) -> Opened | TicketRefusal:
    """Put a wish on file, once per id, and once per bill and kind while it is open."""
    if request.reason not in REASONS[request.kind]:
        raise ValueError(f"{request.kind} has no reason {request.reason!r}")
    async with desk.database.transaction() as connection:
        answer = await _open(desk, connection, request)
    if isinstance(answer, Opened) and answer.is_new:
        desk.wake()
        event("ticket.opened", ticket=str(request.id), kind=request.kind, reason=request.reason)
    return answer


async def tickets_of(desk: Desk, citizen: Msisdn, limit: int = 5) -> list[Ticket]:
    """A citizen's newest tickets."""
    async with desk.database.read() as connection:
        rows = await connection.fetch(SQL["tickets_of"], desk.keys.pseudonym(citizen), limit)
    return [_ticket(row) for row in rows]


async def find(connection: Connection, ticket_id: UUID) -> Ticket | None:
    """One ticket."""
    row = await connection.fetchrow(SQL["ticket"], ticket_id)
    return None if row is None else _ticket(row)


async def end(
    connection: Connection, ticket_id: UUID, *, answer: str, by: str, at: datetime
) -> bool:
    """Answer an open ticket (or, without words, close it); False if it was ended before."""
    text = one_line(answer, MAX_ANSWER)
    state = TicketState.ANSWERED if text else TicketState.CLOSED
    ended = await connection.fetchval(SQL["end_ticket"], ticket_id, state, text, by, at)
    if ended is None:
        return False
    await work.enqueue(connection, TELL_TICKET, f"{ticket_id}:{state}")
    event("ticket.ended", ticket=str(ticket_id), state=state)
    return True


def one_line(text: str, most: int) -> str:
    """What somebody typed as one printable line of at most ``most`` characters."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:most].strip()


async def _open(
    desk: Desk, connection: Connection, request: TicketRequest
) -> Opened | TicketRefusal:
    at = desk.clock.now()
    citizen = await subscribers.remember(connection, desk.keys, request.citizen)
    await connection.execute(SQL["lock_citizen"], citizen)
    same = await connection.fetchval(
        SQL["same_ticket"], request.id, citizen, request.control_number, request.kind
    )
    if same is not None:
        return Opened(same, is_new=False)
    since = at - timedelta(days=1)
    if await connection.fetchval(SQL["tickets_since"], citizen, since) >= A_DAY:
        return TicketRefusal.TOO_MANY
    for _ in range(_DRAWS):
        number = await connection.fetchval(
            SQL["insert_ticket"],
            request.id,
            with_check_digits(desk.ids.digits(NUMBER_DIGITS - 2)),
            request.kind,
            request.reason,
            one_line(request.note, MAX_NOTE),
            request.control_number,
            citizen,
            request.channel,
            request.language,
            at,
        )
        if number is not None:
            await work.enqueue(connection, TELL_TICKET, f"{request.id}:{TicketState.OPEN}")
            return Opened(number, is_new=True)
    return TicketRefusal.BILL_NOT_FOUND


def _ticket(row: Row) -> Ticket:
    fields: dict[str, Any] = dict(row)
    fields["kind"] = TicketKind(fields["kind"])
    fields["state"] = TicketState(fields["state"])
    return Ticket(**fields)
