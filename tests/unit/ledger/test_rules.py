"""The posting rules: what each moves, computed against the table that finance signed."""

from __future__ import annotations

import inspect
from collections import Counter
from dataclasses import astuple
from typing import Any

import pytest

from kernel.money import Money
from ledger import chart, rules
from ledger.journal import Transaction
from ledger.rules import RULES
from ledger.rules.examples import examples
from ledger.rules.template import PAID_PARTS, ROLES
from tests.unit.ledger.makers import IDS, MORNING, amount, fee

CLEARING = "Assets:Clearing:DEMO:JOD"
AGENCY = "Liabilities:Agency:ROADS:LICENCE:JOD"
STAMP = "Liabilities:StampDuty:JOD"
INCOME = "Income:ServiceFee:JOD"
LATE = "Liabilities:Suspense:LateSuccess:DEMO:JOD"
TWICE = "Liabilities:Duplicate:DEMO:JOD"
EXCESS = "Liabilities:Overpayment:JOD"
REFUND = "Liabilities:RefundPayable:DEMO:JOD"
FAILED = "Liabilities:Suspense:RefundFailed:DEMO:JOD"
VAT = "Liabilities:VAT:JOD"
PART = "Liabilities:PartPayment:JOD"
BANK = "Assets:Bank:Collection:JOD"
OWN_BANK = "Assets:Bank:Operating:JOD"
COMMISSION = "Expenses:OperatorCommission:DEMO:JOD"
INVOICED = "Liabilities:CommissionPayable:DEMO:JOD"
UNEXPLAINED = "Liabilities:Suspense:Unallocated:Bank:JOD"
UNKNOWN = "Liabilities:Suspense:Unallocated:DEMO:JOD"
DISPUTE = "Assets:Suspense:OperatorDispute:DEMO:JOD"
GIVEN_UP = "Expenses:ReconWriteOff:JOD"


def parts(**changes: Any) -> dict[str, Any]:
    """Arguments of a fee rule: 5.000 + 0.100 + 0.050 + 0.250 = 5.400."""
    facts: dict[str, Any] = {"id": IDS.new(), "key": "k", "occurred_at": MORNING}
    facts |= {"wallet": "demo", "agency": "roads", "service": "licence"}
    minor = {"principal": 5000, "stamp": 100, "penalty": 50, "service_fee": 250} | changes
    return facts | {part: Money(value, "JOD") for part, value in minor.items()}


def net(transaction: Transaction) -> dict[str, int]:
    """What each account gained on the debit side, in fils."""
    moved: Counter[str] = Counter()
    for posting in transaction.postings:
        moved[posting.debit] += posting.amount.minor
        moved[posting.credit] -= posting.amount.minor
    return dict(moved)


def test_a_fee_makes_the_operator_owe_us_and_us_owe_agency_and_treasury() -> None:
    booked = rules.fee_succeeded(**parts())
    assert net(booked) == {CLEARING: 5400, AGENCY: -5050, STAMP: -100, INCOME: -250}
    assert len(booked.postings) == 4


def test_a_fee_borne_by_the_agency_is_taken_off_what_we_owe_it() -> None:
    booked = rules.fee_succeeded(**parts(service_fee=0, agency_fee=250))
    assert net(booked) == {CLEARING: 5150, AGENCY: -4800, STAMP: -100, INCOME: -250}


def test_parts_that_are_zero_make_no_posting() -> None:
    booked = rules.fee_succeeded(**parts(stamp=0, penalty=0, service_fee=0))
    assert [(each.debit, each.credit) for each in booked.postings] == [(CLEARING, AGENCY)]


