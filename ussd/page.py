"""Pages that fit a phone: a screen cut after rendering, in the alphabet each page needs.

A page holds 182 septets or 80 UCS-2 units at most (3GPP TS 23.038 §6.1.2.3; an operator's profile
may give less), navigation included. A choice is never split from its number, a number or an
amount never cut. Pure.

Keys: ``0`` back, ``00`` home, ``99`` more. Never ``98``: operators that cut long menus themselves
answer ``98`` and ``00`` in our place; where one reserves a key, its profile has another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from kernel.alphabet import Alphabet, alphabet_of, units

BACK: Final = "0"
HOME: Final = "00"
MORE: Final = "99"

# Septets of a text that GSM 7-bit cannot carry: more than any page, and still so in a sum.
_NOT_GSM7: Final = 1_000_000

# A space beside a digit holds an amount to its currency and the groups of a code together.
_BREAK = re.compile(r"(?<![0-9]) (?![0-9])")
_CHOICE = re.compile(r"[0-9]{1,5}\. ")
_INSIDE_NUMBER = re.compile(r"[0-9][0-9.,:/ -]*$")


@dataclass(frozen=True, slots=True)
class Profile:
    """What one screen of an operator's network carries, and the keys it leaves to us."""

    septets: int = 182
    ucs2_units: int = 80
    home: str = HOME
    more: str = MORE


class Nav(Enum):
    """Which ways out a screen offers."""

    NONE = "none"
    HOME = "home"
    BACK_AND_HOME = "back and home"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: prose, or a choice when it has a key; ``keep``: on one page with the next."""

    text: str
    key: str = ""
    keep: bool = False

    def __str__(self) -> str:
        return f"{self.key}. {self.text}" if self.key else self.text


@dataclass(frozen=True, slots=True)
class NavWords:
    """The words for back, home and more in the reader's language."""

    back: str
    home: str
    more: str


def fits(text: str, profile: Profile) -> bool:
    """Whether a finished page can be shown."""
    return _fit_together((text,), profile)


def fit(
    lines: Iterable[Line], profile: Profile, *, nav: Nav, words: NavWords, ends: bool = False
) -> tuple[str, ...]:
    """The pages of a screen; ``ends``: the last one closes the session, with no way out."""
    blocks = list(_blocks(lines))
    pages: list[str] = []
    while blocks:
        ways_out = _ways_out(nav, words, profile.home, first=not pages, ends=ends)
        taken, blocks = _take(blocks, profile, ways_out, f"{profile.more}. {words.more}")
        pages.append(taken)
    return tuple(pages)


def shorten(text: str, rest: str, profile: Profile) -> str:
    """Cut a text with an ellipsis so that ``rest`` and it fit a page; never inside a number."""
    mark = "…" if alphabet_of(text + rest) is Alphabet.UCS2 else ".."
    while text and not fits(f"{rest}\n{text}{mark}", profile):
        text = _INSIDE_NUMBER.sub("", text[:-1]).rstrip()
    return text + mark


def _take(
    blocks: list[str], profile: Profile, ways_out: tuple[str, ...], more: str
) -> tuple[str, list[str]]:
    """One page off the front of the blocks, and what is left."""
    for way_out in ways_out:
        if _fit_together((*blocks, way_out), profile):
            return _joined(*blocks, way_out), []
    tail = _joined(more, ways_out[-1])
    (septets, ucs2_units), count = _measure(tail), 0
    for block in blocks:
        size = _measure(block)
        septets, ucs2_units = septets + 1 + size[0], ucs2_units + 1 + size[1]
        if not _within(septets, ucs2_units, profile):
            break
        count += 1
    if count:
        return _joined(*blocks[:count], tail), blocks[count:]
    first, *later = blocks
    if _is_choice(first) and not later:
        return _joined(shorten(first, ways_out[-1], profile), ways_out[-1]), []
    head, *rest = _split(first, profile, tail)
    return _joined(head, tail), [*rest, *later]


def _split(block: str, profile: Profile, tail: str) -> list[str]:
    """Break what no page holds: kept lines apart, prose between words, a choice shortened."""
    head, newline, rest = block.partition("\n")
    if newline:
        heads = [head] if fits(_joined(head, tail), profile) else _split(head, profile, tail)
        return [*heads, rest]
    spaces = [] if _is_choice(block) else [found.start() for found in _BREAK.finditer(block)]
    fitting = [at for at in spaces if fits(_joined(block[:at], tail), profile)]
    if fitting:
        return [block[: fitting[-1]], block[fitting[-1] + 1 :]]
    # Not even the first word fits: it is cut, what follows it is not.
    end = spaces[0] if spaces else len(block)
    return [part for part in (shorten(block[:end], tail, profile), block[end + 1 :]) if part]


def _is_choice(block: str) -> bool:
    return _CHOICE.match(block) is not None and "\n" not in block


def _joined(*parts: str) -> str:
    return "\n".join(filter(None, parts))


def _blocks(lines: Iterable[Line]) -> Iterator[str]:
    held: list[str] = []
    for line in lines:
        held.append(str(line))
        if not line.keep:
            yield "\n".join(held)
            held = []
    if held:
        yield "\n".join(held)


def _ways_out(nav: Nav, words: NavWords, home: str, *, first: bool, ends: bool) -> tuple[str, ...]:
    """Navigation lines to try, best first; the last is what a page with more to come shows."""
    if ends or (nav is Nav.NONE and first):
        return ("",)
    if nav is Nav.HOME and first:
        return (f"{BACK}. {words.home}",)
    back = f"{BACK}. {words.back}"
    return (f"{back}\n{home}. {words.home}", back) if nav is Nav.BACK_AND_HOME else (back,)


def _fit_together(parts: Iterable[str], profile: Profile) -> bool:
    """Whether parts joined by newlines fit one page, without joining them."""
    septets = ucs2_units = -1
    for part in filter(None, parts):
        size = _measure(part)
        septets, ucs2_units = septets + 1 + size[0], ucs2_units + 1 + size[1]
    return _within(septets, ucs2_units, profile)


def _within(septets: int, ucs2_units: int, profile: Profile) -> bool:
    if septets >= _NOT_GSM7:
        return ucs2_units <= profile.ucs2_units
    return septets <= profile.septets


@lru_cache(maxsize=8192)
def _measure(text: str) -> tuple[int, int]:
    """Septets and UCS-2 units; remembered, because most lines of a menu are always the same."""
    ucs2_units = units(text, Alphabet.UCS2)
    if alphabet_of(text) is Alphabet.GSM7:
        return units(text, Alphabet.GSM7), ucs2_units
    return _NOT_GSM7, ucs2_units
