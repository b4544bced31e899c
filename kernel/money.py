"""Money as whole minor units with a currency; no float, and no rounding nobody asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kernel.currency import Redenomination, exponent
from kernel.digits import to_western

MAX_MINOR = 10**17
"""Largest amount that is read or booked: it fits PostgreSQL's bigint and GSMA's 18 digits. A sum of
many may be larger.
"""

_PLAIN = re.compile(r"(?P<sign>-?)(?P<whole>\d{1,18})(?:\.(?P<fraction>\d{1,18}))?")


class BadAmount(ValueError):
    """The text is not an amount, has more decimals than its currency, or is out of range."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units (fils, cents) of an ISO 4217 currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Read ``5``, ``5.000`` or ``٥٫٠٠٠``; raise BadAmount if the scale cannot express it
        exactly.
        """
        plain = to_western(text).strip().replace("٫", ".").replace("٬", "").replace(",", "")
        found = _PLAIN.fullmatch(plain)
        if not found:
            raise BadAmount(f"not an amount: {text!r}")
        digits = exponent(currency)
        fraction = found["fraction"] or ""
        kept, dropped = fraction[:digits], fraction[digits:]
        if dropped.strip("0"):
            raise BadAmount(f"{currency} has {digits} decimals at most, got {text.strip()!r}")
        minor = int(found["whole"]) * 10**digits + int(kept.ljust(digits, "0") or "0")
        if minor > MAX_MINOR:
            raise BadAmount(f"amount out of range: {text.strip()} {currency}")
        return cls(-minor if found["sign"] else minor, currency)

    def plain(self) -> str:
        """Digits and a point with the full exponent, no grouping (``5.000``); for wires."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, fraction = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"

    def grouped(self) -> str:
        """As people read it, without the currency: ``180,000,000``, ``1,234.500``."""
        whole, _, fraction = self.plain().partition(".")
        sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
        groups = f"{int(whole):,}"
        return f"{sign}{groups}.{fraction}" if fraction else f"{sign}{groups}"

    def __str__(self) -> str:
        return f"{self.grouped()} {self.currency}"

    def __add__(self, other: Money) -> Money:
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.minor <= self._same(other)

    def times(self, count: int) -> Money:
        """This amount, ``count`` times over."""
        return Money(self.minor * count, self.currency)

    def _same(self, other: Money) -> int:
        if other.currency != self.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")
        return other.minor


def zero(currency: str) -> Money:
    """Nothing, in a currency."""
    return Money(0, currency)


def allocate(amount: Money, weights: Sequence[int]) -> list[Money]:
    """Divide by weights with the largest remainder; the parts always sum to ``amount``.

    Each part is its exact share rounded down or up. The units left over go to the largest
    remainders; of equal remainders, to the part that stands first. A larger weight never gets
    less, and only the ratio of the weights counts. Raises ValueError: a negative amount, a
    negative weight, no weight at all.
    """
    total = sum(weights)
    if amount.minor < 0 or total <= 0 or min(weights) < 0:
        raise ValueError(f"cannot divide {amount} by the weights {list(weights)}")
    shares = [divmod(amount.minor * weight, total) for weight in weights]
    left = amount.minor - sum(whole for whole, _ in shares)
    by_remainder = sorted(range(len(shares)), key=lambda at: (-shares[at][1], at))
    rounded_up = frozenset(by_remainder[:left])
    return [
        Money(whole + (at in rounded_up), amount.currency) for at, (whole, _) in enumerate(shares)
    ]


def redenominated(amount: Money, change: Redenomination) -> Money:
    """An amount in old units as new ones, to the nearest minor unit, halves away from zero."""
    if amount.currency != change.old:
        raise ValueError(f"{amount} is not in {change.old}")
    unit = 10 ** exponent(change.old) * change.factor
    minor = (2 * abs(amount.minor) * 10 ** exponent(change.new) + unit) // (2 * unit)
    return Money(-minor if amount.minor < 0 else minor, change.new)
