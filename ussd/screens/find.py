"""Finding a service: by its short code, which never changes, or by what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kernel.digits import only_digits
from ussd.gateway import FoundService
from ussd.page import Nav
from ussd.screen import (
    NOT_A_CHOICE,
    TEXTS,
    Goto,
    Notice,
    Say,
    Screen,
    Stay,
    View,
    choices,
    numbered,
    picked,
)
from ussd.screens.browse import chosen
from ussd.session import Session

CODE_DIGITS: Final = range(3, 6)
"""Digits of a short code: fewer is a choice of a list, more a number of a bill or a receipt."""

AT_ONCE: Final = 9
"""More services of one category than this are listed agency by agency."""


def short_code(typed: str) -> Goto | None:
    """Where a typed short code leads; None if it is none."""
    digits = only_digits(typed)
    if digits is None or len(digits) not in CODE_DIGITS:
        return None
    return Goto("found", {"short_code": int(digits)})


def category_key(category: str) -> str:
    """The text key of a category; one that nobody has words for is "other"."""
    key = f"category.{category}"
    return key if key in TEXTS.keys("ar") else "category.other"


def _show_find(_session: Session, services: Sequence[FoundService], say: Say) -> View:
    categories = sorted({service.category for service in services})
    return numbered(
        say("find.ask" if categories else "services.none"),
        ((say(category_key(each)), each) for each in categories),
    )


def _take_find(session: Session, key: str) -> Goto | Stay:
    category = picked(session, key)
    if category:
        return Goto("category", {"category": category})
    return short_code(key) or NOT_A_CHOICE


def _show_category(_session: Session, services: Sequence[FoundService], say: Say) -> View | Goto:
    agencies = {service.short_code // 100: service for service in services}
    if len(services) <= AT_ONCE or len(agencies) == 1:
        return Goto("offers", {"among": None})
    labels = [(str(number), say.name(each.agency_names)) for number, each in agencies.items()]
    options = {str(number): each.agency for number, each in agencies.items()}
    return View(title=say("agencies.ask"), lines=choices(labels), remember={"options": options})


def _take_category(session: Session, key: str) -> Goto | Stay:
    agency = picked(session, key)
    return Goto("offers", {"among": agency}) if agency else short_code(key) or NOT_A_CHOICE


def _show_offers(session: Session, services: Sequence[FoundService], say: Say) -> View:
    among = session.args.get("among")
    labels = [
        (str(each.short_code), say.name(each.service.names))
        for each in services
        if among in (None, each.agency)
    ]
    return View(title=say("offers.ask"), lines=choices(labels))


def _take_offers(_session: Session, key: str) -> Goto | Stay:
    return short_code(key) or NOT_A_CHOICE


def _show_found(_session: Session, found: FoundService | None, _say: Say) -> Goto:
    """No screen of its own: the service behind a short code, or the question again."""
    if found is None:
        return Goto("find", notice=Notice("find.unknown"))
    return chosen(found.service.code, agency=found.agency)


SCREENS: Final = (
    Screen(
        name="find",
        show=_show_find,
        take=_take_find,
        leads_to=("category", "found"),
        nav=Nav.HOME,
    ),
    Screen(
        name="category",
        show=_show_category,
        take=_take_category,
        leads_to=("offers", "found"),
    ),
    Screen(name="offers", show=_show_offers, take=_take_offers, leads_to=("found",)),
    Screen(name="found", show=_show_found, leads_to=("order", "find")),
)
