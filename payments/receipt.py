"""Receipts: a number to quote and a code that proves it (a keyed MAC in digits, ITU-T X.1456
style).

The code is a truncated HMAC over number, amount, agency and day: 15 digits, 49.8 bits. It can be
checked on the web, by USSD and by SMS, and cannot be made without the installation's key.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kernel.database import Connection, Row
from kernel.digits import only_digits, with_check_digits
from kernel.money import Money
from kernel.privacy import mac_digits
from kernel.sql import package_sql
from payments.desk import Desk

SQL = package_sql(__file__)

CODE_DIGITS: Final = 15
CODE_GROUP: Final = 5
NUMBER_DIGITS: Final = 11
_DRAWS = 8


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """What anybody who holds a code may know: that it is genuine, and for what."""

    number: str
    amount: Money
    agency_names: dict[str, str]
    service_names: dict[str, str]
    paid_at: datetime
    zone: str
    control_number: str


async def issue(
    desk: Desk, connection: Connection, payments: Sequence[Row], at: datetime
) -> dict[UUID, str]:
    """Give payments their receipts, in the transaction that books them; returns the numbers."""
    numbers: dict[UUID, str] = {}
    waiting = {payment["id"]: payment for payment in payments}
    for _ in range(_DRAWS):
        rows = [_drawn(desk, payment, at) for payment in waiting.values()]
        issued = await connection.fetch(SQL["insert_receipts"], *zip(*rows, strict=True), at)
        for row in issued:
            numbers[row["payment_id"]] = row["number"]
            del waiting[row["payment_id"]]
        if not waiting:
            return numbers
    raise RuntimeError("no free receipt number found: the number space is too full")


def _drawn(desk: Desk, payment: Row, at: datetime) -> tuple[object, ...]:
    amount = Money(payment["total"], payment["currency"])
    number = with_check_digits(desk.ids.digits(NUMBER_DIGITS - 2))
    code = _code(desk, number, amount, payment["agency"], at)
    return number, code, payment["id"], amount.minor, amount.currency


async def check(desk: Desk, typed: str) -> ReceiptCheck | None:
    """The receipt behind a typed code (spaces, hyphens, Arabic digits allowed); None if not
    genuine.
    """
    code = only_digits(typed) or ""
    if len(code) != CODE_DIGITS:
        return None
    async with desk.database.read() as connection:
        row = await connection.fetchrow(SQL["receipt_by_code"], code)
    if row is None:
        return None
    amount = Money(row["amount"], row["currency"])
    genuine = _code(desk, row["number"], amount, row["agency"], row["issued_at"])
    if not hmac.compare_digest(genuine, code):
        return None
    return ReceiptCheck(
        row["number"],
        amount,
        row["agency_names"],
        row["service_names"],
        row["issued_at"],
        row["zone"],
        row["control_number"],
    )


async def ledger_key(connection: Connection, typed: str) -> str | None:
    """The idempotency key of the entry behind a receipt's number or code; None if there is none."""
    digits = only_digits(typed)
    collection = await connection.fetchval(SQL["collection_of_receipt"], digits)
    return f"fee:{collection}" if collection else None


def _code(desk: Desk, number: str, amount: Money, agency: str, at: datetime) -> str:
    message = f"{number}|{amount.plain()}|{amount.currency}|{agency}|{at:%Y-%m-%d}"
    return mac_digits(desk.keys.derive("receipt-code"), message, CODE_DIGITS)
