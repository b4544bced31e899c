"""How texts are cut into short messages."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.alphabet import Alphabet, units
from sms.segments import ALONE, JOINED, split

GSM7, UCS2 = Alphabet.GSM7, Alphabet.UCS2
DAD = "\u0636"
EMOJI = "\U0001f4b3"
ARABIC_WORD = "إيصال"

VECTORS = [
    ("x" * 160, GSM7, [160]),
    ("x" * 161, GSM7, [153, 8]),
    ("x" * 306, GSM7, [153, 153]),
    ("x" * 307, GSM7, [153, 153, 1]),
    ("€" * 80, GSM7, [80]),
    ("€" * 81, GSM7, [76, 5]),
    ("x" * 152 + "€" + "x" * 10, GSM7, [152, 11]),
    (DAD * 70, UCS2, [70]),
    (DAD * 71, UCS2, [67, 4]),
    (DAD * 134, UCS2, [67, 67]),
    (DAD * 135, UCS2, [67, 67, 1]),
    (EMOJI * 35, UCS2, [35]),
    (EMOJI * 36, UCS2, [33, 3]),
    (DAD * 66 + EMOJI + DAD * 10, UCS2, [66, 11]),
    (f"Receipt {ARABIC_WORD}", UCS2, [13]),
    ("١٢٣", UCS2, [3]),
    ("`", UCS2, [1]),
    ("\u00a0", UCS2, [1]),
    ("\u2019", UCS2, [1]),
    ("ç", UCS2, [1]),
    ("\u200f123", UCS2, [4]),
    ("\u0640", UCS2, [1]),
    ("\ufdfc", UCS2, [1]),
    ("{}[]~|^\\€", GSM7, [9]),
    ("ÇéùΔΦΓΛΩΠΨΣΘΞÅ", GSM7, [14]),
    ("", GSM7, [0]),
]


@pytest.mark.parametrize(("text", "alphabet", "lengths"), VECTORS)
def test_known_texts_are_cut_where_real_networks_cut_them(
    text: str, alphabet: Alphabet, lengths: list[int]
) -> None:
    segments = split(text)

    assert segments.alphabet is alphabet
    assert [len(part) for part in segments.parts] == lengths


def test_extension_characters_cost_two_septets() -> None:
    assert units("{}[]~|^\\€", GSM7) == 18


def test_dividing_the_length_would_promise_one_part_too_few() -> None:
    text = "x" * 152 + "€" + "x" * 152

    assert units(text, GSM7) == 2 * JOINED[GSM7]
    assert [len(part) for part in split(text).parts] == [152, 152, 1]


GSM_TEXTS = st.text(alphabet="ab €{^\n", max_size=700)
MIXED_TEXTS = st.text(alphabet=f"ab{DAD}{EMOJI}€ ", max_size=300)


@given(st.one_of(GSM_TEXTS, MIXED_TEXTS, st.text(max_size=300)))
def test_parts_joined_are_the_text_and_each_part_fits(text: str) -> None:
    segments = split(text)
    limit = (ALONE if segments.count == 1 else JOINED)[segments.alphabet]

    assert "".join(segments.parts) == text
    assert all(units(part, segments.alphabet) <= limit for part in segments.parts)


@given(st.one_of(GSM_TEXTS, MIXED_TEXTS))
def test_no_other_way_of_cutting_needs_fewer_parts(text: str) -> None:
    segments = split(text)
    limit = JOINED[segments.alphabet]
    costs = [units(char, segments.alphabet) for char in text]
    ends = _reachable_ends(tuple(costs), limit)

    fewest = 1 if sum(costs) <= ALONE[segments.alphabet] else ends
    assert segments.count == fewest


@cache
def _reachable_ends(costs: tuple[int, ...], limit: int) -> int:
    """Fewest parts by trying every cut: where one part more can end, round by round."""
    frontier, parts = {0}, 0
    while len(costs) not in frontier:
        parts += 1
        frontier = {end for start in frontier for end in _ends(costs, start, limit)}
    return parts


def _ends(costs: tuple[int, ...], start: int, limit: int) -> list[int]:
    ends, used = [], 0
    for at in range(start, len(costs)):
        used += costs[at]
        if used > limit:
            break
        ends.append(at + 1)
    return ends
