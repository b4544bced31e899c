"""What agencies can ask: bills, payments and receipts, each only their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.desk import ApiDesk
from api.problems import Problem
from api.requests import agency_of, idempotency_key, json_object
from api.shapes import BILL_ORDER, faults
from fees import bills, control_number
from fees.bills import Bill, BillOrder, FeeRefusal
from kernel import subscribers
from kernel.clock import business_date
from kernel.currency import UnknownCurrency
from kernel.database import Connection
from kernel.log import event
from kernel.money import BadAmount, Money
from kernel.msisdn import BadMsisdn, Msisdn
from kernel.sql import package_sql
from payments import receipt, view
from payments.view import PaymentDetail

SQL = package_sql(__file__)


async def post_bill(desk: ApiDesk, request: Request) -> Response:
    """Issue a bill: 201 for a new one, 200 for a repeat under the same key or reference."""
    agency = await agency_of(desk, request)
    key = idempotency_key(request)
    body = await json_object(request)
    wrong = faults(BILL_ORDER, body)
    if wrong:
        raise Problem("body_unfit", errors=wrong)
    if key is None and "reference" not in body:
        raise Problem("name_missing")
    amount, payer = _amount(body), _payer(body)
    async with desk.desk.database.transaction() as connection:
        if key is not None:
            before = await _issued_under(desk, connection, (agency, key), body)
            if before is not None:
                return _answer(desk, before, 200)
        pseudonym = None
        if payer is not None:
            pseudonym = await subscribers.remember(connection, desk.desk.keys, payer)
        order = BillOrder(
            agency=agency,
            service=body["service"],
            quantity=body.get("quantity", 1),
            amount=amount,
            currency=body.get("currency"),
            band=body.get("band"),
            assessed=amount is not None,
            payer=pseudonym,
            due_on=_day(body, "due_on"),
            expires_on=_day(body, "expires_on"),
            reference=body.get("reference"),
        )
        [issued] = await bills.issue_many(
            connection, desk.desk.ids, [order], at=desk.desk.clock.now()
        )
        if isinstance(issued, FeeRefusal):
            raise Problem(issued.value)
        if key is not None:
            await connection.execute(SQL["record_issued"], agency, key, issued.bill.control_number)
    event("api.bill_asked", agency=agency, service=issued.bill.service.code, is_new=issued.is_new)
    return _answer(desk, issued.bill, 201 if issued.is_new else 200)


async def get_bill(desk: ApiDesk, request: Request) -> Response:
    """One of the agency's bills as it stands now."""
    agency = await agency_of(desk, request)
    async with desk.desk.database.read() as connection:
        bill = await _own(desk, connection, agency, request.path_params["control_number"])
    return _answer(desk, bill, 200)


async def get_payments(desk: ApiDesk, request: Request) -> Response:
    """All attempts to pay one of the agency's bills, newest first."""
    agency = await agency_of(desk, request)
    typed = request.query_params.getlist("control_number")
    if len(typed) != 1:
        raise Problem("control_number_missing")
    async with desk.desk.database.read() as connection:
        bill = await _own(desk, connection, agency, typed[0])
        found = await view.payments_of_bill(connection, bill.control_number)
    return _json({"payments": [_payment(payment) for payment in found]}, 200)


async def get_receipt(desk: ApiDesk, request: Request) -> Response:
    """The receipt behind a code, if it is genuine and the agency's own."""
    agency = await agency_of(desk, request)
    found = await receipt.check(desk.desk, request.path_params["code"])
    if found is None:
        raise Problem("receipt_not_found")
    async with desk.desk.database.read() as connection:
        bill = await bills.find(connection, found.control_number)
    if bill is None or bill.agency.code != agency:
        raise Problem("receipt_not_found")
    return _json(
        {
            "receipt_number": found.number,
            "control_number": found.control_number,
            "amount": found.amount.plain(),
            "currency": found.amount.currency,
            "paid_at": _moment(found.paid_at),
            "agency_names": found.agency_names,
            "service_names": found.service_names,
        },
        200,
    )


async def _issued_under(
    desk: ApiDesk, connection: Connection, name: tuple[str, str], body: Mapping[str, Any]
) -> Bill | None:
    """The bill an earlier request under this key made; None if this is the first one."""
    text = json.dumps(body, sort_keys=True).encode()
    fingerprint, at = hashlib.sha256(text).digest(), desk.desk.clock.now()
    if await connection.fetchval(SQL["claim_request"], *name, fingerprint, at):
        return None
    row = await connection.fetchrow(SQL["claimed_request"], *name)
    if row is None or row["fingerprint"] != fingerprint:
        raise Problem("idempotency_key_reused")
    return await bills.find(connection, row["control_number"], at=at)


async def _own(desk: ApiDesk, connection: Connection, agency: str, typed: str) -> Bill:
    number = control_number.read(typed)
    if number is None:
        raise Problem("control_number_mistyped")
    bill = await bills.find(connection, number, at=desk.desk.clock.now())
    if bill is None or bill.agency.code != agency:
        raise Problem("bill_not_found")
    return bill


def _amount(body: Mapping[str, Any]) -> Money | None:
    if "amount" not in body:
        return None
    if "currency" not in body:
        raise Problem("body_unfit", errors={"currency": "is needed with an amount"})
    try:
        amount = Money.parse(body["amount"], body["currency"])
    except UnknownCurrency as problem:
        raise Problem("body_unfit", errors={"currency": str(problem)}) from None
    except BadAmount as problem:
        raise Problem("body_unfit", errors={"amount": str(problem)}) from None
    return amount


def _payer(body: Mapping[str, Any]) -> Msisdn | None:
    try:
        return Msisdn.parse(body["payer"]) if "payer" in body else None
    except BadMsisdn as problem:
        raise Problem("body_unfit", errors={"payer": str(problem)}) from None


def _day(body: Mapping[str, Any], name: str) -> date | None:
    return date.fromisoformat(body[name]) if name in body else None


def _answer(desk: ApiDesk, bill: Bill, status: int) -> Response:
    # A paid bill cost what it did on the day it was paid; lateness since then adds nothing.
    as_of = bill.paid_at or desk.desk.clock.now()
    charge = bill.charge(business_date(as_of, bill.agency.zone))
    body = {
        "control_number": bill.control_number,
        "state": bill.state,
        "agency": bill.agency.code,
        "service": bill.service.code,
        "band": bill.band,
        "quantity": bill.quantity,
        "currency": bill.currency,
        "principal": charge.principal.plain(),
        "stamp": charge.stamp.plain(),
        "penalty": charge.penalty.plain(),
        "service_fee": charge.service_fee.plain(),
        "total": charge.total.plain(),
        "issued_at": _moment(bill.issued_at),
        "due_on": bill.due_on.isoformat(),
        "expires_at": _moment(bill.expires_at) if bill.expires_at else None,
        "paid_at": _moment(bill.paid_at) if bill.paid_at else None,
        "reference": bill.reference,
    }
    headers = {"location": f"/api/v1/bills/{bill.control_number}"} if status == 201 else {}
    return _json(body, status, headers)


def _payment(payment: PaymentDetail) -> dict[str, Any]:
    return {
        "id": str(payment.id),
        "state": payment.public_state.value,
        "control_number": payment.control_number,
        "total": payment.total.plain(),
        "currency": payment.total.currency,
        "created_at": _moment(payment.created_at),
        "receipt_number": payment.receipt_number,
    }


def _json(
    body: Mapping[str, Any], status: int, headers: Mapping[str, str] | None = None
) -> Response:
    return JSONResponse(body, status, {"cache-control": "no-store", **(headers or {})})


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
