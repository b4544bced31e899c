"""Control numbers: twelve digits that name a bill, typed on a keypad and read aloud.

Ten random digits without a leading zero and two ISO 7064 mod 97-10 check digits, which catch every
wrong digit and every two digits in each other's place.
"""

from __future__ import annotations

from kernel.digits import check_digits_hold, grouped, only_digits, with_check_digits
from kernel.ids import Ids

DIGITS = 12
_RANDOM_DIGITS = 10


def make(ids: Ids) -> str:
    """A fresh control number; the bill table's key says whether it is taken."""
    return with_check_digits(ids.digits(_RANDOM_DIGITS))


def read(typed: str) -> str | None:
    """What somebody typed, with spaces, hyphens or Arabic-Indic digits; None if it is mistyped."""
    digits = only_digits(typed)
    if digits is None or len(digits) != DIGITS or digits.startswith("0"):
        return None
    return digits if check_digits_hold(digits) else None


def spaced(control_number: str) -> str:
    """In groups of four, as people read it."""
    return grouped(control_number, 4)
