"""Why a payment was not started: a closed list, each with what everybody needs to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Refusal(StrEnum):
    """Refusals in the order they are checked."""

    CONTROL_NUMBER_MISTYPED = "control_number_mistyped"
    BILL_NOT_FOUND = "bill_not_found"
    BILL_ALREADY_PAID = "bill_already_paid"
    PAYMENT_IN_FLIGHT = "payment_in_flight"
    BILL_CANCELLED = "bill_cancelled"
    BILL_EXPIRED = "bill_expired"
    SERVICE_UNAVAILABLE = "service_unavailable"
    TOTAL_CHANGED = "total_changed"
    WALLET_UNAVAILABLE = "wallet_unavailable"
    CURRENCY_NOT_SUPPORTED = "currency_not_supported"
    BOOKS_UNBALANCED = "books_unbalanced"
    PAYER_BEING_ASKED = "payer_being_asked"
    PAYER_ASKED_TOO_OFTEN = "payer_asked_too_often"
    TOO_MANY_MISSES = "too_many_misses"


@dataclass(frozen=True, slots=True)
class RefusalInfo:
    """For machines (HTTP status, whether trying again can help) and for finance staff."""

    retryable: bool
    http_status: int
    meaning: str


INFO: Final[dict[Refusal, RefusalInfo]] = {
    Refusal.CONTROL_NUMBER_MISTYPED: RefusalInfo(
        False, 422, "The check digits do not fit: the number was mistyped."
    ),
    Refusal.BILL_NOT_FOUND: RefusalInfo(False, 404, "No bill has this control number."),
    Refusal.BILL_ALREADY_PAID: RefusalInfo(False, 409, "The bill was paid before."),
    Refusal.PAYMENT_IN_FLIGHT: RefusalInfo(
        True, 409, "Somebody is paying this bill now; a second debit was not started."
    ),
    Refusal.BILL_CANCELLED: RefusalInfo(False, 409, "The agency withdrew the bill."),
    Refusal.BILL_EXPIRED: RefusalInfo(False, 409, "The bill may no longer be paid."),
    Refusal.SERVICE_UNAVAILABLE: RefusalInfo(
        False, 422, "The agency does not offer this service, or not with these choices."
    ),
    Refusal.TOTAL_CHANGED: RefusalInfo(
        True, 409, "The price changed after it was shown (a new day, a new tariff)."
    ),
    Refusal.WALLET_UNAVAILABLE: RefusalInfo(
        True, 503, "This wallet operator is not connected or not answering."
    ),
    Refusal.CURRENCY_NOT_SUPPORTED: RefusalInfo(
        False, 422, "This wallet does not hold the bill's currency."
    ),
    Refusal.BOOKS_UNBALANCED: RefusalInfo(
        True, 503, "The books do not balance: new debits are stopped until finance finds out why."
    ),
    Refusal.PAYER_BEING_ASKED: RefusalInfo(
        True, 409, "A payment already waits on this payer's phone; somebody else may not add one."
    ),
    Refusal.PAYER_ASKED_TOO_OFTEN: RefusalInfo(
        True, 429, "Others have sent too many payment prompts to this payer's phone."
    ),
    Refusal.TOO_MANY_MISSES: RefusalInfo(
        True, 429, "Too many numbers that do not exist were tried from this phone."
    ),
}
"""One row for every refusal (a test counts them)."""


def text_key(refusal: Refusal) -> str:
    """Key of the citizen's text in a channel's catalogue."""
    return f"refusal.{refusal.value}"
