"""What screens are made of: what one shows, where an input leads, how things are said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec

from kernel.alphabet import Alphabet, alphabet_of
from kernel.money import Money
from kernel.texts import Texts, package_texts
from ussd.gateway import Names
from ussd.page import Line, Nav, NavWords
from ussd.session import Session

TEXTS: Final = package_texts(__file__)


class Say:
    """One language's texts, names, amounts, days. Western digits, no bidi marks."""

    def __init__(self, language: str, texts: Texts = TEXTS) -> None:
        self.language = language
        self._texts = {key: texts.get(language, key) for key in texts.keys(language)}
        self.nav = NavWords(self("nav.back"), self("nav.home"), self("nav.more"))

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, its places filled."""
        text = self._texts[key]
        return text.format(**values) if values else text

    def name(self, names: Names) -> str:
        """A name in this language, else in Arabic, else in any."""
        return names.get(self.language) or names.get("ar") or next(iter(names.values()), "")

    def amount(self, amount: Money) -> str:
        """``180,000.000``, without its currency."""
        return _grouped(amount.minor, amount.currency)

    def money(self, amount: Money) -> str:
        """``5.000 JOD`` with the currency as people write it."""
        return f"{self.amount(amount)} {self._texts['currency.' + amount.currency]}"

    def day(self, on: date) -> str:
        """Day first, as all our countries write it."""
        return f"{on:%d/%m/%Y}"


@lru_cache(maxsize=4096)
def _grouped(minor: int, currency: str) -> str:
    """Fees come again and again in the same amounts."""
    return Money(minor, currency).grouped()


@lru_cache
def alphabet_for(language: str) -> Alphabet:
    """What a network must carry for a language's texts; its own name can be written plainly."""
    keys = TEXTS.keys(language) - {"language.name"}
    return alphabet_of("".join(TEXTS.get(language, key) for key in keys))


SAY: Final[Mapping[str, Say]] = {language: Say(language) for language in TEXTS.languages}


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Notice(msgspec.Struct, frozen=True):
    """A sentence to say first on the next screen, by text key."""

    key: str
    values: Mapping[str, object] = _NOTHING


class View(msgspec.Struct, frozen=True):
    """A screen before paging; ``title`` gives way to a notice; ``remember`` is kept in args."""

    lines: tuple[Line, ...]
    title: str = ""
    remember: Mapping[str, Any] = _NOTHING


class Goto(msgspec.Struct, frozen=True):
    """Move to a screen with what was learnt; ``language``: speak it from now on and remember it."""

    screen: str
    args: Mapping[str, Any] = _NOTHING
    notice: Notice | None = None
    language: str | None = None


class Stay(msgspec.Struct, frozen=True):
    """The input does not fit: say why and ask again."""

    notice: Notice


NOT_A_CHOICE: Final = Stay(Notice("notice.choice"))


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on where the session stood that the screen has held (``args["held"]``)."""


Show: TypeAlias = Callable[[Session, Any, Say], View | Goto]
"""Pure, of the session's language and args and of the facts."""

Take: TypeAlias = Callable[[Session, str], Goto | Stay | Resume]


def no_input(_session: Session, _key: str) -> Goto | Stay:
    """For screens that only tell."""
    return NOT_A_CHOICE


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One row of the menu. ``show`` and ``take`` are pure; what ``show`` needs is loaded before.

    ``ends``: closes the session. ``spends``: loading it starts a payment, so it is entered only
    by an input to a screen that was shown. ``whole``: inputs count only once its last page was
    shown. ``words``: asks for free text, in which a ``*`` is a character like any other; the lint
    finds it missing.
    """

    name: str
    show: Show
    take: Take = no_input
    leads_to: tuple[str, ...] = ()
    nav: Nav = Nav.BACK_AND_HOME
    ends: bool = False
    spends: bool = False
    whole: bool = False
    words: bool = False


def choices(labels: list[tuple[str, str]]) -> tuple[Line, ...]:
    """Lines of a numbered list from (key, label) pairs."""
    return tuple(Line(label, key=key) for key, label in labels)


def numbered(title: str, entries: Iterable[tuple[str, Any]]) -> View:
    """A list counted from 1, of labels and the values that ``picked`` finds behind the numbers."""
    listed = [(str(at), label, value) for at, (label, value) in enumerate(entries, 1)]
    return View(
        title=title,
        lines=choices([(key, label) for key, label, _ in listed]),
        remember={"options": {key: value for key, _, value in listed}},
    )


def picked(session: Session, key: str) -> Any:
    """The value behind a typed number (``options`` of the screen), None if there is none."""
    return session.args.get("options", {}).get(key.lstrip("0"))
