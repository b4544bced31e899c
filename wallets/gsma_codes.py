"""GSMA Mobile Money API 1.2 in our words: the table of error codes, and of transaction statuses.

The specification and its own guides disagree in spelling (lower and upper camel case), so both are
read; a code that is not here is unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from wallets.port import Outcome, Reason
from wallets.strict_json import text_at

Judgement: TypeAlias = tuple[Outcome, Reason | None]

_LIMIT: Final = (Outcome.REFUSED, Reason.limit)
_OTHER: Final = (Outcome.REFUSED, Reason.other)
_CONFIG: Final = (Outcome.REFUSED, Reason.config_error)
_BLOCKED: Final = (Outcome.REFUSED, Reason.payer_blocked)
_UNKNOWN: Final = (Outcome.UNKNOWN, None)

CODES: Final[dict[str, Judgement]] = {
    "insufficientFunds": (Outcome.REFUSED, Reason.insufficient_funds),
    "requestDeclined": (Outcome.REFUSED, Reason.user_declined),
    "quoteHasExpired": (Outcome.REFUSED, Reason.user_timeout),
    "identifierError": (Outcome.REFUSED, Reason.payer_not_found),
    "incorrectState": _BLOCKED,
    "countryofOriginNotPermitted": _BLOCKED,
    "nationalityNotPermitted": _BLOCKED,
    "idDocumentNotSupported": _BLOCKED,
    "issuingCountryNotSupported": _BLOCKED,
    "dailyVolumeLimitExceeded": _LIMIT,
    "dailyValueLimitExceeded": _LIMIT,
    "weeklyVolumeLimitExceeded": _LIMIT,
    "weeklyValueLimitExceeded": _LIMIT,
    "monthlyVolumeLimitExceeded": _LIMIT,
    "monthlyValueLimitExceeded": _LIMIT,
    "accountMaxTotalVolumeExceeded": _LIMIT,
    "accountMaxTotalValueExceeded": _LIMIT,
    "lessThanTransactionMinValue": _LIMIT,
    "greaterThanTransactionMaxValue": _LIMIT,
    "maxBalanceExceeded": _LIMIT,
    "currencyNotSupported": (Outcome.REFUSED, Reason.currency),
    "duplicateRequest": (Outcome.UNKNOWN, Reason.duplicate),
    "rateLimitError": (Outcome.REFUSED, Reason.operator_unavailable),
    "clientAuthorisationError": _CONFIG,
    "formatError": _CONFIG,
    "lengthError": _CONFIG,
    "negativeValue": _CONFIG,
    "mandatoryValueNotSupplied": _CONFIG,
    "invalidOffset": _CONFIG,
    "transactionTypeError": _CONFIG,
    "noMandateAuthority": _CONFIG,
    "linkViolation": _CONFIG,
    "samePartiesError": _CONFIG,
    "servicingPartyAuthorisationError": _CONFIG,
    "requestingPartyAuthorisationError": _OTHER,
    "underPaymentNotAllowed": _OTHER,
    "overPaymentNotAllowed": _OTHER,
}
"""Every code of the specification that says why; ``genericError`` is judged by its category."""

_GENERIC: Final[dict[str, Judgement]] = {
    "businessRule": _OTHER,
    "authorisation": _OTHER,
    "identification": _OTHER,
    "validation": _CONFIG,
    "internal": _UNKNOWN,
    "serviceUnavailable": _UNKNOWN,
}

STATUSES: Final[dict[str, Judgement]] = {
    "completed": (Outcome.ACCEPTED, None),
    "pending": (Outcome.ACCEPTED, None),
    "failed": _OTHER,
    "declined": (Outcome.REFUSED, Reason.user_declined),
    "rejected": _OTHER,
    "cancelled": _OTHER,
    "expired": (Outcome.REFUSED, Reason.user_timeout),
}
"""``transactionStatus`` is free text; ``completed`` is the only value GSMA's own tests use."""


@dataclass(frozen=True, slots=True)
class OperatorError:
    """An error object; category and code in lower camel case, empty if unreadable."""

    category: str
    code: str

    def judge(self) -> Judgement:
        """What it means for the attempt it is about."""
        if self.code == "genericError":
            return _GENERIC.get(self.category, _UNKNOWN)
        return CODES.get(self.code, _UNKNOWN)


def read_error(told: Mapping[str, Any]) -> OperatorError | None:
    """An error object in either spelling, if this is one."""
    code = _either(told, "errorCode", "ErrorCode")
    if code is None:
        return None
    category = _lower_camel(_either(told, "errorCategory", "ErrorCategory") or "")
    return OperatorError(category if category in _GENERIC else "", _lower_camel(code))


def judge_status(status: str) -> Judgement:
    """What a ``transactionStatus`` means; of the accepted ones all but pending are final."""
    return STATUSES.get(_lower_camel(status), _UNKNOWN)


def is_pending(status: str) -> bool:
    """Whether a ``transactionStatus`` says that the operator still works on it."""
    return _lower_camel(status) == "pending"


def _either(told: Mapping[str, Any], *keys: str) -> str | None:
    return next((text for key in keys if (text := text_at(told, key))), None)


def _lower_camel(text: str) -> str:
    return text[:1].lower() + text[1:]
