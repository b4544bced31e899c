"""What GSMA Mobile Money API 1.2 answers mean: pure functions from JSON objects to verdicts.

An operator is believed about an attempt only where its answer names that attempt; what cannot be
read for certain is unknown. ``error`` and ``errorReference`` are both read: GSMA's texts disagree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import unquote, urlsplit
from uuid import UUID

from kernel.money import BadAmount, Money
from kernel.msisdn import BadMsisdn, Msisdn
from wallets.gsma_codes import OperatorError, is_pending, judge_status, read_error
from wallets.port import Attempt, Claim, CollectionRequest, Known, Outcome, Reason, Verdict
from wallets.strict_json import moment_at, object_at, text_at

_AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,4})?")  # schema "amount" of the specification
_NAME = re.compile(r"(?!\.{1,2}$)[!-~]{1,256}")  # a reference that can stand in a path
_PATH = re.compile(r"/?(transactions|requeststates|responses|errors)/([^/]+)/?")


@dataclass(frozen=True, slots=True)
class RequestState:
    """An asynchronous request as the operator sees it (``GET /requeststates/{id}``)."""

    correlation: str
    status: Literal["pending", "completed", "failed"]
    reference: str | None
    pending_reason: str
    expires_at: datetime | None
    error: OperatorError | None


@dataclass(frozen=True, slots=True)
class Target:
    """A resource of the operator's API that may tell more about an attempt."""

    kind: str
    name: str


def read_state(told: Mapping[str, Any]) -> RequestState | None:
    """A request state, if this is one that can be relied on."""
    correlation = name_at(told, "serverCorrelationId")
    status = (text_at(told, "status") or "").lower()
    if correlation is None or status not in ("pending", "completed", "failed"):
        return None
    nested = object_at(told, "error") or object_at(told, "errorReference")
    return RequestState(
        correlation=correlation,
        status=status,  # type: ignore[arg-type]  # just compared with every value of the literal
        reference=name_at(told, "objectReference"),
        pending_reason=text_at(told, "pendingReason") or "",
        expires_at=moment_at(told, "expiryTime"),
        error=read_error(nested) if nested else None,
    )


def judge_failure(state: RequestState, now: datetime) -> Verdict:
    """What a failed request state means: a refusal needs a code that we know."""
    error = state.error
    outcome, reason = error.judge() if error else (Outcome.UNKNOWN, None)
    if reason is Reason.other and state.expires_at is not None and state.expires_at <= now:
        # There is no code for a payer who never answered; the operator's own deadline tells it.
        reason = Reason.user_timeout
    if reason is Reason.operator_unavailable:
        # It took the request before, so it is not certain that nothing happened.
        outcome = Outcome.UNKNOWN
    return Verdict(
        outcome=outcome,
        final=outcome is Outcome.REFUSED,
        reason=reason,
        code=error.code if error else "failed",
        correlation=state.correlation,
    )


def judge_transaction(told: Mapping[str, Any], attempt: Attempt, now: datetime) -> Verdict:
    """Believe a transaction only if it names our attempt and matches amount, currency and payer."""
    reference = name_at(told, "transactionReference")
    status = text_at(told, "transactionStatus") or ""
    outcome, reason = judge_status(status)
    mismatch = _mismatch(told, attempt)
    if reference is None or mismatch:
        return Verdict(
            outcome=Outcome.UNKNOWN,
            code=status,
            reference=reference,
            mismatch=mismatch or "transactionReference: missing",
        )
    return Verdict(
        outcome=outcome,
        final=outcome is not Outcome.UNKNOWN and not is_pending(status),
        reason=reason,
        code=status,
        reference=reference,
        occurred_at=_occurred_at(told, now),
        amount=attempt.amount,
    )


def turned_away(code: str) -> Verdict:
    """Nothing happened and nothing will: the same id may be sent again."""
    return Verdict(
        outcome=Outcome.REFUSED,
        reason=Reason.operator_unavailable,
        code=code,
        resend_safe=True,
    )


def judge_refusal(status: int, error: OperatorError | None) -> Verdict:
    """What an answer other than 2xx to a submission means; a 5xx may come after the debit."""
    code = error.code if error else f"http_{status}"
    if status >= 500:
        if status == 503 and error is not None and error.category == "serviceUnavailable":
            return turned_away(code)
        return Verdict(outcome=Outcome.UNKNOWN, reason=Reason.operator_unavailable, code=code)
    if error is None:
        if status == 429:
            return turned_away(code)
        if status in (401, 403):
            return Verdict(
                outcome=Outcome.REFUSED, final=True, reason=Reason.config_error, code=code
            )
        return Verdict(outcome=Outcome.UNKNOWN, code=code)
    outcome, reason = error.judge()
    if reason is Reason.operator_unavailable:
        return turned_away(code)
    return Verdict(outcome=outcome, final=outcome is Outcome.REFUSED, reason=reason, code=code)


def no_news(status: int, told: Mapping[str, Any] | None, asked: Target, known: Known) -> Verdict:
    """A question that got no useful answer says nothing about the attempt, with one exception.

    An operator that never answered for this id and has no response for it has not received it.
    """
    error = read_error(told) if told else None
    if status == 404 and asked.kind == "responses":
        is_new = known.reference is None and known.correlation is None
        code = error.code if error else "http_404"
        return Verdict(outcome=Outcome.UNKNOWN, code=code, resend_safe=is_new)
    if status == 200:
        return Verdict(outcome=Outcome.UNKNOWN, code="unreadable")
    reason = {401: Reason.config_error, 403: Reason.config_error}.get(status)
    if status >= 500 or status == 429:
        reason = Reason.operator_unavailable
    code = error.code if error else f"http_{status}"
    return Verdict(outcome=Outcome.UNKNOWN, reason=reason, code=code)


