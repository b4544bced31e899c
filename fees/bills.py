"""Bills: an amount owed to an agency, named by a control number, with terms that never change.

An open bill whose time is over reads as expired; nothing has to run for that. Only the late penalty
depends on the day of payment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fees import control_number as control_numbers
from fees.agency import Agency, Service, agency_of, service_of
from fees.refusals import FeeRefusal
from fees.tariff import Asked, Charge, LatePenalty, price
from fees.terms import Terms, terms_in_force
from kernel.clock import business_date
from kernel.database import Connection, Row
from kernel.ids import Ids
from kernel.log import event
from kernel.money import Money, zero
from kernel.sql import package_sql

__all__ = [
    "Bill", "BillOrder", "Draft", "FeeRefusal", "Issued", "cancel", "draft_many", "find",
    "find_many", "issue", "issue_drafts", "issue_many", "mark_paid", "of_payer",
]  # fmt: skip

SQL = package_sql(__file__)

State = Literal["open", "paid", "cancelled", "expired"]

_ATTEMPTS = 8
_YEARS = range(2000, 2200)
_REFERENCE_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One bill as of the moment it was read."""

    control_number: str
    agency: Agency
    service: Service
    band: str | None
    quantity: int
    currency: str
    on_time: Charge
    late: LatePenalty
    state: State
    issued_at: datetime
    due_on: date
    expires_at: datetime | None
    payer: bytes | None
    reference: str | None
    paid_at: datetime | None = None
    paid_by: UUID | None = None

    def charge(self, on: date) -> Charge:
        """What it costs on a day of the agency's calendar: the quote, and what lateness adds."""
        return replace(self.on_time, penalty=self.late.after((on - self.due_on).days))


@dataclass(frozen=True, slots=True, kw_only=True)
class BillOrder:
    """What is asked for. ``assessed``: the agency states the amount in place of its tariff."""

    agency: str
    service: str
    quantity: int = 1
    amount: Money | None = None
    currency: str | None = None
    """What the price is expected to be in; none: the amount's, or any."""
    band: str | None = None
    assessed: bool = False
    payer: bytes | None = None
    due_on: date | None = None
    expires_on: date | None = None
    """The last day on which it may be paid."""
    reference: str | None = None
    """The agency's own name for it; asking again under the same one gives the same bill."""

    def fingerprint(self) -> bytes:
        """Digest of all that was asked."""
        asked = [
            self.service, self.quantity, self.amount and str(self.amount), self.band, self.assessed,
            self.payer and self.payer.hex(), str(self.due_on), str(self.expires_on),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(asked).encode()).digest()


@dataclass(frozen=True, slots=True)
class Issued:
    """A bill, and whether this call made it or an earlier one with the same reference."""

    bill: Bill
    is_new: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A bill as it would be issued, without its control number; nothing of it is written."""

    order: BillOrder
    bill: Bill


async def find(
    connection: Connection, control_number: str, *, at: datetime | None = None
) -> Bill | None:
    """The bill of a control number (twelve digits), as of ``at`` or of the database's now."""
    return (await find_many(connection, [control_number], at=at)).get(control_number)


async def find_many(
    connection: Connection, control_numbers: Sequence[str], *, at: datetime | None = None
) -> dict[str, Bill]:
    """The same for several; numbers that nobody issued are left out."""
    rows = await connection.fetch(SQL["bills"], control_numbers, at)
    return {row["control_number"]: _bill_of(row) for row in rows}


async def of_payer(connection: Connection, payer: bytes, *, at: datetime, limit: int) -> list[Bill]:
    """Bills issued to a subscriber (by pseudonym) that are open at a moment, the next due first."""
    rows = await connection.fetch(SQL["bills_of_payer"], payer, at, limit)
    return [_bill_of(row) for row in rows]


async def issue(
    connection: Connection,
    ids: Ids,
    *,
    agency: str,
    service: str,
    at: datetime,
    quantity: int = 1,
    amount: Money | None = None,
    currency: str | None = None,
    band: str | None = None,
    assessed: bool = False,
    payer: bytes | None = None,
    due_on: date | None = None,
    expires_on: date | None = None,
    reference: str | None = None,
) -> Bill | FeeRefusal:
    """Issue one bill by the tariff in force; see ``issue_many``."""
    order = BillOrder(
        agency=agency, service=service, quantity=quantity, amount=amount, currency=currency,
        band=band, assessed=assessed, payer=payer, due_on=due_on, expires_on=expires_on,
        reference=reference,
    )  # fmt: skip
    [answer] = await issue_many(connection, ids, [order], at=at)
    if isinstance(answer, FeeRefusal):
        return answer
    if answer.is_new:
        event("bill.issued", agency=agency, service=service, currency=answer.bill.currency)
    return answer.bill


