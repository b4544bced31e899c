"""The posting rules: what each moves, computed against the table that finance signed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from kernel.money import Money
from ledger import chart, rules
from ledger.journal import Transaction
from ledger.rules import RULES
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
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_rule_of_one_sum_moves_it_whole(rule: Any, debit: str, credit: str) -> None:
    assert net(rule(key="k", **amount(5400))) == {debit: 5400, credit: -5400}


def test_late_money_that_pays_its_bill_leaves_suspense_for_the_parts_of_the_fee() -> None:
    booked = rules.late_accept(**parts(agency_fee=20))
    assert net(booked) == {LATE: 5400, AGENCY: -5030, STAMP: -100, INCOME: -270}


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


@pytest.mark.parametrize("part", ["principal", "stamp", "penalty", "service_fee", "agency_fee"])
def test_no_part_may_be_negative_or_of_another_currency(part: str) -> None:
    with pytest.raises(ValueError, match=part):
        rules.fee_succeeded(**(parts() | {part: Money(-1, "JOD")}))
    if part != "principal":
        with pytest.raises(ValueError, match=part):
            rules.fee_succeeded(**(parts() | {part: Money(1, "BHD")}))


def test_a_fee_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to book"):
        rules.fee_succeeded(**parts(principal=0, stamp=0, penalty=0, service_fee=0))


def test_every_rule_is_in_the_table_with_its_version_and_meaning() -> None:
    booked = [
        rules.fee_succeeded(**parts()),
        rules.late_success(key="k", **amount(1)),
        rules.late_accept(**parts()),
        rules.late_refund(key="k", **amount(1)),
        rules.duplicate(key="k", **amount(1)),
        rules.duplicate_refund(key="k", **amount(1)),
        rules.overpayment(**parts(), paid=Money(9000, "JOD")),
        rules.overpayment_refund(key="k", **amount(1)),
        rules.refund_full(**parts()),
        rules.refund_confirmed(key="k", **amount(1)),
        rules.refund_rejected(key="k", **amount(1)),
        rules.reversal(fee("k"), id=IDS.new(), key="k", occurred_at=MORNING),
    ]
    assert [each.rule for each in booked] == list(RULES)
    assert all(RULES[each.rule].version == each.version for each in booked)
    assert all(rule.meaning.endswith(".") for rule in RULES.values())


def test_currencies_with_none_two_and_three_decimals_book_whole_minor_units() -> None:
    for currency in ("LBP", "ILS", "BHD"):
        booked = fee("k", currency=currency)
        assert {each.amount.currency for each in booked.postings} == {currency}
        assert all(chart.parse(each.debit).currency == currency for each in booked.postings)
