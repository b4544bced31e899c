"""What the confirm screen shows: the bill and today's price, or why it cannot be paid now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from fees import bills, catalogue
from fees.bills import Bill
from fees.control_number import read as control_number_of
from fees.tariff import Charge
from kernel.clock import business_date
from kernel.database import Connection
from kernel.msisdn import Msisdn
from kernel.sql import package_sql
from payments.desk import Desk
from payments.refusals import Refusal

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Offer:
    """A bill that may be paid now, and what it costs today where its agency is.

    ``is_anothers``: who asks is a stranger to it, and is shown its agency and the total only.
    """

    bill: Bill
    charge: Charge
    is_anothers: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not; with the moment (paid, started), the payment and the bill it is about, where there
    is one.
    """

    refusal: Refusal
    at: datetime | None = None
    payment: UUID | None = None
    offer: Offer | None = None
    bill: Bill | None = None


async def offer(desk: Desk, control_number: str) -> Offer | Refused:
    """Price a bill by its control number, typed in any digits.

    Refuses: control_number_mistyped, bill_not_found, bill_already_paid, payment_in_flight,
    bill_cancelled, bill_expired.
    """
    digits = control_number_of(control_number)
    if digits is None:
        return Refused(Refusal.CONTROL_NUMBER_MISTYPED)
    at = desk.clock.now()
    async with desk.database.read() as connection:
        # In this order: a bill that was let go because it is paid is then seen to be paid. Both
        # are asked of an absent bill too: whether there is one does not show in the time either.
        holders = await holders_of(connection, [digits])
        bill = await bills.find(connection, digits, at=at)
    return judge(bill, holders.get(digits), at=at)


async def offer_to(desk: Desk, control_number: str, viewer: Msisdn) -> Offer | Refused:
    """The same, as much of it as a citizen may see; a bill of another country than theirs reads as
    absent, where theirs has agencies. The same questions to the database whether there is a bill or
    not.
    """
    async with desk.database.read() as connection:
        is_served = await catalogue.is_served(connection, viewer.region)
    offered = await offer(desk, control_number)
    bill, own = offered.bill, desk.keys.pseudonym(viewer)
    if bill is None or bill.payer == own:
        return offered
    if is_served and bill.agency.country != viewer.region:
        return Refused(Refusal.BILL_NOT_FOUND)
    return as_seen_by(own, offered)


def as_seen_by(own: bytes, offered: Offer | Refused) -> Offer | Refused:
    """What a citizen (a pseudonym) may know of it.

    To all but its payer a withdrawn bill reads as absent. Of a bill in somebody's name a stranger
    sees agency and total, or why it cannot be paid, and no day. One that names nobody is shown
    whole: it is whoever's has its number, and tells of no person.
    """
    bill = offered.bill
    if bill is None or bill.payer == own:
        return offered
    if bill.state == "cancelled":
        return Refused(Refusal.BILL_NOT_FOUND)
    if bill.payer is None:
        return offered
    if isinstance(offered, Offer):
        return replace(offered, is_anothers=True)
    return Refused(offered.refusal)


def is_miss(seen: Offer | Refused) -> bool:
    """Whether somebody asked for a bill that is not there, as far as they may know."""
    return isinstance(seen, Refused) and seen.refusal is Refusal.BILL_NOT_FOUND


@dataclass(frozen=True, slots=True)
class Holder:
    """The payment that holds a bill, and since when."""

    id: UUID
    since: datetime


async def holders_of(connection: Connection, control_numbers: Sequence[str]) -> dict[str, Holder]:
    """Who holds which of these bills now."""
    rows = await connection.fetch(SQL["open_payments_of_bills"], control_numbers)
    return {row["control_number"]: Holder(row["id"], row["created_at"]) for row in rows}


def judge(bill: Bill | None, holder: Holder | None, *, at: datetime) -> Offer | Refused:
    """What a bill that was read and whoever holds it come to."""
    if bill is None:
        return Refused(Refusal.BILL_NOT_FOUND)
    if bill.state == "paid":
        return Refused(Refusal.BILL_ALREADY_PAID, at=bill.paid_at, payment=bill.paid_by, bill=bill)
    if holder is not None:
        return Refused(Refusal.PAYMENT_IN_FLIGHT, at=holder.since, payment=holder.id, bill=bill)
    match bill.state:
        case "open":
            return Offer(bill, bill.charge(business_date(at, bill.agency.zone)))
        case "cancelled":
            return Refused(Refusal.BILL_CANCELLED, bill=bill)
        case "expired":
            return Refused(Refusal.BILL_EXPIRED, at=bill.expires_at, bill=bill)
        case unreachable:
            assert_never(unreachable)
