"""What a text costs on the radio."""

import pytest

from kernel.alphabet import Alphabet, alphabet_of, units


@pytest.mark.parametrize(
    ("text", "alphabet", "cost"),
    [
        ("x" * 160, Alphabet.GSM7, 160),
        ("€" * 80, Alphabet.GSM7, 160),
        ("{}[]~|^\\€", Alphabet.GSM7, 18),
        ("ÇéùÅ", Alphabet.GSM7, 4),
        ("ض" * 70, Alphabet.UCS2, 70),
        ("😀" * 35, Alphabet.UCS2, 70),
        ("x" * 181 + "ض", Alphabet.UCS2, 182),
        ("١٢٣", Alphabet.UCS2, 3),
        ("`", Alphabet.UCS2, 1),
        ("ç", Alphabet.UCS2, 1),
        ("\u00a0", Alphabet.UCS2, 1),
    ],
)
def test_texts_cost_what_a_phone_network_counts(text: str, alphabet: Alphabet, cost: int) -> None:
    assert alphabet_of(text) is alphabet
    assert units(text, alphabet) == cost
