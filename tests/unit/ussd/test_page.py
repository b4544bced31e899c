"""Pages fit the radio, and nothing that must stay together is torn apart."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.alphabet import Alphabet, alphabet_of, units
from ussd.page import Line, Nav, NavWords, Profile, fit, fits
from ussd.rendering import pages_per_second

WORDS = NavWords("Back", "Home", "More")
ARABIC = NavWords("رجوع", "البداية", "المزيد")


def pages(*lines: Line, profile: Profile | None = None, ends: bool = True) -> tuple[str, ...]:
    return fit(lines, profile or Profile(), nav=Nav.NONE, words=WORDS, ends=ends)


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("x" * 182, True),
        ("x" * 183, False),
        ("€" * 91, True),
        ("€" * 92, False),
        ("ض" * 80, True),
        ("ض" * 81, False),
        ("ض" * 79 + "😀", False),
        ("ض" * 78 + "😀", True),
        ("x" * 181 + "ض", False),
    ],
)
def test_a_screen_holds_182_septets_or_80_units(text: str, fitting: bool) -> None:
    assert fits(text, Profile()) is fitting


@pytest.mark.parametrize(
    ("text", "fitting"),
    [("x" * 160, True), ("x" * 161, False), ("ض" * 70, True), ("ض" * 71, False)],
)
def test_an_operator_may_carry_less(text: str, fitting: bool) -> None:
    assert fits(text, Profile(160, 70)) is fitting


def test_one_arabic_letter_makes_a_full_latin_screen_three_pages() -> None:
    words = "abcdefgh " * 20
    shown = pages(Line(f"{words}ض"))
    assert len(shown) >= 2
    assert all(fits(page, Profile()) for page in shown)
    assert alphabet_of(shown[-1]) is Alphabet.UCS2


def test_a_choice_stays_with_its_number() -> None:
    choices = [Line(f"خدمة طويلة الاسم رقم {at}", key=str(at)) for at in range(1, 20)]
    shown = fit(choices, Profile(), nav=Nav.BACK_AND_HOME, words=ARABIC)
    lines = [line for page in shown for line in page.split("\n")]
    assert [line for line in lines if "خدمة" in line] == [str(choice) for choice in choices]


def test_only_the_last_page_has_no_more() -> None:
    shown = pages(*(Line("word " * 20) for _ in range(6)))
    assert len(shown) > 2
    assert ["99. More" in page for page in shown] == [True] * (len(shown) - 1) + [False]


def test_navigation_counts() -> None:
    body = Line("x" * 165)
    whole = f"{body}\n0. Back\n00. Home"
    assert len(whole) == 182
    assert fit([body], Profile(), nav=Nav.BACK_AND_HOME, words=WORDS) == (whole,)
    longer = Line("x" * 100 + " " + "x" * 73)
    shown = fit([longer], Profile(), nav=Nav.BACK_AND_HOME, words=WORDS)
    assert shown == (f"{longer}\n0. Back",), "home gives way before the text is cut"


def test_an_amount_and_its_currency_stay_together() -> None:
    for pad in range(40, 80):
        shown = pages(Line("ا" * pad + " المجموع 180,000,000 ل.ل شكرا" + " كلمة" * 10))
        assert any("180,000,000 ل.ل" in page for page in shown)


def test_kept_lines_share_a_page() -> None:
    for pad in range(1, 80):
        total, pay = Line("المجموع 5.000", keep=True), Line("ادفع", key="1")
        shown = pages(Line("ا" * pad), total, pay, Line("كلمة " * 12))
        (paying,) = [page for page in shown if "1. ادفع" in page]
        assert "المجموع 5.000" in paying


def test_a_choice_longer_than_a_page_is_cut_with_an_ellipsis_in_its_alphabet() -> None:
    (latin,) = pages(Line("word " * 60, key="7"))
    (arabic,) = pages(Line("كلمة " * 60, key="7"))
    assert latin.startswith("7. word")
    assert latin.endswith("..")
    assert alphabet_of(latin) is Alphabet.GSM7
    assert arabic.endswith("…")


def test_an_ellipsis_never_cuts_a_number() -> None:
    for pad in range(60, 80):
        (page,) = pages(Line("ا" * pad + " 180,000,000 ل.ل", key="1"))
        assert not re.search(r"\d…", page) or "180,000,000" in page


def test_a_long_last_word_goes_on_until_its_last_page() -> None:
    shown = pages(Line("word " * 60))
    assert len(shown) == 2
    assert shown[0].endswith("\n99. More")
    assert "0. Back" not in shown[1]


def test_pages_after_the_first_lead_back_even_from_a_screen_without_ways_out() -> None:
    choices = [Line("x" * 50, key=str(at)) for at in range(1, 6)]
    first, second = fit(choices, Profile(), nav=Nav.NONE, words=WORDS)
    assert "0. Back" not in first
    assert second.endswith("\n0. Back")


LINES = st.lists(
    st.builds(
        Line,
        st.text("abc اب€😀0123456789.,", max_size=120),
        key=st.sampled_from(["", "1", "12"]),
        keep=st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(LINES, st.sampled_from(list(Nav)), st.booleans(), st.integers(60, 182), st.integers(50, 80))
def test_whatever_the_lines_every_page_fits(
    lines: list[Line], nav: Nav, ends: bool, septets: int, ucs2: int
) -> None:
    profile = Profile(septets, ucs2)
    shown = fit(lines, profile, nav=nav, words=ARABIC, ends=ends)
    assert shown
    for page in shown:
        assert units(page, alphabet_of(page)) <= (
            septets if alphabet_of(page) is Alphabet.GSM7 else ucs2
        )


def test_rendering_is_measured_on_every_screen() -> None:
    assert pages_per_second(0.05) > 10_000
