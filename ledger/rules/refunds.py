"""Rules for money that goes back to citizens: approved, confirmed, rejected, charged back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Final, NotRequired, Unpack

from kernel.money import Money, allocate
from ledger.journal import Transaction
from ledger.rules.template import (
    PAID_PARTS,
    ROLES,
    Fee,
    Movement,
    Place,
    Rule,
    by_sum,
    fee_back_to,
    fill,
    parts_of,
    place_of,
    whole,
)

SHARES: Final = ("agency", "stamp", "service_fee", "vat")
"""Who gives back a part of a partial refund: the agency, the treasury twice, and we."""

_BEARERS: Final = {
    "agency": ("agency", "agency_receivable"),
    "stamp": ("stamp_duty",),
    "service_fee": ("income",),
    "vat": ("vat",),
}


class FullRefund(Fee):
    """What is given back of a fee; ``before`` are the payment's refunds and charge-backs so far."""

    before: NotRequired[Sequence[Transaction]]


class PartialRefund(FullRefund):
    """``amount`` of the fee that was paid (its parts as they were paid) is given back.

    ``split`` says who bears how much (SHARES); without it all bear it in proportion.
    """

    amount: Money
    split: NotRequired[Mapping[str, Money]]


class Claim(Fee):
    """What an operator takes back; parts not in ``recoverable`` (PAID_PARTS) are our loss."""

    recoverable: NotRequired[Collection[str]]


def _shares(agency: str) -> tuple[Movement, ...]:
    return (
        Movement(agency, "refund", "agency"),
        Movement("stamp_duty", "refund", "stamp"),
        Movement("income", "refund", "service_fee"),
        Movement("vat", "refund", "vat"),
    )


LATE_REFUND: Final = Rule(
    number="5b",
    code="LATE_REFUND",
    meaning="The bill was paid otherwise, so late money goes back to the citizen.",
    movements=whole("late", "refund"),
)
DUPLICATE_REFUND: Final = Rule(
    number="6a",
    code="DUPLICATE_REFUND",
    meaning="The second debit goes back to the citizen.",
    movements=whole("duplicate", "refund"),
)
OVERPAYMENT_REFUND: Final = Rule(
    number="7a",
    code="OVERPAYMENT_REFUND",
    meaning="What was paid too much goes back to the citizen.",
    movements=whole("overpayment", "refund"),
)
PART_PAYMENT_REFUND: Final = Rule(
    number="7d",
    code="PART_PAYMENT_REFUND",
    meaning="The rest of a part payment never came, so the part goes back to the citizen.",
    movements=whole("part_payment", "refund"),
)
REFUND_FULL: Final = Rule(
    number="8",
    code="REFUND_FULL",
    version=2,
    meaning="A fee is given back before the agency was paid; parts that are kept are given as "
    "zero.",
    movements=fee_back_to("refund"),
    care="Two people approve. Refused if part of the payment was given back before.",
)
REFUND_PARTIAL: Final = Rule(
    number="8b",
    code="REFUND_PARTIAL",
    meaning="Part of a fee is given back before the agency was paid, borne in proportion or as "
    "agreed.",
    movements=_shares("agency"),
    care="Two people approve. All refunds of a payment together never exceed what was paid.",
)
REFUND_PARTIAL_SETTLED: Final = Rule(
    number="8b",
    code="REFUND_PARTIAL_SETTLED",
    meaning="Part of a fee is given back after the agency was paid; the agency owes us its share.",
    movements=_shares("agency_receivable"),
    care="Two people approve. All refunds of a payment together never exceed what was paid.",
)
REFUND_SETTLED: Final = Rule(
    number="8c",
    code="REFUND_SETTLED",
    meaning="A fee is given back after the agency was paid; the agency owes us its part.",
    movements=fee_back_to("refund", agency="agency_receivable"),
    care="Two people approve. The next net settlement takes it from the agency.",
)
REFUND_CONFIRMED: Final = Rule(
    number="9",
    code="REFUND_CONFIRMED",
    meaning="The operator paid a refund out, so it owes us less.",
    movements=whole("refund", "clearing"),
)
REFUND_REJECTED: Final = Rule(
    number="9b",
    code="REFUND_REJECTED",
    meaning="The operator rejected a refund; it must be paid another way.",
    movements=whole("refund", "refund_failed"),
)
REFUND_AGAIN: Final = Rule(
    number="9c",
    code="REFUND_AGAIN",
    meaning="A rejected refund is sent to the operator once more.",
    movements=whole("refund_failed", "refund"),
)
REFUND_BY_BANK: Final = Rule(
    number="9d",
    code="REFUND_BY_BANK",
    meaning="A rejected refund was paid to the citizen from the bank.",
    movements=whole("refund_failed", "bank_collection"),
)
CHARGEBACK: Final = Rule(
    number="14",
    code="CHARGEBACK",
    meaning="The operator took a fee back before the agency was paid; what nobody gives back is "
    "our loss.",
    movements=(
        *fee_back_to("clearing"),
        Movement("chargeback_loss", "clearing", "lost"),
    ),
    care="If only the principal is claimed, the other parts are zero.",
)
CHARGEBACK_SETTLED: Final = Rule(
    number="14",
    code="CHARGEBACK_SETTLED",
    meaning="The operator took a fee back after the agency was paid; the agency owes us its part.",
    movements=(
        *fee_back_to("clearing", agency="agency_receivable"),
        Movement("chargeback_loss", "clearing", "lost"),
    ),
    care="If only the principal is claimed, the other parts are zero.",
)