async def issue_many(
    connection: Connection, ids: Ids, orders: Sequence[BillOrder], *, at: datetime
) -> list[Issued | FeeRefusal]:
    """Issue bills within the caller's transaction; one answer an order, in order.

    Refuses: all of FeeRefusal. A refused order writes nothing and does not touch its neighbours.
    """
    drafts = await draft_many(connection, orders, at=at)
    issued = iter(
        await issue_drafts(
            connection, ids, [each for each in drafts if not isinstance(each, FeeRefusal)]
        )
    )
    return [each if isinstance(each, FeeRefusal) else next(issued) for each in drafts]


async def draft_many(
    connection: Connection, orders: Sequence[BillOrder], *, at: datetime
) -> list[Draft | FeeRefusal]:
    """What issuing would make, by the tariffs in force; reads only. In the order of the orders."""
    wanted = [(order.agency, order.service) for order in orders]
    terms = await terms_in_force(connection, wanted, at=at)
    return [_draft(order, terms[order.agency, order.service], at) for order in orders]


async def issue_drafts(
    connection: Connection, ids: Ids, drafts: Sequence[Draft]
) -> list[Issued | FeeRefusal]:
    """Issue drafts within the caller's transaction; refuses only reference_taken."""
    answers: dict[int, Issued | FeeRefusal] = {}
    waiting = dict(enumerate(drafts))
    for _ in range(_ATTEMPTS):
        if not waiting:
            return [answers[place] for place in range(len(drafts))]
        answers |= await _write(connection, ids, waiting)
        waiting = {place: draft for place, draft in waiting.items() if place not in answers}
    raise RuntimeError("could not draw a free control number")


async def mark_paid(
    connection: Connection, control_number: str, *, payment: UUID, at: datetime
) -> bool:
    """Close the bill for a payment; True again for the same. False: paid by another, or cancelled.

    A bill that expired while the payment was on its way is paid all the same.
    """
    return bool(await mark_many_paid(connection, [(control_number, payment, at)]))


async def mark_many_paid(
    connection: Connection, paid: Sequence[tuple[str, UUID, datetime]]
) -> set[UUID]:
    """The same for several (number, payment, moment), each bill once; returns the payments."""
    rows = await connection.fetch(SQL["mark_paid"], *zip(*paid, strict=True))
    for row in rows:
        if row["is_new"]:
            event("bill.paid", payment=str(row["payment"]))
    return {row["payment"] for row in rows}


async def cancel(
    connection: Connection, control_number: str, *, at: datetime, because: str
) -> bool:
    """Withdraw an open bill; False if it is not open (or not there)."""
    done = await connection.fetchval(SQL["cancel_bill"], control_number, at, because)
    if done:
        event("bill.cancelled", because=because)
    return bool(done)


def _draft(order: BillOrder, terms: Terms | FeeRefusal, at: datetime) -> Draft | FeeRefusal:
    if isinstance(terms, FeeRefusal):
        return terms
    if order.reference is not None and not _is_fit(order.reference):
        return FeeRefusal.REFERENCE_UNFIT
    asked = Asked(
        quantity=order.quantity, amount=order.amount, currency=order.currency, band=order.band,
        assessed=order.assessed,
    )  # fmt: skip
    charge = price(terms.tariff, asked)
    if isinstance(charge, FeeRefusal):
        return charge
    zone, tariff = terms.agency.zone, terms.tariff
    due_on = order.due_on or business_date(at, zone) + timedelta(days=tariff.due_days)
    last_day = order.expires_on
    if last_day is None and tariff.expire_days is not None:
        last_day = due_on + timedelta(days=tariff.expire_days)
    if not _agree(due_on, last_day, business_date(at, zone)):
        return FeeRefusal.DATES_DISAGREE
    bill = Bill(
        control_number="",
        agency=terms.agency,
        service=terms.service,
        band=order.band,
        quantity=order.quantity,
        currency=tariff.currency,
        on_time=charge,
        late=tariff.late,
        state="open",
        issued_at=at,
        due_on=due_on,
        expires_at=None if last_day is None else _end_of(last_day, zone),
        payer=order.payer,
        reference=order.reference,
    )
    return Draft(order, bill)


