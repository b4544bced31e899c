"""What a posting rule is: a template of movements between account roles, and how one is filled.

A template says which part of the money moves from which account to which; parts that are zero are
left out. A changed template is a new version; what was booked keeps the version it was booked by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NotRequired, Protocol, TypedDict, Unpack
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A template with its version and what it means for finance.

    ``number`` is how finance calls it; variants share the number and differ by letter. ``care`` is
    what to watch, if anything. No movements: they are made from what the books hold.
    """

    number: str
    code: str
    version: int = 1
    meaning: str
    movements: tuple[Movement, ...] = ()
    care: str = ""


class Facts(TypedDict):
    """What every transaction is made with; ``zone`` is the agency's (IANA), UTC if not given."""

    id: UUID
    key: str
    occurred_at: datetime
    reference: NotRequired[UUID | None]
    zone: NotRequired[str]
    note: NotRequired[str]


class Fee(Facts):
    """A fee with its parts: the citizen pays all of them except ``agency_fee``.

    ``service_fee`` is our fee without tax and ``vat`` the tax on it; ``agency_fee`` is our fee
    where the agency bears it.
    """

    wallet: str
    agency: str
    service: str
    principal: Money
    stamp: Money
    penalty: Money
    service_fee: Money
    vat: NotRequired[Money]
    agency_fee: NotRequired[Money]


class Sum(Facts):
    """One amount at one operator."""

    wallet: str
    amount: Money


class BankSum(Facts):
    """One amount at the bank."""

    amount: Money


class AgencySum(Facts):
    """One amount of one agency, over all its services."""

    agency: str
    amount: Money


class ServiceSum(AgencySum):
    """One amount of one service of an agency."""

    service: str


PAID_PARTS: Final = ("principal", "penalty", "stamp", "service_fee", "vat")
"""What the citizen pays; their sum is the fee's total."""


@dataclass(frozen=True, slots=True)
class Place:
    """What the accounts of one transaction are made of."""

    currency: str
    wallet: str = ""
    agency: str = ""
    service: str = ""


ROLES: Final[Mapping[str, Callable[[Place], str]]] = MappingProxyType(
    {
        "clearing": lambda at: chart.clearing(at.wallet, at.currency),
        "bank_collection": lambda at: chart.bank_collection(at.currency),
        "bank_operating": lambda at: chart.bank_operating(at.currency),
        "agency_receivable": lambda at: chart.agency_receivable(at.agency, at.currency),
        "dispute": lambda at: chart.operator_dispute(at.wallet, at.currency),
        "agency": lambda at: chart.agency_payable(at.agency, at.service, at.currency),
        "stamp_duty": lambda at: chart.stamp_duty(at.currency),
        "vat": lambda at: chart.vat(at.currency),
        "refund": lambda at: chart.refund_payable(at.wallet, at.currency),
        "refund_failed": lambda at: chart.refund_failed(at.wallet, at.currency),
        "late": lambda at: chart.late_success(at.wallet, at.currency),
        "unallocated_bank": lambda at: chart.unallocated_bank(at.currency),
        "unallocated_operator": lambda at: chart.unallocated_operator(at.wallet, at.currency),
        "duplicate": lambda at: chart.duplicate(at.wallet, at.currency),
        "overpayment": lambda at: chart.overpayment(at.currency),
        "part_payment": lambda at: chart.part_payment(at.currency),
        "in_transit": lambda at: chart.settlement_in_transit(at.agency, at.currency),
        "commission_payable": lambda at: chart.commission_payable(at.wallet, at.currency),
        "income": lambda at: chart.service_fee(at.currency),
        "agency_commission": lambda at: chart.agency_commission(at.currency),
        "operator_commission": lambda at: chart.operator_commission(at.wallet, at.currency),
        "bank_charges": lambda at: chart.bank_charges(at.currency),
        "rounding": lambda at: chart.rounding(at.currency),
        "write_off": lambda at: chart.write_off(at.currency),
        "chargeback_loss": lambda at: chart.chargeback_loss(at.currency),
    }
)
"""Account roles of the templates."""


def whole(debit: str, credit: str) -> tuple[Movement, ...]:
    """The template of one amount that moves as it is."""
    return (Movement(debit, credit, "amount"),)