@pytest.mark.parametrize(
    ("rule", "debit", "credit"),
    [
        (rules.late_success, CLEARING, LATE),
        (rules.late_refund, LATE, REFUND),
        (rules.duplicate, CLEARING, TWICE),
        (rules.duplicate_refund, TWICE, REFUND),
        (rules.overpayment_refund, EXCESS, REFUND),
        (rules.refund_confirmed, REFUND, CLEARING),
        (rules.refund_rejected, REFUND, FAILED),
        (rules.refund_again, FAILED, REFUND),
        (rules.refund_by_bank, FAILED, BANK),
        (rules.part_payment_refund, PART, REFUND),
        (rules.operator_commission, COMMISSION, CLEARING),
        (rules.operator_commission_invoiced, COMMISSION, INVOICED),
        (rules.operator_commission_paid, INVOICED, OWN_BANK),
        (rules.bank_deposit, BANK, CLEARING),
        (rules.bank_explained_deposit, UNEXPLAINED, CLEARING),
        (rules.bank_explained_refund, UNEXPLAINED, REFUND),
        (rules.operator_unknown, CLEARING, UNKNOWN),
        (rules.operator_unknown_refund, UNKNOWN, REFUND),
        (rules.operator_dispute, DISPUTE, CLEARING),
        (rules.operator_dispute_paid, BANK, DISPUTE),
        (rules.operator_dispute_write_off, GIVEN_UP, DISPUTE),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_rule_of_one_sum_moves_it_whole(rule: Any, debit: str, credit: str) -> None:
    assert net(rule(key="k", **amount(5400))) == {debit: 5400, credit: -5400}


def test_the_tax_on_our_fee_is_the_treasurys() -> None:
    booked = rules.fee_succeeded(**parts(service_fee=216, vat=34))
    expected = {CLEARING: 5400, AGENCY: -5050, STAMP: -100, INCOME: -216, VAT: -34}
    assert net(booked) == expected
    assert net(rules.refund_full(**parts(service_fee=216, vat=34))) == {REFUND: -5400} | {
        path: -moved for path, moved in expected.items() if path != CLEARING
    }


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        (rules.late_accept, LATE),
        (rules.part_payment_complete, PART),
        (rules.bank_explained_fee, UNEXPLAINED),
        (rules.operator_unknown_accept, UNKNOWN),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_money_that_waited_and_pays_its_bill_leaves_for_the_parts_of_the_fee(
    rule: Any, source: str
) -> None:
    booked = rule(**parts(agency_fee=20, vat=7))
    assert net(booked) == {source: 5407, AGENCY: -5030, STAMP: -100, INCOME: -270, VAT: -7}


def test_money_that_is_too_little_waits_for_the_rest() -> None:
    short = amount(5399) | {"due": Money(5400, "JOD")}
    assert net(rules.underpayment(key="k", **short)) == {CLEARING: 5399, PART: -5399}
    with pytest.raises(ValueError, match="not less"):
        rules.underpayment(key="k", **amount(5400), due=Money(5400, "JOD"))


def test_what_was_paid_too_much_stays_the_citizens() -> None:
    booked = rules.overpayment(**parts(), paid=Money(6000, "JOD"))
    expected = {CLEARING: 6000, AGENCY: -5050, STAMP: -100, INCOME: -250, EXCESS: -600}
    assert net(booked) == expected


@pytest.mark.parametrize("paid", [5400, 5000])
def test_an_overpayment_must_be_more_than_the_fee(paid: int) -> None:
    with pytest.raises(ValueError, match="not more"):
        rules.overpayment(**parts(), paid=Money(paid, "JOD"))


def test_a_full_refund_takes_back_every_part() -> None:
    booked = rules.refund_full(**parts(agency_fee=20))
    assert net(booked) == {REFUND: -5400, AGENCY: 5030, STAMP: 100, INCOME: 270}


def test_a_refund_may_keep_the_service_fee() -> None:
    assert net(rules.refund_full(**parts(service_fee=0)))[REFUND] == -5150


def test_a_reversal_mirrors_every_posting_and_keeps_the_payment() -> None:
    original = fee("k", reference=IDS.new())
    mirror = rules.reversal(original, id=IDS.new(), key="undo", occurred_at=MORNING)
    assert (mirror.reverses, mirror.reference) == (original.id, original.reference)
    assert net(mirror) == {path: -moved for path, moved in net(original).items()}
    assert len(mirror.postings) == len(original.postings)
    assert (mirror.occurred_at, mirror.zone) == (original.occurred_at, original.zone)


def test_a_reversal_keeps_the_day_of_its_original_unless_told_otherwise() -> None:
    original = fee("k", reference=IDS.new())
    plain = rules.reversal(original, id=IDS.new(), key="undo")
    assert (plain.occurred_at, plain.zone) == (original.occurred_at, "Asia/Amman")
    assert plain.business_date == original.business_date
    later = MORNING.replace(day=30)
    told = rules.reversal(original, id=IDS.new(), key="undo", occurred_at=later, reference=None)
    assert (told.occurred_at, told.reference) == (later, None)


@pytest.mark.parametrize("part", [*PAID_PARTS, "agency_fee"])
def test_no_part_may_be_negative_or_of_another_currency(part: str) -> None:
    with pytest.raises(ValueError, match=part):
        rules.fee_succeeded(**(parts() | {part: Money(-1, "JOD")}))
    if part != "principal":
        with pytest.raises(ValueError, match=part):
            rules.fee_succeeded(**(parts() | {part: Money(1, "BHD")}))


def test_a_fee_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to book"):
        rules.fee_succeeded(**parts(principal=0, stamp=0, penalty=0, service_fee=0))


def test_every_rule_has_a_function_of_its_name_and_an_example_by_its_version() -> None:
    functions = {name for name in rules.__all__ if inspect.isfunction(getattr(rules, name))}
    assert functions == {code.lower() for code in RULES}
    shown = examples()
    assert set(shown) == set(RULES)
    assert all(each.booked.version == RULES[code].version for code, each in shown.items())
    assert all(code == rule.code for code, rule in RULES.items())


def test_rules_are_named_told_and_in_the_order_of_their_numbers() -> None:
    numbers = [int(rule.number.rstrip("abcdefghijklmnopqrstuvwxyz")) for rule in RULES.values()]
    assert numbers == sorted(numbers)
    assert all(rule.meaning.endswith(".") for rule in RULES.values())
    assert all(rule.care.endswith(".") for rule in RULES.values() if rule.care)


def test_every_role_is_played_and_every_account_of_a_rule_is_one_of_the_chart() -> None:
    played = {
        role for rule in RULES.values() for each in rule.movements for role in astuple(each)[:2]
    }
    assert played == set(ROLES)
    for example in examples().values():
        for posting in example.booked.postings:
            assert chart.parse(posting.debit).currency == posting.amount.currency
            assert chart.parse(posting.credit).currency == posting.amount.currency
            assert posting.debit != posting.credit


def test_currencies_with_none_two_and_three_decimals_book_whole_minor_units() -> None:
    for currency in ("LBP", "ILS", "BHD"):
        booked = fee("k", currency=currency)
        assert {each.amount.currency for each in booked.postings} == {currency}
        assert all(chart.parse(each.debit).currency == currency for each in booked.postings)
