"""The menu: a table of screens. What leads where is data, drawn by ``./mizan menu graph``."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ussd.screen import Screen
from ussd.screens import bill, browse, find, home, other, receipts, resume, tickets

_JOURNEYS: Final = (home, resume, bill, other, browse, find, receipts, tickets)

MENU: Final[Mapping[str, Screen]] = MappingProxyType(
    {screen.name: screen for journey in _JOURNEYS for screen in journey.SCREENS}
)
"""Every screen by name."""


def edition(screen: Screen) -> str:
    """The version of a screen: a digest of the source that says what its keys mean. Nobody has to
    remember to count it up; a change that did not matter costs a live session one look more.
    """
    digest = hashlib.blake2b(digest_size=4)
    row = (screen.name, screen.leads_to, screen.nav.value, screen.ends, screen.spends, screen.whole)
    digest.update(repr((*row, screen.words)).encode())
    for function in (screen.show, screen.take):
        digest.update(inspect.getsource(inspect.getmodule(function) or function).encode())
    return digest.hexdigest()


BEFORE_MONEY: Final = frozenset(
    screen.name for screen in MENU.values() if any(MENU[to].spends for to in screen.leads_to)
)
"""Screens whose next one may be paid by."""

EDITIONS: Final[Mapping[str, str]] = MappingProxyType(
    {name: edition(screen) for name, screen in MENU.items()}
)
"""The version of every screen: a live session that another one has shown is shown the new one."""
