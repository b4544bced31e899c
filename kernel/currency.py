"""Currencies and their minor units: our own table, because published ones disagree.

ISO 4217 gives LBP and SYP two digits. Lebanon quotes no fraction, so LBP has none here. The new
Syrian pound (1 January 2026) is 100 old ones, so two digits keep every old amount exact: 1 old SYP
= 0.01 SYP.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

EXPONENTS: Final[dict[str, int]] = {
    "JOD": 3,
    "BHD": 3,
    "KWD": 3,
    "ILS": 2,
    "USD": 2,
    "EUR": 2,
    "SYP": 2,
    "LBP": 0,
}
"""Currencies that people pay in, with their decimals."""

RETIRED: Final[dict[str, int]] = {"XSP": 2}
"""Units that nobody pays in any more; books taken over from elsewhere may still hold them.

Old and new pounds are both SYP to ISO 4217. Books must not add them up, so the old one is XSP here
(ISO keeps X for private use), with ISO's two decimals.
"""


@dataclass(frozen=True, slots=True)
class Redenomination:
    """From the day ``on``, one unit of ``new`` stands for ``factor`` units of ``old``."""

    old: str
    new: str
    factor: int
    on: date


SYRIA_2026: Final = Redenomination(old="XSP", new="SYP", factor=100, on=date(2026, 1, 1))
"""Two zeros off the Syrian pound."""


class UnknownCurrency(ValueError):
    """The currency is not one that Mizan keeps books in."""


def exponent(currency: str) -> int:
    """Digits after the decimal point of one currency (ISO 4217 code, or a retired unit)."""
    digits = EXPONENTS.get(currency, RETIRED.get(currency))
    if digits is None:
        known = ", ".join(sorted(EXPONENTS))
        raise UnknownCurrency(f"unknown currency {currency!r}; use one of {known}")
    return digits
