"""Refunds and charge-backs: who bears what, and never more than was paid."""

from __future__ import annotations

from typing import Any

import pytest

from kernel.money import Money
from ledger import rules
from ledger.journal import Transaction
from tests.unit.ledger.makers import IDS, amount
from tests.unit.ledger.test_rules import (
    AGENCY,
    CLEARING,
    INCOME,
    REFUND,
    STAMP,
    VAT,
    net,
    parts,
)

OWED = "Assets:AgencyReceivable:ROADS:JOD"
LOSS = "Expenses:ChargebackLoss:JOD"


def licence() -> dict[str, Any]:
    """5.000 + 0.050 penalty for the agency, 0.100 stamp, 0.216 + 0.034 for our fee: 5.400."""
    return parts(service_fee=216, vat=34)


def partial(minor: int, *before: Transaction, rule: Any = rules.refund_partial) -> Transaction:
    """Part of the licence is given back, in proportion."""
    booked: Transaction = rule(**licence(), amount=Money(minor, "JOD"), before=before)
    return booked


def test_a_partial_refund_is_borne_in_proportion_by_largest_remainder() -> None:
    # 1,000 of 5,400: 935.19 agency, 18.52 stamp, 40.00 fee, 6.30 tax
    assert net(partial(1000)) == {AGENCY: 935, STAMP: 19, INCOME: 40, VAT: 6, REFUND: -1000}


def test_refunds_in_parts_give_every_part_back_exactly_and_nothing_more() -> None:
    before: list[Transaction] = []
    for minor in (1, 1, 1, 997, 2400, 1999, 1):
        before.append(partial(minor, *before))
    back = {AGENCY: 0, STAMP: 0, INCOME: 0, VAT: 0, REFUND: 0}
    for each in before:
        for path, moved in net(each).items():
            back[path] += moved
    assert back == {AGENCY: 5050, STAMP: 100, INCOME: 216, VAT: 34, REFUND: -5400}
    with pytest.raises(ValueError, match=r"0\.001 JOD cannot be given back out of 0\.000 JOD"):
        partial(1, *before)


def test_refunds_in_parts_give_back_what_the_agency_bore_of_our_fee_as_a_full_one_does() -> None:
    fee = licence() | {"agency_fee": Money(20, "JOD")}
    before: list[Transaction] = []
    for minor in (1, 1999, 3400):
        before.append(rules.refund_partial(**fee, amount=Money(minor, "JOD"), before=before))
    back = {path: sum(net(each).get(path, 0) for each in before) for path in net(before[-1])}
    assert back == net(rules.refund_full(**fee))
    assert back == {AGENCY: 5030, STAMP: 100, INCOME: 236, VAT: 34, REFUND: -5400}


@pytest.mark.parametrize("minor", [0, -1, 5401])
def test_a_refund_of_nothing_or_of_more_than_was_paid_is_refused(minor: int) -> None:
    with pytest.raises(ValueError, match="cannot be given back"):
        partial(minor)


def test_all_refunds_together_cannot_exceed_what_was_paid() -> None:
    first = partial(5000)
    assert net(partial(400, first))[REFUND] == -400
    with pytest.raises(ValueError, match=r"0\.401 JOD cannot be given back out of 0\.400 JOD"):
        partial(401, first)
    with pytest.raises(ValueError, match="cannot be given back"):
        partial(1, rules.refund_full(**licence()))


def test_a_refund_that_was_reversed_can_be_made_again() -> None:
    first = partial(5000)
    undone = rules.reversal(first, id=IDS.new(), key="undo")
    assert net(partial(5400, first, undone))[REFUND] == -5400


def test_what_the_operator_did_with_a_refund_does_not_count_as_another_one() -> None:
    first = partial(5000)
    paid = rules.refund_confirmed(key="k", **amount(2000))
    failed = rules.refund_rejected(key="k", **amount(3000))
    assert net(partial(400, first, paid, failed))[REFUND] == -400


