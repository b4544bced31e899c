"""Identifiers: time-ordered UUIDs (RFC 9562 version 7), and digits that cannot be guessed."""

from __future__ import annotations

import secrets
import time
from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """Makes identifiers and random digits."""

    def new(self) -> UUID:
        """A fresh identifier, later ones sort after earlier ones."""
        ...

    def digits(self, count: int) -> str:
        """Random decimal digits without a leading zero."""
        ...


class RandomIds:
    """Identifiers from the clock and the operating system's randomness."""

    def new(self) -> UUID:
        """A version 7 UUID: 48 bits of milliseconds, 74 random bits."""
        return uuid7(time.time_ns() // 1_000_000, secrets.randbits(74))

    def digits(self, count: int) -> str:
        """Uniform over all numbers of that length."""
        return str(10 ** (count - 1) + secrets.randbelow(9 * 10 ** (count - 1)))


def uuid7(milliseconds: int, random_bits: int) -> UUID:
    """Lay out a version 7 UUID: time first, so that index pages fill in order."""
    high, low = random_bits >> 62, random_bits & (2**62 - 1)
    return UUID(
        int=(milliseconds & (2**48 - 1)) << 80 | 0x7 << 76 | (high & 0xFFF) << 64 | 0b10 << 62 | low
    )
