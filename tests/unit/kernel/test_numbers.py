"""Numbers people type: phone numbers, check digits, any digits."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.iso7064 import mod_97_10

from kernel.digits import check_digits_hold, grouped, only_digits, with_check_digits
from kernel.msisdn import BadMsisdn, Msisdn

bodies = st.integers(10**9, 10**10 - 1).map(str)
CODES = (
    "962",
    "961",
    "970",
    "972",
    "973",
    "963",
    "1",
    "7",
    "20",
    "39",
    "44",
    "254",
    "250",
    "233",
    "599",
    "999",
)


@pytest.mark.parametrize(
    "text",
    [
        "0791234567",
        "00962791234567",
        "+962791234567",
        "+962 0 79 123 4567",
        "٠٧٩١٢٣٤٥٦٧",
        "۰۷۹۱۲۳۴۵۶۷",
        "\u200e+962791234567",
        "tel:+962791234567",
        "(079) 123-4567",
    ],
)
def test_one_subscriber_however_it_is_written(text: str) -> None:
    assert Msisdn.parse(text, "JO").e164 == "+962791234567"


@pytest.mark.parametrize(
    "text",
    [
        "*384*123#",
        "1090",
        "0000",
        "",
        "hello",
        "+96279",
        "+9627912345678",
        " 254700000000x",
        "79 ext 5",
    ],
)
def test_what_is_no_subscriber_is_refused(text: str) -> None:
    with pytest.raises(BadMsisdn):
        Msisdn.parse(text, "JO")


@settings(max_examples=400)
@given(st.sampled_from(CODES), st.from_regex("0?[0-9]{6,11}", fullmatch=True))
def test_a_number_as_e_164_writes_it_is_the_one_with_spaces(code: str, rest: str) -> None:
    # With a space in it, it is read by the whole table of numbering plans.
    assert read(f"+{code}{rest}") == read(f"+{code} {rest}")


def read(text: str) -> str:
    """The number, or that it is none."""
    try:
        return Msisdn.parse(text).e164
    except BadMsisdn:
        return "no number"


def test_a_national_number_without_a_country_is_refused() -> None:
    with pytest.raises(BadMsisdn):
        Msisdn.parse("0791234567")


def test_a_palestinian_number_is_one_subscriber_under_both_country_codes() -> None:
    assert Msisdn.parse("+972590000000") == Msisdn.parse("+970590000000")


def test_a_number_never_prints_whole() -> None:
    msisdn = Msisdn("+962791234567")
    assert "791234567" not in f"{msisdn} {msisdn!r}"
    assert msisdn.masked() == "+962•••••••67"


@given(bodies)
def test_check_digits_are_those_of_iso_7064(body: str) -> None:
    number = with_check_digits(body)
    assert number == body + mod_97_10.calc_check_digits(body)
    assert check_digits_hold(number)


@given(bodies, st.integers(0, 11), st.integers(1, 9))
def test_one_wrong_digit_is_always_caught(body: str, place: int, shift: int) -> None:
    number = with_check_digits(body)
    wrong = str((int(number[place]) + shift) % 10)
    assert not check_digits_hold(number[:place] + wrong + number[place + 1 :])


@given(bodies)
def test_two_swapped_neighbours_are_always_caught(body: str) -> None:
    number = with_check_digits(body)
    for place, (left, right) in enumerate(pairwise(number)):
        if left != right:
            swapped = number[:place] + right + left + number[place + 2 :]
            assert not check_digits_hold(swapped)


def test_typed_numbers_may_have_spaces_and_any_digits_but_no_letters() -> None:
    assert only_digits(" ١٢٣٤ 5678-90 ") == "1234567890"
    assert only_digits("12a4") is None
    assert only_digits("²³") is None
    assert grouped("123456789012", 4) == "1234 5678 9012"
