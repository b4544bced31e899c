"""What tariffs make of requests: every basis, every component, every refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from fees.refusals import MEANING, FeeRefusal
from fees.tariff import Asked, Asks, Charge, LatePenalty, Tariff, price
from kernel.money import Money, zero


def jod(text: str) -> Money:
    return Money.parse(text, "JOD")


def bhd(text: str) -> Money:
    return Money.parse(text, "BHD")


def tariff(asks: Asks = "nothing", amount: str | None = "50.000") -> Tariff:
    nothing = zero("JOD")
    return Tariff(
        effective_from=date(2026, 1, 1),
        asks=asks,
        currency="JOD",
        amount=None if amount is None else jod(amount),
        bands={"FIRST": jod("125.000"), "AGAIN": jod("250.000")} if asks == "band" else {},
        minimum=jod("1.000") if asks == "amount" else None,
        maximum=jod("100.000") if asks == "amount" else None,
        max_quantity=9 if asks == "quantity" else 1,
        stamp=nothing,
        service_fee=nothing,
        fee_borne_by="citizen",
        late=LatePenalty(nothing, nothing),
        due_days=30,
        expire_days=None,
    )


def charged(rule: Tariff, asked: Asked) -> Charge:
    charge = price(rule, asked)
    assert isinstance(charge, Charge)
    return charge


def test_a_fixed_fee_is_its_amount() -> None:
    assert charged(tariff(), Asked()).total == jod("50.000")


def test_a_fee_per_unit_is_multiplied_by_the_quantity() -> None:
    assert charged(tariff("quantity", "2.000"), Asked(quantity=3)).principal == jod("6.000")


def test_a_band_chooses_the_price() -> None:
    assert charged(tariff("band", None), Asked(band="AGAIN")).principal == jod("250.000")


def test_a_stated_amount_within_bounds_is_the_price() -> None:
    charge = charged(tariff("amount", None), Asked(amount=jod("12.500")))
    assert charge.principal == jod("12.500")


def test_stamp_duty_is_a_component_of_its_own_once_a_document() -> None:
    rule = replace(tariff("quantity", "2.000"), stamp=jod("0.500"))
    charge = charged(rule, Asked(quantity=3))
    assert (charge.principal, charge.stamp, charge.total) == (jod("6"), jod("1.5"), jod("7.5"))


def test_a_service_fee_borne_by_the_citizen_is_paid_on_top() -> None:
    rule = replace(tariff(), service_fee=jod("0.150"))
    charge = charged(rule, Asked())
    assert charge.service_fee == jod("0.150")
    assert charge.agency_fee == zero("JOD")
    assert charge.total == jod("50.150")


def test_a_service_fee_borne_by_the_agency_is_not_paid_by_the_citizen() -> None:
    rule = replace(tariff(), service_fee=jod("0.150"), fee_borne_by="agency")
    charge = charged(rule, Asked())
    assert charge.agency_fee == jod("0.150")
    assert charge.service_fee == zero("JOD")
    assert charge.total == jod("50.000")


def test_an_agency_never_pays_more_for_a_collection_than_it_brings() -> None:
    rule = replace(tariff(), service_fee=jod("0.150"), fee_borne_by="agency")
    charge = charged(rule, Asked(amount=jod("0.100"), assessed=True))
    assert charge.agency_fee == jod("0.100")


@pytest.mark.parametrize("asks", ["nothing", "quantity", "amount", "band"])
def test_an_amount_that_the_agency_assessed_stands_in_for_any_price(asks: Asks) -> None:
    rule = tariff(asks, None if asks in ("amount", "band") else "50.000")
    assert charged(rule, Asked(amount=jod("5000"), assessed=True)).principal == jod("5000")


@pytest.mark.parametrize(
    ("asks", "asked", "refusal"),
    [
        ("quantity", Asked(quantity=0), FeeRefusal.QUANTITY_OUT_OF_RANGE),
        ("quantity", Asked(quantity=10), FeeRefusal.QUANTITY_OUT_OF_RANGE),
        ("quantity", Asked(quantity=-1), FeeRefusal.QUANTITY_OUT_OF_RANGE),
        ("nothing", Asked(quantity=2), FeeRefusal.QUANTITY_OUT_OF_RANGE),
        ("nothing", Asked(amount=jod("50.000")), FeeRefusal.AMOUNT_NOT_ASKED),
        ("nothing", Asked(band="FIRST"), FeeRefusal.BAND_UNKNOWN),
        ("nothing", Asked(currency="BHD"), FeeRefusal.CURRENCY_DIFFERS),
        ("band", Asked(), FeeRefusal.BAND_MISSING),
        ("band", Asked(band="THIRD"), FeeRefusal.BAND_UNKNOWN),
        ("amount", Asked(), FeeRefusal.AMOUNT_MISSING),
        ("amount", Asked(amount=jod("0.999")), FeeRefusal.AMOUNT_OUT_OF_RANGE),
        ("amount", Asked(amount=jod("100.001")), FeeRefusal.AMOUNT_OUT_OF_RANGE),
        ("amount", Asked(amount=bhd("5.000")), FeeRefusal.CURRENCY_DIFFERS),
        ("amount", Asked(amount=jod("0"), assessed=True), FeeRefusal.AMOUNT_OUT_OF_RANGE),
        ("amount", Asked(amount=jod("-5"), assessed=True), FeeRefusal.AMOUNT_OUT_OF_RANGE),
        ("amount", Asked(amount=jod("9" * 13), assessed=True), FeeRefusal.AMOUNT_OUT_OF_RANGE),
    ],
)  # fmt: skip
def test_what_a_tariff_does_not_sell_is_refused_by_name(
    asks: Asks, asked: Asked, refusal: FeeRefusal
) -> None:
    rule = tariff(asks, None if asks in ("amount", "band") else "50.000")
    assert price(rule, asked) is refusal


def test_every_refusal_has_words_for_staff() -> None:
    assert set(MEANING) == set(FeeRefusal)


@pytest.mark.parametrize(
    ("days_late", "penalty"),
    [
        (-30, "0"),
        (0, "0"),
        (1, "0.500"),
        (12, "6.000"),
        (39, "19.500"),
        (40, "20.000"),
        (41, "20.000"),
        (365, "20.000"),
        (366, "20.500"),
        (405, "40.000"),
        (10 * 365, "200.000"),
    ],
)
def test_bahrain_charges_half_a_dinar_a_day_and_twenty_a_year_at_most(
    days_late: int, penalty: str
) -> None:
    assert LatePenalty(bhd("0.500"), bhd("20.000")).after(days_late) == bhd(penalty)
