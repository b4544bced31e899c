"""How a text travels as short messages (3GPP TS 23.040 §9.2.3.24.1, TS 23.038 §6.2.1).

One part holds 160 septets or 70 UTF-16 units; of a longer text each part gives six octets to the
concatenation header and holds 153 or 67. An escaped character or a surrogate pair never straddles
two parts, so the number of parts comes from splitting, not from dividing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.alphabet import Alphabet, alphabet_of, units

ALONE: Final = {Alphabet.GSM7: 160, Alphabet.UCS2: 70}
"""Units of a text that travels in one part."""

JOINED: Final = {Alphabet.GSM7: 153, Alphabet.UCS2: 67}
"""Units of each part when there are several."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A text as the network carries it; ``"".join(parts)`` is the text again."""

    alphabet: Alphabet
    parts: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many messages are paid for."""
        return len(self.parts)


def split(text: str) -> Segments:
    """Cut a text into as few parts as possible; an empty text is one empty part."""
    alphabet = alphabet_of(text)
    if units(text, alphabet) <= ALONE[alphabet]:
        return Segments(alphabet, (text,))
    return Segments(alphabet, tuple(_fill(text, alphabet, JOINED[alphabet])))


def _fill(text: str, alphabet: Alphabet, limit: int) -> list[str]:
    """Fill each part until the next whole character does not fit; greedy is optimal here."""
    parts, start, used = [], 0, 0
    for at, char in enumerate(text):
        cost = units(char, alphabet)
        if used + cost > limit:
            parts.append(text[start:at])
            start, used = at, 0
        used += cost
    return [*parts, text[start:]]
