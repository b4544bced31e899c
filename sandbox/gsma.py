"""The operator's side of the GSMA Mobile Money API 1.2 on the wire: strict in, strict out, no I/O.

Source: the 1.2.0 OpenAPI file. Amounts are strings; a MSISDN is a party
``{"key": "msisdn", "value": ...}``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from kernel.currency import EXPONENTS
from kernel.money import BadAmount, Money
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.addresses import is_http_url
from sandbox.requests import Failure, Outcome, Request

HTTP_STATUS: Final = {
    "businessRule": 400,
    "validation": 400,
    "authorisation": 401,
    "identification": 404,
    "internal": 500,
    "serviceUnavailable": 503,
}
"""HTTP status of each ``errorCategory``."""

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,4})?")
_ECHOED = (
    "requestingOrganisationTransactionReference",
    "descriptionText",
    "requestDate",
    "metadata",
)
_LIMITS = {
    "requestingOrganisationTransactionReference": 256,
    "descriptionText": 160,
    "requestDate": 64,
}


class Refused(Exception):
    """The request is not taken; carries what the error object says."""

    def __init__(self, category: str, code: str, description: str) -> None:
        super().__init__(description)
        self.failure = Failure(category, code, description)

    @classmethod
    def because(cls, failure: Failure) -> Refused:
        """The refusal that says a known failure."""
        return cls(failure.category, failure.code, failure.description)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A request for money that passed all checks. ``callback_url`` empty: the client polls."""

    correlation: str
    callback_url: str
    payer: str
    payee: str
    amount: Money
    description: str
    echo: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversalOrder:
    """A request to give money back; without ``amount`` all that is left of it."""

    original: str
    correlation: str
    callback_url: str
    amount: str | None
    currency: str | None
    echo: dict[str, Any]


def read_collection(body: bytes, headers: Mapping[str, str]) -> Order:
    """A ``merchantpay`` request, checked field by field; raises Refused."""
    correlation, callback_url = _envelope(body, headers)
    fields = _object(body)
    currency, amount = _text(fields, "currency"), _text(fields, "amount")
    payer = _msisdn(_party(fields, "debitParty"))
    payee = _merchant(_party(fields, "creditParty"))
    return Order(
        correlation=correlation,
        callback_url=callback_url,
        payer=payer,
        payee=payee,
        amount=read_amount(amount, currency),
        description=fields.get("descriptionText") or "",
        echo={**_echo(fields), "creditParty": fields["creditParty"]},
    )


def read_reversal(body: bytes, headers: Mapping[str, str], original: str) -> ReversalOrder:
    """A request to reverse the transaction ``original``; only ``type`` required; raises Refused."""
    correlation, callback_url = _envelope(body, headers)
    fields = _object(body)
    if _text(fields, "type") not in ("reversal", "adjustment"):
        raise Refused("validation", "formatError", "type must be reversal or adjustment")
    return ReversalOrder(
        original=original,
        correlation=correlation,
        callback_url=callback_url,
        amount=_text(fields, "amount") if "amount" in fields else None,
        currency=_text(fields, "currency") if "currency" in fields else None,
        echo={**_echo(fields), "type": fields["type"]},
    )


def read_amount(text: str, currency: str) -> Money:
    """An amount greater than zero that its currency can express; raises Refused."""
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise Refused("validation", "formatError", "currency must be an ISO 4217 code")
    if currency not in EXPONENTS:
        raise Refused("validation", "currencyNotSupported", f"no wallets in {currency} here")
    if text.startswith("-"):
        raise Refused("validation", "negativeValue", "amount must not be negative")
    if not _AMOUNT.fullmatch(text):
        raise Refused("validation", "formatError", "amount must be a string of plain digits")
    try:
        amount = Money.parse(text, currency)
    except BadAmount as problem:
        raise Refused("validation", "formatError", str(problem)) from None
    if amount.minor == 0:
        raise Refused("businessRule", "lessThanTransactionMinValue", "amount must be above zero")
    return amount


def error_object(failure: Failure, at: str) -> dict[str, Any]:
    """The error object; it names no payment, exactly like the real ones."""
    return {
        "errorCategory": failure.category,
        "errorCode": failure.code,
        "errordescription": failure.description,
        "errorDateTime": at,
    }


def request_state(request: Request, last: Outcome | None) -> dict[str, Any]:
    """A request state: pending until something was decided; a failure carries its error object."""
    state: dict[str, Any] = {
        "serverCorrelationId": request.id,
        "status": last.status if last else "pending",
        "notificationMethod": "callback" if request.callback_url else "polling",
        "expiryTime": request.expires_at,
        "pollLimit": 100,
    }
    if last is None:
        state["pendingReason"] = "waiting for the payer"
    elif last.reference:
        state["objectReference"] = last.reference
    else:
        state["error"] = error_object(failure_of(last), last.at)
    return state


