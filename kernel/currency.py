"""Currencies and their minor units: our own table, because published ones disagree.

ISO 4217 gives LBP and SYP two digits. Lebanon quotes no fraction, so LBP has none here. The new
Syrian pound (1 January 2026) is 100 old ones, so two digits keep every old amount exact: 1 old SYP
= 0.01 SYP.
"""

from __future__ import annotations

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


class UnknownCurrency(ValueError):
    """The currency is not one that Mizan keeps books in."""


def exponent(currency: str) -> int:
    """Digits after the decimal point of one currency (ISO 4217 code)."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        known = ", ".join(sorted(EXPONENTS))
        raise UnknownCurrency(f"unknown currency {currency!r}; use one of {known}") from None
