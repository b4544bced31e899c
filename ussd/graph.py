"""The menu as pictures, Mermaid and SVG, drawn from the table that citizens walk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from ussd.menu import MENU
from ussd.picture import draw
from ussd.screen import Screen

_DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
_ENTRIES: Final = {
    "language": "first dial",
    "home": "*789#",
    "confirm": "*789*control number#",
    "resume": "after a dropped session",
    "ticket": "*789*request number#",
    "genuine": "*789*receipt code#",
}


def mermaid() -> str:
    """A flowchart; rounded screens end the session, the hexagon starts a payment."""
    return "\n".join(_lines()) + "\n"


def svg() -> str:
    """The same as a picture that browsers show."""
    return draw(MENU, [*_ENTRIES])


PICTURES: Final[Mapping[Path, Callable[[], str]]] = {
    _DOCS / "menu.mmd": mermaid,
    _DOCS / "menu.svg": svg,
}
"""The committed pictures, and what draws each."""


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
