"""The menu: a table of screens. What leads where is data, drawn by ``./mizan menu graph``."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ussd.screen import Screen
from ussd.screens import bill, browse, home, receipts

MENU: Final[Mapping[str, Screen]] = MappingProxyType(
    {
        screen.name: screen
        for screen in (*home.SCREENS, *bill.SCREENS, *browse.SCREENS, *receipts.SCREENS)
    }
)
"""Every screen by name."""
