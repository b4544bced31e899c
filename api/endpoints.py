"""Every endpoint of the API in one table: routes, description and docs page are made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from api import resources
from api.desk import ApiDesk
from api.shapes import CONTROL_NUMBER, Schema
from fees.refusals import FeeRefusal

Handler = Callable[[ApiDesk, Request], Awaitable[Response]]

PREFIX: Final = "/api/v1"
KEY_PROBLEMS: Final = ("key_missing", "key_unknown", "unavailable", "fault")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value outside the body; ``place`` is ``path``, ``query`` or ``header``."""

    name: str
    place: str
    about: str
    schema: Schema
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One operation: what it takes, what it answers (shape by HTTP status), what can go wrong."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    handle: Handler
    answers: dict[int, str]
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    problems: tuple[str, ...] = ()


_NUMBER: Final = "Twelve digits; spaces, hyphens and Arabic-Indic digits are accepted."

ENDPOINTS: Final = (
    Endpoint(
        id="issueBill",
        method="POST",
        path="/bills",
        summary="Issue a bill",
        about="Gives a control number to hand to the citizen. Send an Idempotency-Key or a"
        " reference: a repeated request then answers 200 with the bill that the first one made.",
        handle=resources.post_bill,
        parameters=(
            Parameter(
                "Idempotency-Key",
                "header",
                "Your name for this request, kept for ever.",
                {"type": "string", "minLength": 1, "maxLength": 100},
                required=False,
            ),
        ),
        body="BillOrder",
        answers={201: "Bill", 200: "Bill"},
        problems=(
            "body_too_large",
            "body_not_json",
            "body_unfit",
            "name_missing",
            "idempotency_key_unfit",
            "idempotency_key_reused",
            *(refusal.value for refusal in FeeRefusal),
        ),
    ),
    Endpoint(
        id="getBill",
        method="GET",
        path="/bills/{control_number}",
        summary="Look at a bill",
        about="Your bill as it stands now: its state, and what it costs today.",
        handle=resources.get_bill,
        parameters=(Parameter("control_number", "path", _NUMBER, CONTROL_NUMBER),),
        answers={200: "Bill"},
        problems=("control_number_mistyped", "bill_not_found"),
    ),
    Endpoint(
        id="listPayments",
        method="GET",
        path="/payments",
        summary="List the payments of a bill",
        about="Every attempt to pay it, newest first. At most one of them is paid.",
        handle=resources.get_payments,
        parameters=(Parameter("control_number", "query", _NUMBER, CONTROL_NUMBER),),
        answers={200: "Payments"},
        problems=("control_number_missing", "control_number_mistyped", "bill_not_found"),
    ),
    Endpoint(
        id="checkReceipt",
        method="GET",
        path="/receipts/{code}",
        summary="Check a receipt",
        about="What the receipt with this code says, if it is genuine and was issued for you.",
        handle=resources.get_receipt,
        parameters=(
            Parameter(
                "code", "path", "The fifteen digits on it.", {"type": "string", "minLength": 15}
            ),
        ),
        answers={200: "Receipt"},
        problems=("receipt_not_found",),
    ),
)
