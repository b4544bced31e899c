"""What transactions of one kind share: rule, zone and accounts, checked and written out once.

Nearly everything a ledger books has one of a few shapes. Of a transaction only its key, times,
references and amounts are its own, and only they cost anything when it is submitted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _json
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from ledger import chart
from ledger.refusals import LedgerRefusal

MAX_POSTINGS: Final = 1000
_MAX_RULE: Final = 40
_MAX_ZONE: Final = 64
_NOT_PLAIN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

Side: TypeAlias = tuple[str, str, str]
"""Debit account, credit account, currency of the amount."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Rule, zone and accounts of transactions; ``malformed`` names the field that is, if one is,
    and ``wrong`` says of each movement why it cannot be booked, whatever its amount. ``paths`` has
    each account once; ``debits`` and ``credits`` say where in it, from 1, those of a movement are.
    """

    rule: str
    version: int
    zone: str
    sides: tuple[Side, ...]
    paths: tuple[str, ...]
    debits: tuple[int, ...]
    credits: tuple[int, ...]
    malformed: str
    wrong: tuple[LedgerRefusal | None, ...]
    is_sound: bool
    body: Callable[..., str]
    """Writes the body of a transaction from what is its own, the texts as JSON:
    ``body(key, occurred_at, reference or "", reverses or "", note, *minor_units)``.
    """


@lru_cache(maxsize=10_000)
def shape_of(rule: str, version: int, zone: str, sides: tuple[Side, ...]) -> Shape:
    """The shape: the same object again, as long as it is remembered."""
    movements = ",".join(
        f"[{_literal(_json(debit))},{_literal(_json(credit))},{{}}]" for debit, credit, _ in sides
    )
    head = f'[{{}},{_literal(_json(rule))},{version},"{{}}",{_literal(_json(zone))}'
    wrong = tuple(_wrong(*side) for side in sides)
    paths = sorted({path for debit, credit, _ in sides for path in (debit, credit)})
    position = {path: at for at, path in enumerate(paths, 1)}
    return Shape(
        rule,
        version,
        zone,
        sides,
        tuple(paths),
        tuple(position[debit] for debit, _, _ in sides),
        tuple(position[credit] for _, credit, _ in sides),
        malformed=_malformed(rule, version, zone, sides),
        wrong=wrong,
        is_sound=not any(wrong),
        body=f'{head},"{{}}","{{}}",{{}},[{movements}]]'.format,
    )


def is_plain(text: str, limit: int) -> bool:
    """Whether it can be stored and printed in one line: no control character, no surrogate."""
    return len(text) <= limit and (
        text.isprintable() or not any(unicodedata.category(char) in _NOT_PLAIN for char in text)
    )


def _malformed(rule: str, version: int, zone: str, sides: tuple[Side, ...]) -> str:
    if not rule or not is_plain(rule, _MAX_RULE):
        return "rule"
    if not zone or not is_plain(zone, _MAX_ZONE) or not _is_zone(zone):
        return "zone"
    if not 1 <= version <= 32767:
        return "version"
    return "" if 1 <= len(sides) <= MAX_POSTINGS else "postings"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # all that zoneinfo raises for no zone
        return False
    return True


def _wrong(debit: str, credit: str, currency: str) -> LedgerRefusal | None:
    try:
        one, other = chart.parse(debit), chart.parse(credit)
    except chart.BadAccount:
        return LedgerRefusal.ACCOUNT_INVALID
    if debit == credit:
        return LedgerRefusal.ACCOUNTS_EQUAL
    if not one.currency == other.currency == currency:
        return LedgerRefusal.CURRENCY_MISMATCH
    return None


def _literal(text: str) -> str:
    """Braces doubled, as format strings want them."""
    return text.replace("{", "{{").replace("}", "}}")