def judge_error_resource(told: Mapping[str, Any]) -> Verdict:
    """The error that ``/responses`` links to when our request was refused."""
    error = read_error(told)
    if error is None:
        return Verdict(outcome=Outcome.UNKNOWN, code="unreadable")
    outcome, reason = error.judge()
    return Verdict(
        outcome=outcome, final=outcome is Outcome.REFUSED, reason=reason, code=error.code
    )


def read_claim(told: Mapping[str, Any]) -> Claim:
    """What a callback's object claims: a transaction, a request state or an error; else UNKNOWN.

    Never a correlation to ask by: a request state does not name our attempt, so a forged callback
    could end a payment with somebody else's failure. A transaction does name it.
    """
    state = read_state(told)
    if state is not None:
        failure = state.error.judge()[0] if state.error else Outcome.UNKNOWN
        outcomes = {"completed": Outcome.ACCEPTED, "failed": failure}
        outcome = outcomes.get(state.status, Outcome.UNKNOWN)
        return Claim(outcome=outcome, reference=state.reference)
    error = read_error(told)
    if error is not None:
        return Claim(outcome=error.judge()[0])
    status = text_at(told, "transactionStatus") or ""
    outcome = Outcome.UNKNOWN if is_pending(status) else judge_status(status)[0]
    return Claim(outcome=outcome, reference=name_at(told, "transactionReference"))


def first_target(attempt: UUID, known: Known) -> Target:
    """What to ask by: the transaction, else the request, else our own id."""
    if known.reference:
        return Target("transactions", known.reference)
    if known.correlation:
        return Target("requeststates", known.correlation)
    return Target("responses", str(attempt))


def next_best(attempt: UUID, known: Known, asked: Target) -> Target | None:
    """What to ask by when the operator does not know the name we asked by."""
    if asked.kind == "transactions" and known.correlation:
        return Target("requeststates", known.correlation)
    if asked.kind in ("transactions", "requeststates"):
        return Target("responses", str(attempt))
    return None


def link_target(link: str, base_url: str) -> Target | None:
    """Where a ``/responses`` link points, if that is a resource of the same API; else None."""
    try:
        base, found = urlsplit(base_url), urlsplit(link)
    except ValueError:
        return None
    if (found.scheme, found.netloc) not in (("", ""), (base.scheme, base.netloc)):
        return None
    parts = _PATH.fullmatch(found.path.removeprefix(base.path.rstrip("/")))
    if parts is None or found.query or found.fragment:
        return None
    name = unquote(parts[2])
    return Target(parts[1], name) if _NAME.fullmatch(name) else None


def name_at(told: Mapping[str, Any], key: str) -> str | None:
    """An operator's reference at ``key`` that can safely be asked for again."""
    text = text_at(told, key)
    return text if text is not None and _NAME.fullmatch(text) else None


def _mismatch(told: Mapping[str, Any], attempt: Attempt) -> str:
    """Why a transaction is not (surely) our attempt; empty if it is. Names fields, no values."""
    ours = text_at(told, "requestingOrganisationTransactionReference") or ""
    if ours.lower() != str(attempt.id):
        return "requestingOrganisationTransactionReference: not ours"
    is_collection = isinstance(attempt, CollectionRequest)
    kinds = ("merchantpay",) if is_collection else ("reversal", "adjustment")
    if "type" in told and text_at(told, "type") not in kinds:
        return "type: not what we asked for"
    if is_collection or "amount" in told or "currency" in told:
        if text_at(told, "currency") != attempt.amount.currency:
            return "currency: another one"
        if _amount_at(told, attempt.amount.currency) != attempt.amount:
            return "amount: another one"
    if isinstance(attempt, CollectionRequest):
        return "" if attempt.payer in _payers(told) else "debitParty: another payer"
    original = text_at(told, "originalTransactionReference")
    return "" if original == attempt.reference else "originalTransactionReference: another one"


def _amount_at(told: Mapping[str, Any], currency: str) -> Money | None:
    text = text_at(told, "amount") or ""
    try:
        return Money.parse(text, currency) if _AMOUNT.fullmatch(text) else None
    except BadAmount:
        return None


def _payers(told: Mapping[str, Any]) -> list[Msisdn]:
    party = told.get("debitParty")
    pairs = [pair for pair in party if isinstance(pair, dict)] if isinstance(party, list) else []
    numbers = []
    for pair in pairs:
        if (text_at(pair, "key") or "").lower() == "msisdn":
            number = _msisdn(text_at(pair, "value") or "")
            numbers += [number] if number else []
    # Two different payers in one transaction is not a match for either.
    return numbers if len(set(numbers)) == 1 else []


def _msisdn(text: str) -> Msisdn | None:
    """A number in E.164; the specification lets operators leave the plus sign out."""
    plain = text.strip()
    try:
        return Msisdn.parse(plain if plain.startswith(("+", "00")) else f"+{plain}")
    except BadMsisdn:
        return None


def _occurred_at(told: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the operator says it happened, unless that is plainly wrong."""
    for key in ("modificationDate", "creationDate", "dateModified", "dateCreated"):
        moment = moment_at(told, key)
        if moment and now - timedelta(days=366) < moment < now + timedelta(days=1):
            return moment
    return None
