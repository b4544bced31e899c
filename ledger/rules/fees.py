"""Rules for money that citizens pay: in time, late, twice, too much, too little."""

from __future__ import annotations

from typing import Final, Unpack

from kernel.money import Money
from ledger.journal import Transaction
from ledger.rules.template import (
    Fee,
    Movement,
    Rule,
    Sum,
    by_fee,
    by_sum,
    fee_from,
    fill,
    of_sum,
    paid_of,
    parts_of,
    place_of,
    whole,
)


class PaidFee(Fee):
    """A fee for which the citizen paid more than its total."""

    paid: Money


class ShortSum(Sum):
    """An amount that does not reach what is ``due``."""

    due: Money


FEE_SUCCEEDED: Final = Rule(
    number="2",
    code="FEE_SUCCEEDED",
    version=2,
    meaning="The operator took the fee from the citizen; it owes us, we owe the agency and the "
    "treasury.",
    movements=fee_from("clearing"),
    care="Booked once for each wallet debit, whatever the operator repeats.",
)
LATE_SUCCESS: Final = Rule(
    number="5",
    code="LATE_SUCCESS",
    meaning="Money arrived after its payment had ended; it waits in suspense for acceptance or "
    "refund.",
    movements=whole("clearing", "late"),
    care="The payment stays ended; this is a new entry for it.",
)
LATE_ACCEPT: Final = Rule(
    number="5a",
    code="LATE_ACCEPT",
    version=2,
    meaning="The bill was still unpaid, so late money pays it.",
    movements=fee_from("late"),
)
DUPLICATE: Final = Rule(
    number="6",
    code="DUPLICATE",
    meaning="A second wallet debit for one bill; it is the citizen's.",
    movements=whole("clearing", "duplicate"),
    care="Only for a second debit: the same debit reported twice changes nothing.",
)
OVERPAYMENT: Final = Rule(
    number="7",
    code="OVERPAYMENT",
    version=2,
    meaning="The citizen paid more than the fee; the fee is booked, the rest is the citizen's.",
    movements=(*fee_from("clearing"), Movement("clearing", "overpayment", "excess")),
)
UNDERPAYMENT: Final = Rule(
    number="7b",
    code="UNDERPAYMENT",
    meaning="The citizen paid less than the fee; it is kept for the citizen until the rest comes.",
    movements=whole("clearing", "part_payment"),
    care="The agency gets nothing until the fee is complete.",
)
PART_PAYMENT_COMPLETE: Final = Rule(
    number="7c",
    code="PART_PAYMENT_COMPLETE",
    meaning="Part payments have reached the fee, so they pay it.",
    movements=fee_from("part_payment"),
    care="Each part, the last one too, was booked as an underpayment before.",
)

RULES: Final = (
    FEE_SUCCEEDED,
    LATE_SUCCESS,
    LATE_ACCEPT,
    DUPLICATE,
    OVERPAYMENT,
    UNDERPAYMENT,
    PART_PAYMENT_COMPLETE,
)

fee_succeeded: Final = by_fee(FEE_SUCCEEDED)
"""A fee borne by the agency is taken off what we owe it."""
late_success: Final = by_sum(LATE_SUCCESS)
late_accept: Final = by_fee(LATE_ACCEPT)
duplicate: Final = by_sum(DUPLICATE)


def overpayment(**fee: Unpack[PaidFee]) -> Transaction:
    """A payment succeeded with ``paid`` above the total; raises ValueError if it is not above."""
    parts = parts_of(fee)
    excess = fee["paid"] - paid_of(parts)
    if excess.minor <= 0:
        raise ValueError(f"{fee['paid']} is not more than the fee")
    return fill(OVERPAYMENT, fee, place_of(fee), {**parts, "excess": excess})


def underpayment(**money: Unpack[ShortSum]) -> Transaction:
    """A payment succeeded below the total; raises ValueError if it reaches what is ``due``."""
    if money["due"] <= money["amount"]:
        raise ValueError(f"{money['amount']} is not less than {money['due']}")
    return of_sum(UNDERPAYMENT, money)


part_payment_complete: Final = by_fee(PART_PAYMENT_COMPLETE)
