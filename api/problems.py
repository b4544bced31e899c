"""What can go wrong and what to do about it: one closed table, sent as RFC 9457 problem details."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
from starlette.responses import Response

from fees.refusals import MEANING, FeeRefusal

MEDIA_TYPE: Final = "application/problem+json"
EXPLAINED_AT: Final = "/api/v1/docs"

AWAY: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)
"""What is raised when the database cannot be reached (time-outs are OSErrors)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: HTTP status, what it is, what the caller can do."""

    status: int
    title: str
    advice: str


KINDS: Final[dict[str, Kind]] = {
    "key_missing": Kind(401, "No API key", "Send Authorization: Bearer and your key."),
    "key_unknown": Kind(
        401, "The API key is not valid", "Check it, or ask the operator of Mizan for a new one."
    ),
    "no_such_page": Kind(404, "There is nothing here", "The paths are listed in the docs."),
    "method_not_allowed": Kind(
        405, "This path has no such method", "The Allow header lists its methods."
    ),
    "body_too_large": Kind(413, "The body is too large", "Send 64 KiB at most."),
    "body_not_json": Kind(
        400, "The body is not a JSON object", "Send one object in UTF-8, each field once."
    ),
    "body_unfit": Kind(422, "Some fields do not fit", "Correct the fields listed in errors."),
    "name_missing": Kind(
        400,
        "The request has no name of its own",
        "Send an Idempotency-Key header or a reference, so that a repeat makes no second bill.",
    ),
    "idempotency_key_unfit": Kind(
        400, "The Idempotency-Key does not fit", "Use 1 to 100 printable ASCII characters."
    ),
    "idempotency_key_reused": Kind(
        422,
        "This Idempotency-Key was used for another request",
        "Use a new key for a new bill; repeat a request unchanged.",
    ),
    "control_number_missing": Kind(
        400, "No control number", "Add ?control_number= and the twelve digits of a bill."
    ),
    "control_number_mistyped": Kind(
        422, "The control number is mistyped", "Its check digits do not fit: read it again."
    ),
    "bill_not_found": Kind(
        404, "You have no such bill", "Check the control number; only your own bills are shown."
    ),
    "receipt_not_found": Kind(
        404, "You have no such receipt", "Check the fifteen digits of the code on the receipt."
    ),
    "unavailable": Kind(503, "Not available now", "Nothing was changed. Repeat the same request."),
    "fault": Kind(
        500, "Something went wrong here", "Repeat the same request; it makes no second bill."
    ),
    **{
        refusal.value: Kind(
            409 if refusal is FeeRefusal.REFERENCE_TAKEN else 422,
            "The bill was not issued",
            f"{MEANING[refusal].capitalize()}.",
        )
        for refusal in FeeRefusal
    },
}
"""Every kind by its stable code."""


class Problem(Exception):
    """Ends a request with one of the kinds; a transaction around it rolls back."""

    def __init__(self, code: str, *, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.errors = dict(errors or {})

    def response(self) -> Response:
        """The problem as an answer."""
        kind = KINDS[self.code]
        body: dict[str, Any] = {
            "type": f"{EXPLAINED_AT}#{self.code}",
            "title": kind.title,
            "status": kind.status,
            "detail": kind.advice,
            "code": self.code,
        }
        if self.errors:
            body["errors"] = [
                {"field": name, "detail": detail} for name, detail in self.errors.items()
            ]
        headers = {"cache-control": "no-store"}
        if kind.status == 401:
            headers["www-authenticate"] = 'Bearer realm="Mizan"'
        if kind.status == 503:
            headers["retry-after"] = "2"
        text = json.dumps(body, ensure_ascii=False)
        return Response(text, kind.status, headers, MEDIA_TYPE)
