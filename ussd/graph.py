"""The menu as a picture: Mermaid, drawn from the table that citizens walk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ussd.menu import MENU
from ussd.screen import Screen

PICTURE: Final = Path(__file__).resolve().parent.parent / "docs" / "menu.mmd"
_ENTRIES: Final = {
    "language": "first dial",
    "home": "*789#",
    "confirm": "*789*control number#",
    "resume": "after a dropped session",
}


def mermaid() -> str:
    """A flowchart; rounded screens end the session, the hexagon starts a payment."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "%% Drawn by ./mizan menu graph from ussd/menu.py. 0 goes back, 00 goes home."
    yield "flowchart LR"
    for name, screen in MENU.items():
        yield f"    {name}{_shape(screen)}"
    yield '    dial(("dial"))'
    for name, label in _ENTRIES.items():
        yield f'    dial -- "{label}" --> {name}'
    for name, screen in MENU.items():
        for target in screen.leads_to:
            yield f"    {name} --> {target}"


def _shape(screen: Screen) -> str:
    if screen.spends:
        return f'{{{{"{screen.name}"}}}}'
    return f'(["{screen.name}"])' if screen.ends else f'["{screen.name}"]'
