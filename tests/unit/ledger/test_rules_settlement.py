"""Settlement, reconciliation, period ends and new currency units: what each rule moves."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.currency import SYRIA_2026
from kernel.money import Money
from ledger import rules
from tests.unit.ledger.makers import IDS, MORNING, amount
from tests.unit.ledger.test_rules import (
    AGENCY,
    BANK,
    CLEARING,
    INCOME,
    OWN_BANK,
    STAMP,
    UNEXPLAINED,
    VAT,
    net,
)

TRANSIT = "Liabilities:SettlementInTransit:ROADS:JOD"
OWED = "Assets:AgencyReceivable:ROADS:JOD"
ROUNDING = "Expenses:Rounding:JOD"
CHARGES = "Expenses:BankCharges:JOD"
EARNED = "Equity:RetainedEarnings:JOD"


def facts(**more: Any) -> dict[str, Any]:
    """What every rule is made with."""
    return {"id": IDS.new(), "key": "k", "occurred_at": MORNING} | more


def due(minor: int, **more: Any) -> dict[str, Any]:
    """An amount due to the roads agency for licences."""
    return facts(agency="roads", service="licence", amount=Money(minor, "JOD"), **more)


def test_a_settlement_is_under_way_until_the_bank_confirms_or_returns_it() -> None:
    assert net(rules.settle_gross(**due(5000))) == {AGENCY: 5000, TRANSIT: -5000}
    assert net(rules.settle_failed(**due(5000))) == {TRANSIT: 5000, AGENCY: -5000}
    paid = rules.settle_confirmed(**facts(agency="roads", amount=Money(5000, "JOD")))
    assert net(paid) == {TRANSIT: 5000, BANK: -5000}


def test_a_net_settlement_keeps_our_commission_and_what_the_agency_owes() -> None:
    booked = rules.settle_net(
        **due(5000), commission=Money(50, "JOD"), claw_back=Money(2000, "JOD")
    )
    commission = "Income:AgencyCommission:JOD"
    assert net(booked) == {AGENCY: 5000, TRANSIT: -2950, commission: -50, OWED: -2000}


def test_a_net_settlement_never_takes_more_than_there_is() -> None:
    exact = rules.settle_net(**due(50), commission=Money(50, "JOD"), claw_back=Money(0, "JOD"))
    assert TRANSIT not in net(exact)
    with pytest.raises(ValueError, match="net cannot be"):
        rules.settle_net(**due(50), commission=Money(50, "JOD"), claw_back=Money(1, "JOD"))


def test_taxes_and_our_own_money_leave_the_account_of_public_money() -> None:
    taxes = rules.tax_remit(**facts(stamp=Money(100, "JOD"), vat=Money(34, "JOD")))
    assert net(taxes) == {STAMP: 100, VAT: 34, BANK: -134}
    one = rules.tax_remit(**facts(stamp=Money(0, "JOD"), vat=Money(34, "JOD")))
    assert net(one) == {VAT: 34, BANK: -34}
    swept = rules.own_sweep(**facts(amount=Money(109, "JOD")))
    assert net(swept) == {OWN_BANK: 109, BANK: -109}


def test_money_that_nobody_can_explain_waits_in_suspense() -> None:
    booked = rules.bank_unidentified(**facts(amount=Money(700, "JOD")))
    assert net(booked) == {BANK: 700, UNEXPLAINED: -700}


def test_a_difference_by_rounding_goes_either_way_up_to_its_cap() -> None:
    cap = Money(5, "JOD")
    assert net(rules.rounding(key="k", cap=cap, **amount(5))) == {ROUNDING: 5, CLEARING: -5}
    assert net(rules.rounding(key="k", cap=cap, **amount(-5))) == {CLEARING: 5, ROUNDING: -5}
    for minor in (6, -6):
        with pytest.raises(ValueError, match="is more than"):
            rules.rounding(key="k", cap=cap, **amount(minor))
    with pytest.raises(ValueError, match="nothing to book"):
        rules.rounding(key="k", cap=cap, **amount(0))


@pytest.mark.parametrize(("bank", "account"), [("collection", BANK), ("operating", OWN_BANK)])
def test_a_bank_charge_is_booked_where_the_bank_took_it(bank: Any, account: str) -> None:
    booked = rules.bank_charge(**facts(amount=Money(750, "JOD"), bank=bank))
    assert net(booked) == {CHARGES: 750, account: -750}


def test_a_period_is_closed_into_retained_earnings_in_each_currency() -> None:
    booked = rules.period_close(
        {
            INCOME: Money(-216, "JOD"),
            "Expenses:Rounding:JOD": Money(-2, "JOD"),
            CHARGES: Money(750, "JOD"),
            "Income:AgencyCommission:JOD": Money(0, "JOD"),
            "Income:ServiceFee:BHD": Money(-40, "BHD"),
        },
        **facts(),
    )
    assert net(booked) == {
        INCOME: 216,
        ROUNDING: 2,
        CHARGES: -750,
        EARNED: 532,
        "Income:ServiceFee:BHD": 40,
        "Equity:RetainedEarnings:BHD": -40,
    }


def test_only_income_and_expenses_are_closed_and_only_if_there_are_any() -> None:
    with pytest.raises(ValueError, match="carried on, not closed"):
        rules.period_close({CLEARING: Money(1, "JOD")}, **facts())
    with pytest.raises(ValueError, match="nothing to book"):
        rules.period_close({INCOME: Money(0, "JOD")}, **facts())


def test_two_zeros_off_the_pound_move_every_balance_and_name_the_rounding() -> None:
    held = {
        "Assets:Clearing:DEMO:XSP": 31_270_070,
        "Liabilities:Agency:PASS:PASSPORT:XSP": -31_270_030,
        "Liabilities:StampDuty:XSP": -40,
    }
    balances = {path: Money(minor, "XSP") for path, minor in held.items()}
    booked = rules.redenomination(balances, SYRIA_2026, **facts())
    assert net(booked) == {path: -minor for path, minor in held.items()} | {
        "Assets:Clearing:DEMO:SYP": 312_701,
        "Liabilities:Agency:PASS:PASSPORT:SYP": -312_700,
        "Expenses:Rounding:SYP": -1,
        "Equity:Trading:XSP": 0,
        "Equity:Trading:SYP": 0,
    }


def test_balances_in_another_unit_are_not_redenominated() -> None:
    with pytest.raises(ValueError, match="not in XSP"):
        rules.redenomination({CLEARING: Money(1, "JOD")}, SYRIA_2026, **facts())
    with pytest.raises(ValueError, match="nothing to book"):
        rules.redenomination({}, SYRIA_2026, **facts())