RULES: Final = (
    LATE_REFUND,
    DUPLICATE_REFUND,
    OVERPAYMENT_REFUND,
    PART_PAYMENT_REFUND,
    REFUND_FULL,
    REFUND_PARTIAL,
    REFUND_PARTIAL_SETTLED,
    REFUND_SETTLED,
    REFUND_CONFIRMED,
    REFUND_REJECTED,
    REFUND_AGAIN,
    REFUND_BY_BANK,
    CHARGEBACK,
    CHARGEBACK_SETTLED,
)

late_refund: Final = by_sum(LATE_REFUND)
duplicate_refund: Final = by_sum(DUPLICATE_REFUND)
overpayment_refund: Final = by_sum(OVERPAYMENT_REFUND)
part_payment_refund: Final = by_sum(PART_PAYMENT_REFUND)


def refund_full(**fee: Unpack[FullRefund]) -> Transaction:
    """A fee is to be given back; what is kept (a non-refundable service fee) comes as zero."""
    return _full(REFUND_FULL, fee)


def refund_settled(**fee: Unpack[FullRefund]) -> Transaction:
    """A fee is to be given back though its agency was paid."""
    return _full(REFUND_SETTLED, fee)


def refund_partial(**refund: Unpack[PartialRefund]) -> Transaction:
    """Part of a fee is to be given back; raises ValueError if it is more than is left of it."""
    return _partial(REFUND_PARTIAL, refund)


def refund_partial_settled(**refund: Unpack[PartialRefund]) -> Transaction:
    """Part of a fee is to be given back though its agency was paid; else as refund_partial."""
    return _partial(REFUND_PARTIAL_SETTLED, refund)


refund_confirmed: Final = by_sum(REFUND_CONFIRMED)
refund_rejected: Final = by_sum(REFUND_REJECTED)
refund_again: Final = by_sum(REFUND_AGAIN)
refund_by_bank: Final = by_sum(REFUND_BY_BANK)


def chargeback(**claim: Unpack[Claim]) -> Transaction:
    """The operator took a fee back; raises ValueError for a part that no fee has."""
    return _claimed(CHARGEBACK, claim)


def chargeback_settled(**claim: Unpack[Claim]) -> Transaction:
    """The operator took a fee back though its agency was paid; else as chargeback."""
    return _claimed(CHARGEBACK_SETTLED, claim)


