"""Rules for money that moves in bulk: operators pay us; we pay agencies, treasury and ourselves."""

from __future__ import annotations

from typing import Final, Unpack

from kernel.money import Money
from ledger.journal import Transaction
from ledger.rules.template import (
    AgencySum,
    Facts,
    Movement,
    Place,
    Rule,
    ServiceSum,
    by_bank_sum,
    by_sum,
    fill,
    whole,
)


class NetSum(ServiceSum):
    """What is due to an agency (``amount``), and what we take off it before paying."""

    commission: Money
    claw_back: Money


class Taxes(Facts):
    """Taxes to hand over; one of them may be zero."""

    stamp: Money
    vat: Money


OPERATOR_COMMISSION: Final = Rule(
    number="10",
    code="OPERATOR_COMMISSION",
    meaning="The operator keeps its commission from what it owes us.",
    movements=whole("operator_commission", "clearing"),
)
OPERATOR_COMMISSION_INVOICED: Final = Rule(
    number="10a",
    code="OPERATOR_COMMISSION_INVOICED",
    meaning="The operator sent an invoice for its commission; we owe it.",
    movements=whole("operator_commission", "commission_payable"),
    care="For operators that pay in full and invoice later.",
)
OPERATOR_COMMISSION_PAID: Final = Rule(
    number="10b",
    code="OPERATOR_COMMISSION_PAID",
    meaning="We paid an operator's invoice from our own money.",
    movements=whole("commission_payable", "bank_operating"),
)
BANK_DEPOSIT: Final = Rule(
    number="11",
    code="BANK_DEPOSIT",
    meaning="The operator's money arrived at the bank.",
    movements=whole("bank_collection", "clearing"),
    care="Booked once for each line of the bank statement; a difference stays and ages.",
)
SETTLE_GROSS: Final = Rule(
    number="12",
    code="SETTLE_GROSS",
    meaning="The bank was told to pay an agency all that was collected for it.",
    movements=whole("agency", "in_transit"),
    care="Two people approve. What is included is cut by position in the journal, not by the "
    "clock.",
)
SETTLE_CONFIRMED: Final = Rule(
    number="12",
    code="SETTLE_CONFIRMED",
    meaning="The bank paid the agency.",
    movements=whole("in_transit", "bank_collection"),
)
SETTLE_NET: Final = Rule(
    number="12n",
    code="SETTLE_NET",
    meaning="The bank was told to pay an agency what is left after our commission and what it "
    "owes us.",
    movements=(
        Movement("agency", "in_transit", "net"),
        Movement("agency", "agency_commission", "commission"),
        Movement("agency", "agency_receivable", "claw_back"),
    ),
    care="Two people approve. The confirmation is of the net amount.",
)
SETTLE_FAILED: Final = Rule(
    number="12x",
    code="SETTLE_FAILED",
    meaning="The bank sent a payment to an agency back; we owe it again.",
    movements=whole("in_transit", "agency"),
)
TAX_REMIT: Final = Rule(
    number="12s",
    code="TAX_REMIT",
    meaning="We handed stamp duty and value-added tax over to the treasury.",
    movements=(
        Movement("stamp_duty", "bank_collection", "stamp"),
        Movement("vat", "bank_collection", "vat"),
    ),
)
OWN_SWEEP: Final = Rule(
    number="12s",
    code="OWN_SWEEP",
    meaning="What we earned moves from the account of public money to our own.",
    movements=whole("bank_operating", "bank_collection"),
    care="Never more than our income less what operators and banks kept.",
)

RULES: Final = (
    OPERATOR_COMMISSION,
    OPERATOR_COMMISSION_INVOICED,
    OPERATOR_COMMISSION_PAID,
    BANK_DEPOSIT,
    SETTLE_GROSS,
    SETTLE_CONFIRMED,
    SETTLE_NET,
    SETTLE_FAILED,
    TAX_REMIT,
    OWN_SWEEP,
)

operator_commission: Final = by_sum(OPERATOR_COMMISSION)
operator_commission_invoiced: Final = by_sum(OPERATOR_COMMISSION_INVOICED)
operator_commission_paid: Final = by_sum(OPERATOR_COMMISSION_PAID)
bank_deposit: Final = by_sum(BANK_DEPOSIT)
"""``key`` comes from the line of the bank statement."""


def settle_gross(**money: Unpack[ServiceSum]) -> Transaction:
    """The bank is to pay what one service of an agency collected."""
    return fill(SETTLE_GROSS, money, _service(money), {"amount": money["amount"]})


def settle_confirmed(**money: Unpack[AgencySum]) -> Transaction:
    """The bank paid the agency, for one service or for several at once."""
    place = Place(money["amount"].currency, agency=money["agency"])
    return fill(SETTLE_CONFIRMED, money, place, {"amount": money["amount"]})


def settle_net(**money: Unpack[NetSum]) -> Transaction:
    """The bank is to pay the rest; raises ValueError if more is taken off than there is."""
    net = money["amount"] - money["commission"] - money["claw_back"]
    parts = {"net": net, "commission": money["commission"], "claw_back": money["claw_back"]}
    return fill(SETTLE_NET, money, _service(money), parts)


def settle_failed(**money: Unpack[ServiceSum]) -> Transaction:
    """The bank could not pay the agency; ``amount`` is what was under way."""
    return fill(SETTLE_FAILED, money, _service(money), {"amount": money["amount"]})


def tax_remit(**taxes: Unpack[Taxes]) -> Transaction:
    """The treasury was paid."""
    parts = {"stamp": taxes["stamp"], "vat": taxes["vat"]}
    return fill(TAX_REMIT, taxes, Place(taxes["stamp"].currency), parts)


own_sweep: Final = by_bank_sum(OWN_SWEEP)


def _service(money: ServiceSum) -> Place:
    return Place(money["amount"].currency, agency=money["agency"], service=money["service"])