def fee_from(source: str) -> tuple[Movement, ...]:
    """The template of a fee whose parts go from ``source`` to whom they belong."""
    return (
        Movement(source, "agency", "principal"),
        Movement(source, "agency", "penalty"),
        Movement(source, "stamp_duty", "stamp"),
        Movement(source, "income", "service_fee"),
        Movement(source, "vat", "vat"),
        Movement("agency", "income", "agency_fee"),
    )


def fee_back_to(target: str, *, agency: str = "agency") -> tuple[Movement, ...]:
    """The mirror of ``fee_from``; ``agency`` is the role that gives the agency's parts back."""
    swapped = {"agency": agency}
    return tuple(
        Movement(
            swapped.get(each.credit, each.credit), swapped.get(each.debit, each.debit), each.part
        )
        for each in fee_from(target)
    )


def of_fee(rule: Rule, fee: Fee) -> Transaction:
    """Fill the template of a fee."""
    return fill(rule, fee, place_of(fee), parts_of(fee))


def of_sum(rule: Rule, money: Sum) -> Transaction:
    """Fill the template of one amount at an operator."""
    amount = money["amount"]
    return fill(rule, money, Place(amount.currency, money["wallet"]), {"amount": amount})


def of_bank_sum(rule: Rule, money: BankSum) -> Transaction:
    """Fill the template of one amount at the bank."""
    return fill(rule, money, Place(money["amount"].currency), {"amount": money["amount"]})


class OfFee(Protocol):
    """A rule's function that takes a fee."""

    def __call__(self, **fee: Unpack[Fee]) -> Transaction:
        """Fill the template."""


class OfSum(Protocol):
    """A rule's function that takes one amount at an operator."""

    def __call__(self, **money: Unpack[Sum]) -> Transaction:
        """Fill the template."""


class OfBankSum(Protocol):
    """A rule's function that takes one amount at the bank."""

    def __call__(self, **money: Unpack[BankSum]) -> Transaction:
        """Fill the template."""


def by_fee(rule: Rule) -> OfFee:
    """The function of a rule that does nothing but fill the template of a fee."""

    def made(**fee: Unpack[Fee]) -> Transaction:
        return of_fee(rule, fee)

    return made


def by_sum(rule: Rule) -> OfSum:
    """The function of a rule that moves one amount at an operator."""

    def made(**money: Unpack[Sum]) -> Transaction:
        return of_sum(rule, money)

    return made


def by_bank_sum(rule: Rule) -> OfBankSum:
    """The function of a rule that moves one amount at the bank."""

    def made(**money: Unpack[BankSum]) -> Transaction:
        return of_bank_sum(rule, money)

    return made


def place_of(fee: Fee) -> Place:
    """Where a fee is booked."""
    return Place(fee["principal"].currency, fee["wallet"], fee["agency"], fee["service"])


def parts_of(fee: Fee) -> dict[str, Money]:
    """A fee's parts by name; those that were not given are zero."""
    nothing = Money(0, fee["principal"].currency)
    return {
        "principal": fee["principal"],
        "penalty": fee["penalty"],
        "stamp": fee["stamp"],
        "service_fee": fee["service_fee"],
        "vat": fee.get("vat") or nothing,
        "agency_fee": fee.get("agency_fee") or nothing,
    }


def paid_of(parts: Mapping[str, Money]) -> Money:
    """What the citizen pays for a fee of these parts."""
    paid = Money(0, parts["principal"].currency)
    for part in PAID_PARTS:
        paid += parts[part]
    return paid


def fill(rule: Rule, facts: Facts, place: Place, parts: Mapping[str, Money]) -> Transaction:
    """Fill a template; raises ValueError: a negative part, mixed currencies, nothing to book."""
    for part, amount in parts.items():
        if amount.minor < 0 or amount.currency != place.currency:
            raise ValueError(f"{rule.code}: {part} cannot be {amount} in a {place.currency} entry")
    postings = tuple(
        Posting(ROLES[each.debit](place), ROLES[each.credit](place), parts[each.part])
        for each in rule.movements
        if parts[each.part].minor
    )
    return entry(rule, facts, postings)


def entry(
    rule: Rule, facts: Facts, postings: tuple[Posting, ...], *, reverses: UUID | None = None
) -> Transaction:
    """A transaction under a rule; raises ValueError if there is nothing to book."""
    if not postings:
        raise ValueError(f"{rule.code}: nothing to book")
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