def _full(rule: Rule, fee: FullRefund) -> Transaction:
    if any(_returned(rule, place_of(fee), fee.get("before", ())).values()):
        raise ValueError(f"{rule.code}: part of it was given back; refund the rest as a part")
    return fill(rule, fee, place_of(fee), parts_of(fee))


def _partial(rule: Rule, refund: PartialRefund) -> Transaction:
    amount, left = refund["amount"], _left(rule, refund)
    available = sum(left.values())
    if not 0 < amount.minor <= available or amount.currency != refund["principal"].currency:
        rest = Money(available, refund["principal"].currency)
        raise ValueError(f"{rule.code}: {amount} cannot be given back out of {rest}")
    shares = _agreed(rule, refund, left) if "split" in refund else _in_proportion(amount, left)
    return fill(rule, refund, place_of(refund), shares)


def _left(rule: Rule, refund: PartialRefund) -> dict[str, int]:
    """What each share paid in and has not given back yet, in minor units."""
    parts, currency = parts_of(refund), refund["principal"].currency
    if any(part.minor < 0 or part.currency != currency for part in parts.values()):
        raise ValueError(f"{rule.code}: a part of the fee is negative or of another currency")
    borne = parts["agency_fee"].minor  # by the agency: we got it, and give it back
    paid = {
        "agency": parts["principal"].minor + parts["penalty"].minor - borne,
        "stamp": parts["stamp"].minor,
        "service_fee": parts["service_fee"].minor + borne,
        "vat": parts["vat"].minor,
    }
    returned = _returned(rule, place_of(refund), refund.get("before", ()))
    return {share: paid[share] - returned[share] for share in SHARES}


def _in_proportion(amount: Money, left: Mapping[str, int]) -> dict[str, Money]:
    """In proportion to what is left: none gives more, and the last refund leaves nothing."""
    return dict(zip(SHARES, allocate(amount, [left[share] for share in SHARES]), strict=True))


def _agreed(rule: Rule, refund: PartialRefund, left: Mapping[str, int]) -> dict[str, Money]:
    amount, split = refund["amount"], refund["split"]
    nothing = Money(0, amount.currency)
    total = nothing
    for share, borne in split.items():
        if share not in SHARES or not 0 <= borne.minor <= left[share]:
            raise ValueError(f"{rule.code}: {share} cannot give {borne} back")
        total += borne
    if total != amount:
        raise ValueError(f"{rule.code}: the split gives {total} back, not {amount}")
    return {share: split.get(share, nothing) for share in SHARES}


def _returned(rule: Rule, place: Place, before: Sequence[Transaction]) -> Counter[str]:
    """What each share gave back so far, less what reversals took back again."""
    refund = ROLES["refund"](place)
    shares = {ROLES[role](place): share for share, roles in _BEARERS.items() for role in roles}
    returned: Counter[str] = Counter()
    for each in before:
        if each.rule in (CHARGEBACK.code, CHARGEBACK_SETTLED.code):
            raise ValueError(f"{rule.code}: the operator took this payment back")
        for posting in each.postings:
            if posting.credit == refund and posting.debit in shares:
                returned[shares[posting.debit]] += posting.amount.minor
            elif posting.debit == refund and posting.credit in shares:
                returned[shares[posting.credit]] -= posting.amount.minor
    return returned


def _claimed(rule: Rule, claim: Claim) -> Transaction:
    recoverable = frozenset(claim.get("recoverable", PAID_PARTS))
    if not recoverable <= set(PAID_PARTS):
        raise ValueError(f"{rule.code}: no parts of a fee: {sorted(recoverable - set(PAID_PARTS))}")
    parts = parts_of(claim)
    lost = nothing = Money(0, claim["principal"].currency)
    for part in PAID_PARTS:
        if part not in recoverable:
            lost += parts[part]
            parts[part] = nothing
    if "principal" not in recoverable:  # the agency keeps the fee, and so what it bore of it
        parts["agency_fee"] = nothing
    return fill(rule, claim, place_of(claim), {**parts, "lost": lost})
