"""Writes messages: a template in a language, filled, and kept within the parts we want to pay for.

Names of agencies and services are as long as there is room for: whole, then short, then cut.
English and French are sent in GSM 7-bit when that only costs an accent (one cedilla would more than
halve the room).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from kernel.alphabet import Alphabet, alphabet_of
from kernel.money import Money
from kernel.texts import package_texts
from sms.segments import Segments, split

TEXTS = package_texts(__file__)

PARTS: Final = {"ar": 2, "en": 1, "fr": 2}
"""Parts a message may take, by language."""

MOST_PARTS: Final = 2
"""Of a language that is not named above."""

LONGER: Final = {"late": 2, "beneficiary": 2, "ticket.open": 2, "ticket.answered": 3}
"""Templates that may take more than their language allows: rare, and every word is needed."""

_SHORTEST_NAME: Final = 6
_PLAIN: Final = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "\u00a0": " ",
        "œ": "oe",
    }
)


@dataclass(frozen=True, slots=True)
class Name:
    """What an agency or a service is called in one language."""

    full: str
    short: str


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to be queued; ``values`` is what was filled in (never a phone number)."""

    template: str
    language: str
    values: dict[str, str]
    text: str
    segments: Segments


def compose(
    template: str, language: str, values: Mapping[str, str], *names: tuple[str, Name]
) -> Composed:
    """Fill a template; ``names`` (place, name) give way until the message fits its parts."""
    most = LONGER.get(template, PARTS.get(language, MOST_PARTS))
    for named in _names(dict(names)):
        filled = {**values, **named}
        text = radio_text(TEXTS.get(language, template, **filled))
        segments = split(text)
        if segments.count <= most:
            break
    return Composed(template, language, filled, text, segments)


def radio_text(text: str) -> str:
    """The text in GSM 7-bit if only accents and typography stand in the way; else unchanged."""
    plain = "".join(map(_plain_char, text.translate(_PLAIN)))
    return plain if alphabet_of(plain) is Alphabet.GSM7 else text


def name_in(language: str, names: Mapping[str, str], short_names: Mapping[str, str]) -> Name:
    """Names in a language; Arabic stands in where a language has none."""
    full = names.get(language) or names["ar"]
    return Name(full, short_names.get(language) or full)


def amount_in(language: str, amount: Money) -> str:
    """An amount as people read it: ``180,000,000 LBP``, ``5.000 دينار``."""
    return f"{amount.grouped()} {TEXTS.get(language, f'currency.{amount.currency}')}"


def day(at: datetime, zone: str) -> str:
    """A date where the agency is; slashes, unlike hyphens, keep their order in Arabic."""
    return f"{at.astimezone(ZoneInfo(zone)):%d/%m/%Y}"


def _plain_char(char: str) -> str:
    if alphabet_of(char) is Alphabet.GSM7:
        return char
    return unicodedata.normalize("NFD", char)[0]


def _names(names: dict[str, Name]) -> Iterator[dict[str, str]]:
    """The same names, ever shorter: all whole, one after the other short, then the longest cut."""
    chosen = {place: name.full for place, name in names.items()}
    yield chosen
    for place, name in names.items():
        chosen = {**chosen, place: name.short}
        yield chosen
    while chosen and len(longest := max(chosen.values(), key=len)) > _SHORTEST_NAME:
        cut = longest.removesuffix(".")[:-1].rstrip() + "."
        chosen = {place: cut if name == longest else name for place, name in chosen.items()}
        yield chosen