def transaction(request: Request, completed: Outcome) -> dict[str, Any]:
    """The transaction (or reversal) object of a request that completed."""
    common = {
        **request.echo,
        "amount": request.amount.plain(),
        "currency": request.amount.currency,
        "transactionReference": completed.reference,
        "transactionStatus": "completed",
        "transactionReceipt": completed.reference,
        "creationDate": request.at,
        "modificationDate": completed.at,
    }
    payer = [{"key": "msisdn", "value": request.payer}]
    if request.kind == "collection":
        return {**common, "type": "merchantpay", "debitParty": payer}
    original = {"originalTransactionReference": request.original}
    return {**common, **original, "debitParty": request.echo["creditParty"], "creditParty": payer}


def failure_of(outcome: Outcome) -> Failure:
    """Why an outcome failed."""
    assert outcome.category is not None
    assert outcome.code is not None
    return Failure(outcome.category, outcome.code, outcome.description or "")


def uuid_text(text: str) -> str | None:
    """A UUID in its canonical spelling; None if it is none."""
    try:
        return str(UUID(text)) if len(text) == 36 else None
    except ValueError:
        return None


def _envelope(body: bytes, headers: Mapping[str, str]) -> tuple[str, str]:
    correlation = uuid_text(headers.get("x-correlationid", ""))
    if correlation is None:
        code = "formatError" if "x-correlationid" in headers else "mandatoryValueNotSupplied"
        raise Refused("validation", code, "X-CorrelationID must be a UUID")
    digest = headers.get("x-content-hash")
    if digest is not None and digest.lower() != hashlib.sha256(body).hexdigest():
        raise Refused("validation", "formatError", "X-Content-Hash is not the SHA-256 of the body")
    url = headers.get("x-callback-url", "")
    if url and not is_http_url(url):
        raise Refused("validation", "formatError", "X-Callback-URL must be an http or https URL")
    return correlation, url


def _object(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body, parse_constant=_no_constant)
        json.dumps(fields, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise Refused("validation", "formatError", "the body must be JSON in UTF-8") from None
    if not isinstance(fields, dict):
        raise Refused("validation", "formatError", "the body must be a JSON object")
    return fields


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        raise Refused("validation", "mandatoryValueNotSupplied", f"{name} is missing")
    if not isinstance(value, str):
        raise Refused("validation", "formatError", f"{name} must be a string")
    return value


def _party(fields: dict[str, Any], name: str) -> dict[str, str]:
    parties = fields.get(name)
    if parties is None:
        raise Refused("validation", "mandatoryValueNotSupplied", f"{name} is missing")
    if not isinstance(parties, list) or not 1 <= len(parties) <= 10:
        raise Refused("validation", "formatError", f"{name} must be a list of 1 to 10 parties")
    named: dict[str, str] = {}
    for party in parties:
        if not isinstance(party, dict):
            raise Refused("validation", "formatError", f"{name} must hold key and value")
        key, value = _text(party, "key"), _text(party, "value")
        if not 1 <= len(value) <= 256:
            raise Refused("validation", "lengthError", f"{name} has a value of the wrong length")
        named[key] = value
    return named


def _msisdn(party: dict[str, str]) -> str:
    if "msisdn" not in party:
        raise Refused("validation", "mandatoryValueNotSupplied", "debitParty needs a msisdn")
    digits = party["msisdn"].replace(" ", "")
    if not re.fullmatch(r"\+?[0-9]{6,15}", digits):
        raise Refused("validation", "formatError", "msisdn must have 6 to 15 digits")
    try:
        return Msisdn.parse("+" + digits.lstrip("+")).e164
    except BadMsisdn:
        raise Refused("identification", "identifierError", "no such subscriber") from None


def _merchant(party: dict[str, str]) -> str:
    key, value = next(iter(party.items()))
    if key == "msisdn":
        raise Refused("businessRule", "transactionTypeError", "creditParty must be a merchant")
    return value


def _echo(fields: dict[str, Any]) -> dict[str, Any]:
    echo = {name: fields[name] for name in _ECHOED if fields.get(name) is not None}
    for name, limit in _LIMITS.items():
        if name in echo and len(_text(echo, name)) > limit:
            raise Refused("validation", "lengthError", f"{name} is longer than {limit} characters")
    metadata = echo.get("metadata", [])
    if not isinstance(metadata, list) or len(metadata) > 20:
        raise Refused("validation", "formatError", "metadata must be a list of at most 20 pairs")
    for pair in metadata:
        if not isinstance(pair, dict) or not all(isinstance(v, str) for v in pair.values()):
            raise Refused("validation", "formatError", "metadata must hold key and value")
    return echo
