"""The shapes of the API as JSON Schema (2020-12): the tables that describe it also check it.

Amounts are strings in the currency's full scale (``"5.000"`` JOD): no JSON reader may round them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

AMOUNT: Final = {
    "type": "string",
    "pattern": r"^[0-9]{1,15}(\.[0-9]{1,3})?$",
    "examples": ["5.000"],
    "description": "Digits and a point, all decimals of the currency, no grouping.",
}
CURRENCY: Final = {"type": "string", "pattern": "^[A-Z]{3}$", "examples": ["JOD"]}
CODE: Final = {"type": "string", "pattern": "^[A-Z0-9][A-Z0-9-]{0,39}$", "examples": ["PASSPORT"]}
CONTROL_NUMBER: Final = {"type": "string", "pattern": "^[1-9][0-9]{11}$"}
MOMENT: Final = {"type": "string", "format": "date-time", "description": "RFC 3339, in UTC."}
DAY: Final = {"type": "string", "format": "date", "examples": ["2026-12-31"]}
REFERENCE: Final = {
    "type": "string",
    "pattern": "^[A-Za-z0-9 .:/#_-]{1,64}$",
    "description": "Your own name for the bill. The same one again gives the same bill.",
}


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


NAMES: Final = {
    "type": "object",
    "additionalProperties": {"type": "string"},
    "description": "By language: ar, en, fr.",
}

BILL_ORDER: Final = _object(
    {
        "service": {**CODE, "description": "One of your services."},
        "amount": {
            **AMOUNT,
            "description": "What you assessed, in place of your tariff's price. Needs currency.",
        },
        "currency": CURRENCY,
        "quantity": {"type": "integer", "minimum": 1, "maximum": 10000},
        "band": {**CODE, "description": "For services priced by band."},
        "payer": {
            "type": "string",
            "pattern": r"^\+[1-9][0-9]{6,14}$",
            "description": "The MSISDN of who owes it. Anybody may pay it all the same.",
            "examples": ["+962790000000"],
        },
        "due_on": DAY,
        "expires_on": {**DAY, "description": "The last day on which it may be paid."},
        "reference": REFERENCE,
    },
    optional=(
        "amount", "currency", "quantity", "band", "payer", "due_on", "expires_on", "reference",
    ),
)  # fmt: skip

BILL: Final = _object(
    {
        "control_number": {**CONTROL_NUMBER, "description": "What the citizen types."},
        "state": {"enum": ["open", "paid", "cancelled", "expired"]},
        "agency": CODE,
        "service": CODE,
        "band": _or_null(CODE),
        "quantity": {"type": "integer", "minimum": 1},
        "currency": CURRENCY,
        "principal": AMOUNT,
        "stamp": AMOUNT,
        "penalty": {**AMOUNT, "description": "For being late, as of today where you are."},
        "service_fee": AMOUNT,
        "total": {**AMOUNT, "description": "What the citizen pays today."},
        "issued_at": MOMENT,
        "due_on": DAY,
        "expires_at": _or_null(MOMENT),
        "paid_at": _or_null(MOMENT),
        "reference": _or_null({"type": "string"}),
    }
)

PAYMENT: Final = _object(
    {
        "id": {"type": "string", "format": "uuid"},
        "state": {
            "enum": ["pending", "paid", "refused", "review"],
            "description": "review: the outcome is not known and a person is finding out.",
        },
        "control_number": CONTROL_NUMBER,
        "total": AMOUNT,
        "currency": CURRENCY,
        "created_at": MOMENT,
        "receipt_number": _or_null({"type": "string"}),
    }
)

PAYMENTS: Final = _object({"payments": {"type": "array", "items": PAYMENT}})

RECEIPT: Final = _object(
    {
        "receipt_number": {"type": "string"},
        "control_number": CONTROL_NUMBER,
        "amount": AMOUNT,
        "currency": CURRENCY,
        "paid_at": MOMENT,
        "agency_names": NAMES,
        "service_names": NAMES,
    }
)

PROBLEM: Final = _object(
    {
        "type": {"type": "string", "description": "Where the problem is explained."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What to do about it."},
        "code": {"type": "string", "description": "Stable: compare this one."},
        "errors": {
            "type": "array",
            "items": _object({"field": {"type": "string"}, "detail": {"type": "string"}}),
        },
    },
    optional=("errors",),
)

SHAPES: Final[Mapping[str, Schema]] = {
    "BillOrder": BILL_ORDER,
    "Bill": BILL,
    "Payment": PAYMENT,
    "Payments": PAYMENTS,
    "Receipt": RECEIPT,
    "Problem": PROBLEM,
}
"""Every shape by the name it has in the description."""


def faults(shape: Schema, value: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with a flat object, by field; empty when it fits its shape."""
    found = {name: "is missing" for name in shape["required"] if name not in value}
    for name, given in value.items():
        rule = shape["properties"].get(name)
        complaint = "is not a field of this request" if rule is None else _fault(rule, given)
        if complaint:
            found[name] = complaint
    return found


def _fault(rule: Schema, given: object) -> str:
    if rule["type"] == "integer":
        if not isinstance(given, int) or isinstance(given, bool):
            return "must be a whole number, without quotes"
        low, high = rule["minimum"], rule["maximum"]
        return "" if low <= given <= high else f"must be from {low} to {high}"
    if not isinstance(given, str):
        return "must be text, in quotes"
    if rule.get("format") == "date":
        return "" if _is_day(given) else "must be a day like 2026-12-31"
    return "" if re.fullmatch(rule["pattern"], given) else f"must match {rule['pattern']}"


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
