"""Fees for any input: sums, lateness, exact amounts through files, and slips of the finger."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fees import control_number
from fees.bill_file import COLUMNS, Order, order_of, read_amount, read_lines, write_rows
from fees.refusals import FeeRefusal
from fees.tariff import LARGEST_MINOR, Asked, Asks, LatePenalty, Tariff, price
from kernel.currency import EXPONENTS
from kernel.digits import with_check_digits
from kernel.money import Money

currencies = st.sampled_from(sorted(EXPONENTS))
minors = st.integers(0, 10**12)
control_numbers = st.integers(10**9, 10**10 - 1).map(lambda drawn: with_check_digits(str(drawn)))


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    currency = draw(currencies)
    asks: Asks = draw(st.sampled_from(["nothing", "quantity", "amount", "band"]))
    priced = draw(st.integers(1, 10**12))
    bearer: Literal["citizen", "agency"] = draw(st.sampled_from(["citizen", "agency"]))
    per_day = draw(minors)
    return Tariff(
        effective_from=date(2026, 1, 1),
        asks=asks,
        currency=currency,
        amount=Money(priced, currency) if asks in ("nothing", "quantity") else None,
        bands={"B": Money(priced, currency)} if asks == "band" else {},
        minimum=None,
        maximum=None,
        max_quantity=draw(st.integers(1, 1000)) if asks == "quantity" else 1,
        stamp=Money(draw(minors), currency),
        service_fee=Money(draw(minors), currency),
        fee_borne_by=bearer,
        late=LatePenalty(Money(per_day, currency), Money(per_day + draw(minors), currency)),
        due_days=30,
        expire_days=None,
    )


@given(
    tariff=tariffs(),
    quantity=st.integers(-5, 1005),
    stated=st.none() | st.integers(-10, 2 * LARGEST_MINOR),
    band=st.sampled_from([None, "B"]),
    assessed=st.booleans(),
)
def test_the_components_of_a_charge_sum_to_its_total_whatever_is_asked(
    tariff: Tariff, quantity: int, stated: int | None, band: str | None, assessed: bool
) -> None:
    amount = None if stated is None else Money(stated, tariff.currency)
    charge = price(tariff, Asked(quantity=quantity, amount=amount, band=band, assessed=assessed))
    if isinstance(charge, FeeRefusal):
        return
    parts = (charge.principal, charge.stamp, charge.penalty, charge.service_fee)
    assert charge.total.minor == sum(part.minor for part in parts)
    assert charge.principal.minor > 0
    assert all(part.minor >= 0 for part in (*parts, charge.agency_fee))
    assert charge.agency_fee <= charge.principal
    assert 0 in (charge.service_fee.minor, charge.agency_fee.minor)


@given(rate=minors, room=minors, days=st.integers(-400, 4000), more=st.integers(0, 4000))
def test_a_penalty_never_falls_and_never_passes_its_cap(
    rate: int, room: int, days: int, more: int
) -> None:
    cap = Money(rate + room, "BHD")
    late = LatePenalty(Money(rate, "BHD"), cap)
    assert late.after(days) <= late.after(days + more)
    begun_years = (max(days, 0) + 364) // 365
    assert late.after(days) <= cap.times(begun_years)
    assert late.after(min(days, 0)).minor == 0


@given(currency=currencies, minor=st.integers(1, LARGEST_MINOR), arabic=st.booleans())
def test_an_amount_survives_a_file_unchanged(currency: str, minor: int, arabic: bool) -> None:
    money = Money(minor, currency)
    written = money.plain()
    if arabic:
        written = written.translate(str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫"))
    row = {"agency": "A", "service": "S", "amount": written, "currency": currency}
    lines = read_lines(write_rows(COLUMNS, [row]))
    assert isinstance(lines, list)
    assert isinstance(lines[0].values, dict)
    order = order_of(lines[0].values)
    assert isinstance(order, Order)
    assert order.bill.amount == money


@pytest.mark.parametrize(
    ("currency", "text"),
    [("LBP", "180000000"), ("BHD", "0.500"), ("JOD", "12.500"), ("SYP", "20107.00")],
)
def test_the_amounts_of_the_region_read_and_write_the_same(currency: str, text: str) -> None:
    money = read_amount(text, currency)
    assert money.plain() == text
    assert read_amount(money.grouped(), currency) == money


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_no_file_makes_the_reader_fail(raw: bytes) -> None:
    read_lines(b"agency,service,amount,currency\n" + raw)
    read_lines(raw)


@given(st.fixed_dictionaries(dict.fromkeys(COLUMNS, st.text(max_size=30))))
def test_no_row_makes_the_reader_fail(values: dict[str, str]) -> None:
    order_of(values)
    order_of({**values, "currency": "JOD", "amount": "1"})


@given(number=control_numbers, place=st.integers(0, 11), digit=st.integers(0, 9))
def test_every_single_wrong_digit_of_a_control_number_is_caught(
    number: str, place: int, digit: int
) -> None:
    typed = f"{number[:place]}{digit}{number[place + 1 :]}"
    assert (control_number.read(typed) is not None) == (typed == number)


@given(number=control_numbers)
def test_every_two_swapped_digits_of_a_control_number_are_caught(number: str) -> None:
    for one, other in combinations(range(12), 2):
        digits = list(number)
        digits[one], digits[other] = digits[other], digits[one]
        typed = "".join(digits)
        assert (control_number.read(typed) is not None) == (typed == number)
