"""Control numbers as people type them."""

from __future__ import annotations

import pytest

from fees import control_number
from kernel.ids import RandomIds


class FixedIds(RandomIds):
    """Draws the same digits each time."""

    def digits(self, count: int) -> str:
        return "1234567890"[:count]


def test_a_control_number_is_ten_digits_and_two_check_digits() -> None:
    number = control_number.make(FixedIds())
    assert number == "123456789092"
    assert int(number) % 97 == 1


@pytest.mark.parametrize(
    "typed",
    [
        "123456789092",
        "1234 5678 9092",
        " 1234-5678-9092 ",
        "١٢٣٤٥٦٧٨٩٠٩٢",
        "۱۲۳۴۵۶۷۸۹۰۹۲",
        "\u200f١٢٣٤ ٥٦٧٨ ٩٠٩٢\u200f",
    ],
)
def test_a_control_number_is_read_however_it_is_typed(typed: str) -> None:
    assert control_number.read(typed) == "123456789092"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345678909",
        "1234567890921",
        "123456789093",
        "12345678909O",
        "²23456789092",
        "000000000001",
        "NaN",
    ],
)
def test_what_is_no_control_number_is_not_read(typed: str) -> None:
    assert control_number.read(typed) is None


def test_a_control_number_is_shown_in_groups_of_four() -> None:
    assert control_number.spaced("123456789092") == "1234 5678 9092"