def _is_fit(reference: str) -> bool:
    return 0 < len(reference) <= _REFERENCE_MAX and reference.isprintable()


def _agree(due_on: date, last_day: date | None, today: date) -> bool:
    days = [due_on] if last_day is None else [due_on, last_day]
    in_sight = all(day.year in _YEARS for day in days)
    return in_sight and (last_day is None or max(due_on, today) <= last_day)


def _end_of(day: date, zone: str) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(UTC)


async def _write(
    connection: Connection, ids: Ids, waiting: dict[int, Draft]
) -> dict[int, Issued | FeeRefusal]:
    """Answers for what was written now or before; a taken control number has none yet."""
    numbered: dict[str, int] = {}
    # In the order of references: two imports that share some never wait in a circle.
    for place in sorted(waiting, key=lambda at: waiting[at].bill.reference or ""):
        while (number := control_numbers.make(ids)) in numbered:
            pass
        numbered[number] = place
    bills = {
        place: replace(waiting[place].bill, control_number=number)
        for number, place in numbered.items()
    }
    columns = zip(*(_columns(bills[place], waiting[place].order) for place in bills), strict=True)
    written = await connection.fetch(SQL["insert_bills"], *columns)
    new = {numbered[row["control_number"]] for row in written}
    answers: dict[int, Issued | FeeRefusal] = {place: Issued(bills[place], True) for place in new}
    return answers | await _issued_before(
        connection, {place: draft for place, draft in waiting.items() if place not in new}
    )


async def _issued_before(
    connection: Connection, drafts: dict[int, Draft]
) -> dict[int, Issued | FeeRefusal]:
    named = {place: draft for place, draft in drafts.items() if draft.order.reference is not None}
    if not named:
        return {}
    agencies = [draft.order.agency for draft in named.values()]
    references = [draft.order.reference for draft in named.values()]
    at = next(iter(named.values())).bill.issued_at
    rows = await connection.fetch(SQL["bills_by_reference"], agencies, references, at)
    known = {(row["agency"], row["reference"]): row for row in rows}
    answers: dict[int, Issued | FeeRefusal] = {}
    for place, draft in named.items():
        row = known.get((draft.order.agency, draft.order.reference))
        if row is not None:
            is_same = row["fingerprint"] == draft.order.fingerprint()
            answers[place] = Issued(_bill_of(row), False) if is_same else FeeRefusal.REFERENCE_TAKEN
    return answers


def _columns(bill: Bill, order: BillOrder) -> Iterable[object]:
    charge, late = bill.on_time, bill.late
    return (
        bill.control_number, bill.agency.code, bill.service.code, bill.band, bill.quantity,
        bill.currency, charge.principal.minor, charge.stamp.minor, charge.service_fee.minor,
        charge.agency_fee.minor, late.per_day.minor, late.cap_per_year.minor, bill.issued_at,
        bill.due_on, bill.expires_at, bill.payer, bill.reference, order.fingerprint(),
    )  # fmt: skip


def _bill_of(row: Row) -> Bill:
    currency: str = row["currency"]
    return Bill(
        control_number=row["control_number"],
        agency=agency_of(row),
        service=service_of(row),
        band=row["band"],
        quantity=row["quantity"],
        currency=currency,
        on_time=Charge(
            principal=Money(row["principal_minor"], currency),
            stamp=Money(row["stamp_minor"], currency),
            penalty=zero(currency),
            service_fee=Money(row["service_fee_minor"], currency),
            agency_fee=Money(row["agency_fee_minor"], currency),
        ),
        late=LatePenalty(
            Money(row["late_day_minor"], currency), Money(row["late_cap_minor"], currency)
        ),
        state=row["state_now"],
        issued_at=row["issued_at"],
        due_on=row["due_on"],
        expires_at=row["expires_at"],
        payer=row["payer"],
        reference=row["reference"],
        paid_at=row["paid_at"],
        paid_by=row["paid_by"],
    )
