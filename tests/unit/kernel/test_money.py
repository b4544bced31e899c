"""Money: exact in every currency, in every digit, or refused."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.currency import EXPONENTS, SYRIA_2026, Redenomination, UnknownCurrency, exponent
from kernel.money import BadAmount, Money, allocate, redenominated

amounts = st.builds(Money, st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)))
positive = st.builds(Money, st.integers(0, 10**15), st.sampled_from(sorted(EXPONENTS)))
a_weight = st.integers(0, 1000) | st.integers(0, 10**12)
weightings = st.lists(a_weight, min_size=1, max_size=8).filter(any)
units = st.sampled_from(["LBP", "ILS", "JOD", "XSP", "SYP"])
changes = st.builds(
    Redenomination, old=units, new=units, factor=st.sampled_from([1, 3, 100, 1000]), on=st.dates()
)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("5", "JOD", 5000),
        ("5.000", "JOD", 5000),
        ("0.500", "BHD", 500),
        ("٥٫٠٠٠", "JOD", 5000),
        ("۱۲٫۵", "JOD", 12500),
        ("180,000,000", "LBP", 180_000_000),
        ("180000000.00", "LBP", 180_000_000),
        ("20107", "SYP", 2_010_700),
        ("-1.5", "ILS", -150),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency).minor == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("5.0001", "JOD"),
        ("1.5", "LBP"),
        ("NaN", "JOD"),
        ("1e3", "JOD"),
        ("", "JOD"),
        ("+5", "JOD"),
        ("5.", "JOD"),
        ("=5", "JOD"),
        ("9" * 19, "JOD"),
        ("999999999999999999", "JOD"),
    ],
)
def test_what_cannot_be_expressed_is_refused(text: str, currency: str) -> None:
    with pytest.raises(BadAmount):
        Money.parse(text, currency)


def test_an_unknown_currency_names_the_known_ones() -> None:
    with pytest.raises(UnknownCurrency, match="JOD"):
        Money(1, "XXX")


@given(amounts)
def test_writing_and_reading_changes_nothing(money: Money) -> None:
    assert Money.parse(money.plain(), money.currency) == money
    assert Money.parse(money.grouped(), money.currency) == money


@given(positive, weightings)
def test_a_division_loses_nothing_and_no_part_is_a_whole_unit_from_its_exact_share(
    money: Money, weights: list[int]
) -> None:
    parts = allocate(money, weights)
    assert sum(part.minor for part in parts) == money.minor
    assert {part.currency for part in parts} == {money.currency}
    assert all(part.minor >= 0 for part in parts)
    assert all(
        abs(part.minor * sum(weights) - money.minor * weight) < sum(weights)
        for part, weight in zip(parts, weights, strict=True)
    )


@given(positive, weightings)
def test_a_larger_weight_never_gets_less_and_of_equal_ones_the_first_gets_the_odd_unit(
    money: Money, weights: list[int]
) -> None:
    parts = allocate(money, weights)
    for first, second in combinations(range(len(weights)), 2):
        if weights[first] >= weights[second]:
            assert parts[second] <= parts[first]
        else:
            assert parts[first] <= parts[second]


@given(positive, weightings, st.integers(1, 10**6))
def test_only_the_ratio_of_the_weights_counts(money: Money, weights: list[int], times: int) -> None:
    assert allocate(money, weights) == allocate(money, [weight * times for weight in weights])


@given(weightings, st.data())
def test_no_part_of_a_sum_gives_more_than_it_has(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    parts = allocate(Money(amount, "JOD"), weights)
    assert all(part.minor <= weight for part, weight in zip(parts, weights, strict=True))


def test_the_units_left_over_go_to_the_largest_remainders_then_to_the_first() -> None:
    def parts(minor: int, *weights: int) -> list[int]:
        return [part.minor for part in allocate(Money(minor, "JOD"), weights)]

    assert parts(100, 1, 1, 1) == [34, 33, 33]
    assert parts(5, 1, 1, 1) == [2, 2, 1]
    assert parts(10, 15, 85) == [2, 8]
    assert parts(1, 0, 1, 2) == [0, 0, 1]
    assert parts(0, 3, 4) == [0, 0]


@pytest.mark.parametrize(
    ("minor", "weights"), [(-1, [1]), (1, []), (1, [0, 0]), (1, [2, -1]), (0, [0])]
)
def test_what_cannot_be_divided_is_refused(minor: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot divide"):
        allocate(Money(minor, "JOD"), weights)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2010700.00", "20107.00"), ("0.49", "0.00"), ("0.50", "0.01"), ("1.49", "0.01")],
)
def test_two_zeros_off_a_pound_is_the_nearest_hundredth_halves_upwards(old: str, new: str) -> None:
    amount, converted = Money.parse(old, "XSP"), Money.parse(new, "SYP")
    assert redenominated(amount, SYRIA_2026) == converted
    assert redenominated(Money(-amount.minor, "XSP"), SYRIA_2026).minor == -converted.minor


@given(changes, st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20))
def test_converted_parts_differ_from_their_converted_sum_by_half_a_unit_each_at_most(
    change: Redenomination, minors: list[int]
) -> None:
    whole = redenominated(Money(sum(minors), change.old), change)
    parts = [redenominated(Money(minor, change.old), change) for minor in minors]
    assert abs(sum(part.minor for part in parts) - whole.minor) * 2 <= len(minors) + 1


@given(changes, st.integers(-(10**12), 10**12))
def test_a_conversion_is_the_nearest_unit_and_exact_where_it_can_be(
    change: Redenomination, minor: int
) -> None:
    numerator = minor * 10 ** exponent(change.new)
    denominator = change.factor * 10 ** exponent(change.old)
    converted = redenominated(Money(minor, change.old), change).minor
    assert abs(converted * denominator - numerator) * 2 <= denominator
    if numerator % denominator == 0:
        assert converted * denominator == numerator


def test_only_the_old_unit_is_converted() -> None:
    with pytest.raises(ValueError, match="not in XSP"):
        redenominated(Money(1, "SYP"), SYRIA_2026)


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix JOD and BHD"):
        Money(1, "JOD") + Money(1, "BHD")


def test_people_see_groups_and_all_decimals() -> None:
    assert str(Money(180_000_000, "LBP")) == "180,000,000 LBP"
    assert str(Money(1_234_500, "JOD")) == "1,234.500 JOD"
    assert str(Money(-5, "JOD")) == "-0.005 JOD"
