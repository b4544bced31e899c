"""Rules for what the bank's and the operators' reports say and our books do not, or the reverse."""

from __future__ import annotations

from typing import Final, Literal, Unpack

from kernel.money import Money
from ledger.journal import Transaction
from ledger.rules.template import (
    BankSum,
    Movement,
    Place,
    Rule,
    Sum,
    by_bank_sum,
    by_fee,
    by_sum,
    fee_from,
    fill,
    whole,
)


class Difference(Sum):
    """``amount`` that the operator owes less (above zero) or more (below); ``cap`` is allowed."""

    cap: Money


class BankCharge(BankSum):
    """What the bank took, and from which of our two accounts."""

    bank: Literal["collection", "operating"]


BANK_UNIDENTIFIED: Final = Rule(
    number="13",
    code="BANK_UNIDENTIFIED",
    meaning="Money arrived at the bank and nobody knows what for; it waits in suspense.",
    movements=whole("bank_collection", "unallocated_bank"),
    care="Booked once for each line of the bank statement.",
)
BANK_EXPLAINED_DEPOSIT: Final = Rule(
    number="13",
    code="BANK_EXPLAINED_DEPOSIT",
    meaning="An unexplained bank credit was an operator's deposit.",
    movements=whole("unallocated_bank", "clearing"),
)
BANK_EXPLAINED_FEE: Final = Rule(
    number="13",
    code="BANK_EXPLAINED_FEE",
    meaning="An unexplained bank credit was somebody's fee, so it pays it.",
    movements=fee_from("unallocated_bank"),
)
BANK_EXPLAINED_REFUND: Final = Rule(
    number="13",
    code="BANK_EXPLAINED_REFUND",
    meaning="An unexplained bank credit belongs to a citizen and goes back.",
    movements=whole("unallocated_bank", "refund"),
)
OPERATOR_UNKNOWN: Final = Rule(
    number="13b",
    code="OPERATOR_UNKNOWN",
    meaning="The operator's report has a debit that we do not know; it waits in suspense.",
    movements=whole("clearing", "unallocated_operator"),
)
OPERATOR_UNKNOWN_ACCEPT: Final = Rule(
    number="13b",
    code="OPERATOR_UNKNOWN_ACCEPT",
    meaning="The unknown debit belonged to an unpaid bill, so it pays it.",
    movements=fee_from("unallocated_operator"),
)
OPERATOR_UNKNOWN_REFUND: Final = Rule(
    number="13b",
    code="OPERATOR_UNKNOWN_REFUND",
    meaning="The unknown debit belonged to no bill and goes back to the citizen.",
    movements=whole("unallocated_operator", "refund"),
)
OPERATOR_DISPUTE: Final = Rule(
    number="13c",
    code="OPERATOR_DISPUTE",
    meaning="We booked a debit that the operator's report lacks; we claim it from the operator.",
    movements=whole("dispute", "clearing"),
    care="If it stands in the operator's next report, this entry is reversed.",
)
OPERATOR_DISPUTE_PAID: Final = Rule(
    number="13c",
    code="OPERATOR_DISPUTE_PAID",
    meaning="The operator paid what we claimed.",
    movements=whole("bank_collection", "dispute"),
    care="Booked once for each line of the bank statement.",
)
OPERATOR_DISPUTE_WRITE_OFF: Final = Rule(
    number="13c",
    code="OPERATOR_DISPUTE_WRITE_OFF",
    meaning="We gave up a claim against an operator; it is our loss.",
    movements=whole("write_off", "dispute"),
    care="Two people approve.",
)
ROUNDING: Final = Rule(
    number="13d",
    code="ROUNDING",
    meaning="The operator counts with fewer decimals than we do; the difference is ours.",
    movements=(
        Movement("rounding", "clearing", "shortfall"),
        Movement("clearing", "rounding", "surplus"),
    ),
    care="Up to an agreed amount for each entry; anything larger is a dispute.",
)
BANK_CHARGE: Final = Rule(
    number="13d",
    code="BANK_CHARGE",
    meaning="The bank took a charge.",
    movements=(
        Movement("bank_charges", "bank_collection", "collection"),
        Movement("bank_charges", "bank_operating", "operating"),
    ),
    care="Taken from public money, it lowers what we may sweep to our own account.",
)

RULES: Final = (
    BANK_UNIDENTIFIED,
    BANK_EXPLAINED_DEPOSIT,
    BANK_EXPLAINED_FEE,
    BANK_EXPLAINED_REFUND,
    OPERATOR_UNKNOWN,
    OPERATOR_UNKNOWN_ACCEPT,
    OPERATOR_UNKNOWN_REFUND,
    OPERATOR_DISPUTE,
    OPERATOR_DISPUTE_PAID,
    OPERATOR_DISPUTE_WRITE_OFF,
    ROUNDING,
    BANK_CHARGE,
)

bank_unidentified: Final = by_bank_sum(BANK_UNIDENTIFIED)
"""``key`` comes from the line of the bank statement."""
bank_explained_deposit: Final = by_sum(BANK_EXPLAINED_DEPOSIT)
bank_explained_fee: Final = by_fee(BANK_EXPLAINED_FEE)
"""``wallet`` plays no part."""
bank_explained_refund: Final = by_sum(BANK_EXPLAINED_REFUND)
operator_unknown: Final = by_sum(OPERATOR_UNKNOWN)
operator_unknown_accept: Final = by_fee(OPERATOR_UNKNOWN_ACCEPT)
operator_unknown_refund: Final = by_sum(OPERATOR_UNKNOWN_REFUND)
operator_dispute: Final = by_sum(OPERATOR_DISPUTE)
operator_dispute_paid: Final = by_sum(OPERATOR_DISPUTE_PAID)
"""``key`` comes from the line of the bank statement."""
operator_dispute_write_off: Final = by_sum(OPERATOR_DISPUTE_WRITE_OFF)


def rounding(**money: Unpack[Difference]) -> Transaction:
    """A difference by rounding; raises ValueError if it is larger than ``cap`` either way."""
    amount = money["amount"]
    size = Money(abs(amount.minor), amount.currency)
    if money["cap"] < size:
        raise ValueError(f"{ROUNDING.code}: {amount} is more than {money['cap']}")
    nothing = Money(0, amount.currency)
    parts = {"shortfall": nothing, "surplus": nothing}
    parts["shortfall" if amount.minor > 0 else "surplus"] = size
    return fill(ROUNDING, money, Place(amount.currency, money["wallet"]), parts)


def bank_charge(**money: Unpack[BankCharge]) -> Transaction:
    """The bank took a charge from one of our accounts."""
    amount = money["amount"]
    parts = {"collection": Money(0, amount.currency), "operating": Money(0, amount.currency)}
    return fill(BANK_CHARGE, money, Place(amount.currency), {**parts, money["bank"]: amount})
