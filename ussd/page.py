"""Pages that fit a phone: a screen cut after rendering, in the alphabet each page needs.

A page holds 182 septets or 80 UCS-2 units at most (3GPP TS 23.038 §6.1.2.3; an operator's profile
may give less), navigation included. A choice is never split from its number, a number or an
amount never cut. Pure.

Keys: ``0`` back, ``00`` home, ``99`` more. Never ``98``: operators that cut long menus themselves
answer ``98`` and ``00`` in our place; where one reserves a key, its profile has another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

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


class Profile(NamedTuple):
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


class Line(NamedTuple):
    """One line: prose, or a choice when it has a key; ``keep``: on one page with the next."""

    text: str
    key: str = ""
    keep: bool = False

    def __str__(self) -> str:
        return f"{self.key}. {self.text}" if self.key else self.text


class NavWords(NamedTuple):
    """The words for back, home and more in the reader's language."""

    back: str
    home: str
    more: str


_UNITS: Final = 1 << 32
"""A size is one number, so that sizes add up at once: septets, and this for each UCS-2 unit."""

_NEWLINE: Final = _UNITS + 1

_Part: TypeAlias = tuple[str, int]
"""A text and its size."""


class _Foot(NamedTuple):
    """The end of a page: ways out to try on the last one, and "more" with the least of them."""

    last: tuple[_Part, ...]
    more: _Part


def fits(text: str, profile: Profile) -> bool:
    """Whether a finished page can be shown."""
    return _within(_measure(text), profile)


def fit(
    lines: Iterable[Line], profile: Profile, *, nav: Nav, words: NavWords, ends: bool = False
) -> tuple[str, ...]:
    """The pages of a screen; ``ends``: the last one closes the session, with no way out."""
    blocks = _blocks(lines)
    sizes = [_measure(block) + _NEWLINE for block in blocks]
    foot, later = _foots(nav, words, profile, ends)
    if not blocks:
        return (foot.last[0][0],)
    pages: list[str] = []
    at = 0
    while at < len(blocks):
        left = sum(sizes[at:])
        for way_out, size in foot.last:
            if _within(left + size, profile):
                pages.append("\n".join([*blocks[at:], way_out] if way_out else blocks[at:]))
                return tuple(pages)
        count = _count_fitting(sizes, at, foot.more, profile)
        if count:
            pages.append("\n".join([*blocks[at : at + count], foot.more[0]]))
            at += count
        else:
            page, rest = _cut(blocks[at], foot, profile, is_last=at == len(blocks) - 1)
            pages.append(page)
            blocks[at : at + 1] = rest
            sizes[at : at + 1] = [_measure(block) + _NEWLINE for block in rest]
        foot = later
    return tuple(pages)


def shorten(text: str, rest: str, profile: Profile) -> str:
    """Cut a text with an ellipsis so that ``rest`` and it fit a page; never inside a number."""
    mark = "…" if alphabet_of(text + rest) is Alphabet.UCS2 else ".."
    while text and not fits(f"{rest}\n{text}{mark}", profile):
        text = _INSIDE_NUMBER.sub("", text[:-1]).rstrip()
    return text + mark


def _count_fitting(sizes: Sequence[int], at: int, more: _Part, profile: Profile) -> int:
    """How many blocks fit a page above "more"."""
    total = more[1]
    for count, one in enumerate(sizes[at:]):
        total += one
        if not _within(total, profile):
            return count
    return len(sizes) - at


def _cut(block: str, foot: _Foot, profile: Profile, *, is_last: bool) -> tuple[str, list[str]]:
    """A page of what no page holds whole, and what is left of it."""
    if is_last and _is_choice(block):
        way_out = foot.last[-1][0]
        return _joined(shorten(block, way_out, profile), way_out), []
    head, *rest = _split(block, profile, foot.more[0])
    return _joined(head, foot.more[0]), rest


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


def _blocks(lines: Iterable[Line]) -> list[str]:
    """What must stay together, as text."""
    blocks: list[str] = []
    held = ""
    for text, key, keep in lines:
        line = f"{held}{key}. {text}" if key else held + text
        if keep:
            held = line + "\n"
        elif line:
            blocks.append(line)
            held = ""
    if held.strip("\n"):
        blocks.append(held[:-1])
    return blocks


@lru_cache(maxsize=1024)
def _foots(nav: Nav, words: NavWords, profile: Profile, ends: bool) -> tuple[_Foot, _Foot]:
    """What stands below the first page, and below later ones."""
    return (
        _foot(_ways_out(nav, words, profile.home, first=True, ends=ends), words, profile),
        _foot(_ways_out(nav, words, profile.home, first=False, ends=ends), words, profile),
    )


def _foot(ways_out: tuple[str, ...], words: NavWords, profile: Profile) -> _Foot:
    more = _joined(f"{profile.more}. {words.more}", ways_out[-1])
    # Where there is none, the last line ends the page without a newline.
    last = [(way_out, _measure(way_out) if way_out else -_NEWLINE) for way_out in ways_out]
    return _Foot(tuple(last), (more, _measure(more)))


def _ways_out(nav: Nav, words: NavWords, home: str, *, first: bool, ends: bool) -> tuple[str, ...]:
    """Navigation lines to try, best first; the last is what a page with more to come shows."""
    if ends or (nav is Nav.NONE and first):
        return ("",)
    if nav is Nav.HOME and first:
        return (f"{BACK}. {words.home}",)
    back = f"{BACK}. {words.back}"
    return (f"{back}\n{home}. {words.home}", back) if nav is Nav.BACK_AND_HOME else (back,)


def _within(size: int, profile: Profile) -> bool:
    ucs2_units, septets = divmod(size, _UNITS)
    if septets >= _NOT_GSM7:
        return ucs2_units <= profile.ucs2_units
    return septets <= profile.septets


@lru_cache(maxsize=8192)
def _measure(text: str) -> int:
    """The size of a text; remembered, because most lines of a menu are always the same."""
    septets = units(text, Alphabet.GSM7) if alphabet_of(text) is Alphabet.GSM7 else _NOT_GSM7
    return units(text, Alphabet.UCS2) * _UNITS + septets
