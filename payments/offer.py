"""What the confirm screen shows: the bill and today's price, or why it cannot be paid now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from fees import bills
from fees.bills import Bill
from fees.control_number import read as control_number_of
from fees.tariff import Charge
from kernel.clock import business_date
from kernel.database import Connection
from kernel.sql import package_sql
from payments.desk import Desk
from payments.refusals import Refusal

SQL = package_sql(__file__)


@dataclass(frozen=True, slots=True)
class Offer:
    """A bill that may be paid now, and what it costs today where its agency is."""

    bill: Bill
    charge: Charge


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
    async with desk.database.read() as connection:
        return await offer_within(connection, digits, at=desk.clock.now())


async def offer_within(
    connection: Connection, control_number: str, *, at: datetime
) -> Offer | Refused:
    """The same on the caller's connection, for a checked control number."""
    bill = await bills.find(connection, control_number, at=at)
    # Asked of an absent bill too: whether there is one shows in nothing, not in the time either.
    held = await connection.fetchrow(SQL["open_payment_of_bill"], control_number)
    if bill is None:
        return Refused(Refusal.BILL_NOT_FOUND)
    if bill.state == "paid":
        return Refused(Refusal.BILL_ALREADY_PAID, at=bill.paid_at, payment=bill.paid_by, bill=bill)
    if held is not None:
        began, holder = held["created_at"], held["id"]
        return Refused(Refusal.PAYMENT_IN_FLIGHT, at=began, payment=holder, bill=bill)
    match bill.state:
        case "open":
            return Offer(bill, bill.charge(business_date(at, bill.agency.zone)))
        case "cancelled":
            return Refused(Refusal.BILL_CANCELLED, bill=bill)
        case "expired":
            return Refused(Refusal.BILL_EXPIRED, at=bill.expires_at, bill=bill)
        case unreachable:
            assert_never(unreachable)
