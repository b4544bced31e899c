"""Where a dial arrives: the language, the home screen, help."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from unicodedata import combining, normalize

from kernel.alphabet import Alphabet
from kernel.digits import check_digits_hold, only_digits
from payments.tickets import NUMBER_DIGITS
from ussd.gateway import Recent
from ussd.page import Line, Nav
from ussd.screen import (
    NOT_A_CHOICE,
    TEXTS,
    Goto,
    Notice,
    Say,
    Screen,
    Stay,
    View,
    alphabet_for,
    choices,
    numbered,
    picked,
)
from ussd.screens import bill, receipts
from ussd.screens.find import short_code
from ussd.session import Session

NEWS_FOR: Final = timedelta(minutes=15)
"""How long the outcome of a payment is told on the home screen."""

_LIKE_A_NUMBER: Final = 6
_TARGETS: Final = {
    "1": "number",
    "2": "agencies",
    "3": "payments",
    "4": "receipt",
    "5": "help",
    "6": "bills",
    "7": "tickets",
    "8": "find",
}


def direct(typed: str) -> Goto | None:
    """Where a long number leads at once: a control number to its bill, a receipt code to its check,
    a ticket's number to its state.

    None for short input: menu positions are not dialled, so that numbering stays ours to change.
    """
    if len(typed) < _LIKE_A_NUMBER:
        return None
    digits = only_digits(typed)
    if digits is not None and len(digits) == receipts.CODE_DIGITS:
        return Goto("genuine", {"code": digits})
    if digits is not None and len(digits) == NUMBER_DIGITS and check_digits_hold(digits):
        return Goto("ticket", {"ticket": digits})
    found = bill.control_number(typed)
    return found if isinstance(found, Goto) else Goto("number", notice=found.notice)


def _show_language(_session: Session, offered: Sequence[str], _say: Say) -> View:
    names = [TEXTS.get(language, "language.name") for language in offered]
    title = "ميزان Mizan"
    if all(alphabet_for(language) is Alphabet.GSM7 for language in offered):
        title, names = "Mizan", [_plain(name) for name in names]
    return numbered(title, zip(names, offered, strict=True))


def _plain(name: str) -> str:
    """A name for a network that carries GSM 7-bit alone: Francais."""
    return "".join(char for char in normalize("NFD", name) if not combining(char))


def _take_language(session: Session, key: str) -> Goto | Stay:
    language = picked(session, key)
    return Goto("home", language=language) if language else NOT_A_CHOICE


def _show_home(_session: Session, news: Recent | None, say: Say) -> View:
    title = say("home.title")
    if news is not None:
        title = say(f"home.{news.state}", amount=say.money(news.total))
    labels = [(key, say(f"home.choice.{screen}")) for key, screen in _TARGETS.items()]
    return View(title=title, lines=choices(labels))


def _take_home(_session: Session, key: str) -> Goto | Stay:
    if key in _TARGETS:
        return Goto(_TARGETS[key])
    return short_code(key) or direct(key) or NOT_A_CHOICE


def _show_help(_session: Session, short_code: str, say: Say) -> View:
    text = Line(say("help.text", code=short_code))
    return View(lines=(text, Line(say("help.language"), key="1")))


def _take_help(_session: Session, key: str) -> Goto | Stay:
    return Goto("language") if key == "1" else NOT_A_CHOICE


LOST: Final = Notice("notice.lost")

SCREENS: Final = (
    Screen(
        name="language",
        show=_show_language,
        take=_take_language,
        leads_to=("home",),
        nav=Nav.NONE,
    ),
    Screen(
        name="home",
        show=_show_home,
        take=_take_home,
        leads_to=(*_TARGETS.values(), "confirm", "genuine", "found", "ticket", "language"),
        nav=Nav.NONE,
    ),
    Screen(name="help", show=_show_help, take=_take_help, leads_to=("language",), nav=Nav.HOME),
)