def test_an_agreed_split_is_taken_as_it_is() -> None:
    split = {"agency": Money(900, "JOD"), "service_fee": Money(100, "JOD")}
    booked = rules.refund_partial(**licence(), amount=Money(1000, "JOD"), split=split)
    assert net(booked) == {AGENCY: 900, INCOME: 100, REFUND: -1000}


@pytest.mark.parametrize(
    ("split", "why"),
    [
        ({"agency": 999}, "the split gives"),
        ({"agency": 900, "stamp": 101}, "stamp cannot give"),
        ({"agency": 1001, "stamp": -1}, "stamp cannot give"),
        ({"agency": 900, "citizen": 100}, "citizen cannot give"),
    ],
)
def test_a_split_must_add_up_and_take_from_nobody_more_than_they_got(
    split: dict[str, int], why: str
) -> None:
    shares = {share: Money(minor, "JOD") for share, minor in split.items()}
    with pytest.raises(ValueError, match=why):
        rules.refund_partial(**licence(), amount=Money(1000, "JOD"), split=shares)


def test_after_settlement_the_agency_owes_its_share() -> None:
    booked = partial(1000, rule=rules.refund_partial_settled)
    assert net(booked) == {OWED: 935, STAMP: 19, INCOME: 40, VAT: 6, REFUND: -1000}
    whole = rules.refund_settled(**licence() | {"agency_fee": Money(20, "JOD")})
    expected = {OWED: 5030, STAMP: 100, INCOME: 236, VAT: 34, REFUND: -5400}
    assert net(whole) == expected


def test_refunds_before_and_after_settlement_count_together() -> None:
    with pytest.raises(ValueError, match="cannot be given back"):
        partial(401, partial(5000), rule=rules.refund_partial_settled)
    with pytest.raises(ValueError, match="cannot be given back"):
        partial(401, partial(5000, rule=rules.refund_partial_settled))


@pytest.mark.parametrize("rule", [rules.refund_full, rules.refund_settled])
def test_a_full_refund_after_a_partial_one_is_refused(rule: Any) -> None:
    with pytest.raises(ValueError, match="refund the rest as a part"):
        rule(**licence(), before=[partial(1)])


def test_what_the_operator_took_back_is_not_refunded_as_well() -> None:
    taken = rules.chargeback(**licence())
    for rule in (rules.refund_full, rules.refund_settled):
        with pytest.raises(ValueError, match="took this payment back"):
            rule(**licence(), before=[taken])
    with pytest.raises(ValueError, match="took this payment back"):
        partial(1, taken)


def test_a_part_that_no_fee_can_have_is_refused() -> None:
    with pytest.raises(ValueError, match="negative or of another currency"):
        rules.refund_partial(**licence() | {"penalty": Money(-1, "JOD")}, amount=Money(1, "JOD"))
    with pytest.raises(ValueError, match="cannot be given back"):
        rules.refund_partial(**licence(), amount=Money(1, "BHD"))


def test_a_chargeback_is_given_back_by_all_who_got_a_part() -> None:
    booked = rules.chargeback(**licence() | {"agency_fee": Money(20, "JOD")})
    assert net(booked) == {AGENCY: 5030, STAMP: 100, INCOME: 236, VAT: 34, CLEARING: -5400}
    settled = net(rules.chargeback_settled(**licence()))
    assert settled == {OWED: 5050, STAMP: 100, INCOME: 216, VAT: 34, CLEARING: -5400}


def test_parts_that_cannot_be_recovered_are_our_loss() -> None:
    booked = rules.chargeback(**licence(), recoverable=("principal", "penalty", "service_fee"))
    assert net(booked) == {AGENCY: 5050, INCOME: 216, LOSS: 134, CLEARING: -5400}
    all_lost = rules.chargeback_settled(
        **licence() | {"agency_fee": Money(20, "JOD")}, recoverable=()
    )
    assert net(all_lost) == {LOSS: 5400, CLEARING: -5400}
    with pytest.raises(ValueError, match="no parts of a fee"):
        rules.chargeback(**licence(), recoverable=("principle",))
