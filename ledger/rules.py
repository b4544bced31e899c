"""The posting rules: a table of templates, and one function per rule that makes its transaction.

A template says which part of the money moves from which account to which; parts that are zero are
left out. A changed template is a new version; what was booked keeps the version it was booked by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NotRequired, TypedDict, Unpack
from uuid import UUID

from kernel.money import Money
from ledger import chart
from ledger.journal import Posting, Transaction


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of a template: account roles (see ROLES) and the part of the money that moves."""

    debit: str
    credit: str
    part: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A template with its version and what it means for finance."""

    code: str
    version: int
    meaning: str
    movements: tuple[Movement, ...]


class Facts(TypedDict):
    """What every transaction is made with; ``zone`` is the agency's (IANA), UTC if not given."""

    id: UUID
    key: str
    occurred_at: datetime
    reference: NotRequired[UUID | None]
    zone: NotRequired[str]
    note: NotRequired[str]


class Fee(Facts):
    """A fee with its parts; ``agency_fee`` is our fee where the agency bears it."""

    wallet: str
    agency: str
    service: str
    principal: Money
    stamp: Money
    penalty: Money
    service_fee: Money
    agency_fee: NotRequired[Money]


class PaidFee(Fee):
    """A fee for which the citizen paid more than its total."""

    paid: Money


class Sum(Facts):
    """One amount at one operator."""

    wallet: str
    amount: Money


@dataclass(frozen=True, slots=True)
class _Place:
    """What the accounts of one transaction are made of."""

    currency: str
    wallet: str
    agency: str = ""
    service: str = ""


ROLES: Final[Mapping[str, Callable[[_Place], str]]] = MappingProxyType(
    {
        "clearing": lambda at: chart.clearing(at.wallet, at.currency),
        "agency": lambda at: chart.agency_payable(at.agency, at.service, at.currency),
        "stamp_duty": lambda at: chart.stamp_duty(at.currency),
        "income": lambda at: chart.service_fee(at.currency),
        "late": lambda at: chart.late_success(at.wallet, at.currency),
        "duplicate": lambda at: chart.duplicate(at.wallet, at.currency),
        "overpayment": lambda at: chart.overpayment(at.currency),
        "refund": lambda at: chart.refund_payable(at.wallet, at.currency),
        "refund_failed": lambda at: chart.refund_failed(at.wallet, at.currency),
    }
)
"""Account roles of the templates."""


def _fee_from(source: str) -> tuple[Movement, ...]:
    return (
        Movement(source, "agency", "principal"),
        Movement(source, "agency", "penalty"),
        Movement(source, "stamp_duty", "stamp"),
        Movement(source, "income", "service_fee"),
        Movement("agency", "income", "agency_fee"),
    )


def _fee_back_to(target: str) -> tuple[Movement, ...]:
    return tuple(Movement(each.credit, each.debit, each.part) for each in _fee_from(target))


def _whole(debit: str, credit: str) -> tuple[Movement, ...]:
    return (Movement(debit, credit, "amount"),)


FEE_SUCCEEDED: Final = Rule(
    "FEE_SUCCEEDED",
    1,
    "The operator took the fee from the citizen; it owes us, we owe the agency and the treasury.",
    _fee_from("clearing"),
)
LATE_SUCCESS: Final = Rule(
    "LATE_SUCCESS",
    1,
    "Money arrived after its payment had ended; it waits in suspense for acceptance or refund.",
    _whole("clearing", "late"),
)
LATE_ACCEPT: Final = Rule(
    "LATE_ACCEPT",
    1,
    "The bill was still unpaid, so late money pays it.",
    _fee_from("late"),
)
LATE_REFUND: Final = Rule(
    "LATE_REFUND",
    1,
    "The bill was paid otherwise, so late money goes back to the citizen.",
    _whole("late", "refund"),
)
DUPLICATE: Final = Rule(
    "DUPLICATE",
    1,
    "A second wallet debit for one bill; it is the citizen's.",
    _whole("clearing", "duplicate"),
)
DUPLICATE_REFUND: Final = Rule(
    "DUPLICATE_REFUND",
    1,
    "The second debit goes back to the citizen.",
    _whole("duplicate", "refund"),
)
OVERPAYMENT: Final = Rule(
    "OVERPAYMENT",
    1,
    "The citizen paid more than the fee; the fee is booked, the rest is the citizen's.",
    (*_fee_from("clearing"), Movement("clearing", "overpayment", "excess")),
)
OVERPAYMENT_REFUND: Final = Rule(
    "OVERPAYMENT_REFUND",
    1,
    "What was paid too much goes back to the citizen.",
    _whole("overpayment", "refund"),
)
REFUND_FULL: Final = Rule(
    "REFUND_FULL",
    1,
    "A fee is given back before the agency was paid; parts that are kept are given as zero.",
    _fee_back_to("refund"),
)
REFUND_CONFIRMED: Final = Rule(
    "REFUND_CONFIRMED",
    1,
    "The operator paid a refund out, so it owes us less.",
    _whole("refund", "clearing"),
)
REFUND_REJECTED: Final = Rule(
    "REFUND_REJECTED",
    1,
    "The operator rejected a refund; it must be paid another way.",
    _whole("refund", "refund_failed"),
)
REVERSAL: Final = Rule(
    "REVERSAL",
    1,
    "The mirror of an entry that should not have been booked; at most once for each.",
    (),
)

RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            FEE_SUCCEEDED,
            LATE_SUCCESS,
            LATE_ACCEPT,
            LATE_REFUND,
            DUPLICATE,
            DUPLICATE_REFUND,
            OVERPAYMENT,
            OVERPAYMENT_REFUND,
            REFUND_FULL,
            REFUND_CONFIRMED,
            REFUND_REJECTED,
            REVERSAL,
        )
    }
)
"""All rules by code, in the order finance reads them."""


def fee_succeeded(**fee: Unpack[Fee]) -> Transaction:
    """A payment succeeded. A fee borne by the agency is taken off what we owe it."""
    return _of_fee(FEE_SUCCEEDED, fee)


def late_success(**money: Unpack[Sum]) -> Transaction:
    """Money arrived for a payment that had been refused or had expired."""
    return _of_sum(LATE_SUCCESS, money)


def late_accept(**fee: Unpack[Fee]) -> Transaction:
    """Late money pays its bill after all."""
    return _of_fee(LATE_ACCEPT, fee)


def late_refund(**money: Unpack[Sum]) -> Transaction:
    """Late money is to be given back."""
    return _of_sum(LATE_REFUND, money)


def duplicate(**money: Unpack[Sum]) -> Transaction:
    """A bill that is paid was paid again."""
    return _of_sum(DUPLICATE, money)


def duplicate_refund(**money: Unpack[Sum]) -> Transaction:
    """The second payment is to be given back."""
    return _of_sum(DUPLICATE_REFUND, money)


def overpayment(**fee: Unpack[PaidFee]) -> Transaction:
    """A payment succeeded with ``paid`` above the total; raises ValueError if it is not above."""
    parts = _parts(fee)
    excess = fee["paid"]
    for part in ("principal", "stamp", "penalty", "service_fee"):
        excess -= parts[part]
    if excess.minor <= 0:
        raise ValueError(f"{fee['paid']} is not more than the fee")
    return _make(OVERPAYMENT, fee, _place(fee), {**parts, "excess": excess})


def overpayment_refund(**money: Unpack[Sum]) -> Transaction:
    """The excess is to be given back."""
    return _of_sum(OVERPAYMENT_REFUND, money)


def refund_full(**fee: Unpack[Fee]) -> Transaction:
    """A fee is to be given back; what is kept (a non-refundable service fee) comes as zero."""
    return _of_fee(REFUND_FULL, fee)


def refund_confirmed(**money: Unpack[Sum]) -> Transaction:
    """The operator paid the refund."""
    return _of_sum(REFUND_CONFIRMED, money)


def refund_rejected(**money: Unpack[Sum]) -> Transaction:
    """The operator rejected the refund."""
    return _of_sum(REFUND_REJECTED, money)


def reversal(original: Transaction, **facts: Unpack[Facts]) -> Transaction:
    """The mirror of a booked transaction; refers to the same payment unless told otherwise."""
    mirror = tuple(Posting(each.credit, each.debit, each.amount) for each in original.postings)
    return _transaction(
        REVERSAL, {"reference": original.reference, **facts}, mirror, reverses=original.id
    )


def _of_fee(rule: Rule, fee: Fee) -> Transaction:
    return _make(rule, fee, _place(fee), _parts(fee))


def _of_sum(rule: Rule, money: Sum) -> Transaction:
    amount = money["amount"]
    return _make(rule, money, _Place(amount.currency, money["wallet"]), {"amount": amount})


def _place(fee: Fee) -> _Place:
    return _Place(fee["principal"].currency, fee["wallet"], fee["agency"], fee["service"])


def _parts(fee: Fee) -> dict[str, Money]:
    return {
        "principal": fee["principal"],
        "penalty": fee["penalty"],
        "stamp": fee["stamp"],
        "service_fee": fee["service_fee"],
        "agency_fee": fee.get("agency_fee") or Money(0, fee["principal"].currency),
    }


def _make(rule: Rule, facts: Facts, place: _Place, parts: Mapping[str, Money]) -> Transaction:
    """Fill a template; raises ValueError: a negative part, mixed currencies, nothing to book."""
    for part, amount in parts.items():
        if amount.minor < 0 or amount.currency != place.currency:
            raise ValueError(f"{rule.code}: {part} cannot be {amount} in a {place.currency} entry")
    postings = tuple(
        Posting(ROLES[each.debit](place), ROLES[each.credit](place), parts[each.part])
        for each in rule.movements
        if parts[each.part].minor
    )
    if not postings:
        raise ValueError(f"{rule.code}: nothing to book")
    return _transaction(rule, facts, postings)


def _transaction(
    rule: Rule, facts: Facts, postings: tuple[Posting, ...], *, reverses: UUID | None = None
) -> Transaction:
    return Transaction(
        id=facts["id"],
        rule=rule.code,
        version=rule.version,
        key=facts["key"],
        postings=postings,
        occurred_at=facts["occurred_at"],
        zone=facts.get("zone", "UTC"),
        reference=facts.get("reference"),
        reverses=reverses,
        note=facts.get("note", ""),
    )
