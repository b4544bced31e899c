"""What a text costs on the radio: GSM 7-bit septets or UCS-2 units (3GPP TS 23.038 §6.2.1).

One character outside GSM 7-bit turns the whole message to UCS-2. Arabic is always UCS-2: no
national language table exists for it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Characters that take an escape and so two septets."""

_GSM7: Final = BASIC | EXTENSION


class Alphabet(StrEnum):
    """The two codings a phone network carries (data coding scheme 0x0F and 0x48)."""

    GSM7 = "gsm7"
    UCS2 = "ucs2"


def alphabet_of(text: str) -> Alphabet:
    """The alphabet a text needs."""
    return Alphabet.GSM7 if _GSM7.issuperset(text) else Alphabet.UCS2


def units(text: str, alphabet: Alphabet) -> int:
    """Length in septets (extension characters cost two) or in UTF-16 units (emoji cost two)."""
    if alphabet is Alphabet.GSM7:
        return len(text) + sum(1 for char in text if char in EXTENSION)
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)
