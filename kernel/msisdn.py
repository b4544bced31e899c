"""MSISDN: a subscriber's number in E.164 with ``+``; every way people and operators write it comes
in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers

from kernel.digits import to_western

_MARKS = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2068\u2069"))
_CACHED = 4096
"""A citizen types several screens in a row; reading a number costs more than the rest of a hop's
input.
"""
_PALESTINIAN = re.compile(r"\+9725[69]\d{7}")
_SHAPE = re.compile(r"(?:tel:)?\+?[0-9０-９ ().-]{6,24}")


class BadMsisdn(ValueError):
    """Not a subscriber number that a wallet or a message could reach."""


@dataclass(frozen=True, slots=True)
class Msisdn:
    """A valid number in E.164, for example ``+962791234567``; prints masked."""

    e164: str

    @classmethod
    def parse(cls, text: str, region: str | None = None) -> Msisdn:
        """Read an international number, or a national one of ``region`` (ISO 3166-1 alpha-2)."""
        return Msisdn(_canonical(text)) if _is_canonical(text) else _read(text, region)

    @property
    def region(self) -> str:
        """ISO 3166-1 alpha-2 country of the number; ``ZZ`` if unknown."""
        return _region(self.e164)

    def masked(self) -> str:
        """For screens and logs: country and last two digits, ``+962•••••••00``."""
        return f"{self.e164[:4]}{'•' * (len(self.e164) - 6)}{self.e164[-2:]}"

    def __str__(self) -> str:
        return self.masked()

    def __repr__(self) -> str:
        return f"Msisdn({self.masked()})"


@lru_cache(maxsize=_CACHED)
def _read(text: str, region: str | None) -> Msisdn:
    plain = to_western(text).translate(_MARKS).strip()
    if not _SHAPE.fullmatch(plain):
        raise BadMsisdn("not a phone number: write it like +962791234567")
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    try:
        number = phonenumbers.parse(plain, region)
    except phonenumbers.NumberParseException:
        raise BadMsisdn("not a phone number: write it like +962791234567") from None
    if not phonenumbers.is_possible_number(number):
        raise BadMsisdn("this phone number has the wrong length for its country")
    return Msisdn(
        _canonical(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    )


def _is_canonical(text: str) -> bool:
    """Whether a number is certainly written as E.164 wants it, so that reading it with
    ``phonenumbers`` would change nothing. Operators send most numbers so, and this takes a tenth
    of the time.
    """
    if text[:1] != "+" or not (text.isascii() and text[1:].isdigit()):
        return False
    code, lengths = _plan(text[1:4])
    national = len(text) - 1 - code
    return national in lengths and text[1 + code] != "0"


@lru_cache(maxsize=1024)
def _plan(start: str) -> tuple[int, frozenset[int]]:
    """Of numbers that start with these three digits: how many of them are the country's code, and
    how many may follow it.
    """
    for end in (1, 2, 3):  # no country code begins with another one
        lengths = _lengths(start[:end])
        if lengths is not None:
            return end, lengths
    return 0, frozenset()


def _lengths(code: str) -> frozenset[int] | None:
    """How many digits may follow a country code; empty where its numbers have to be looked at;
    None if it is none.
    """
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code)) if code[:1] != "0" else None
    if not regions:
        return None
    plan = phonenumbers.PhoneMetadata.metadata_for_region(regions[0])
    # Another prefix than a zero may stand at the beginning of a number and not belong to it.
    if plan is None or plan.general_desc is None:
        return frozenset()
    if plan.national_prefix_for_parsing not in (None, "0"):
        return frozenset()
    return frozenset(plan.general_desc.possible_length)


@lru_cache(maxsize=_CACHED)
def _region(e164: str) -> str:
    return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or "ZZ"


def _canonical(e164: str) -> str:
    """Palestinian mobiles answer to +970 and +972; one subscriber must be one number."""
    return f"+970{e164[4:]}" if _PALESTINIAN.fullmatch(e164) else e164
