"""The menu as an SVG picture: screens in columns by how many steps from the dial they are.

A step forward is a full line, a step back or aside a dashed one. Same menu, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from ussd.screen import Screen

WIDTH: Final = 118
HEIGHT: Final = 30
COLUMN: Final = 190
ROW: Final = 52
MARGIN: Final = 24
_SWEEPS: Final = 6

_STYLE: Final = (
    "text{font:13px system-ui,sans-serif;text-anchor:middle;fill:#16302b}"
    "path{fill:none;stroke:#5b7f77;stroke-width:1.2}"
    ".aside{stroke:#b4c4c0;stroke-dasharray:4 3}"
    "rect{fill:#eef5f3;stroke:#2f6f62}"
    ".ends{fill:#fdf3e1;stroke:#b07a1e}"
    ".spends{fill:#fbe6e3;stroke:#b3402e;stroke-width:2}"
)

Point = tuple[float, float]


def draw(menu: Mapping[str, Screen], entries: Sequence[str]) -> str:
    """The picture; ``entries``: the screens that a dial leads to."""
    columns = _columns(menu, entries)
    at = _places(columns)
    depth = {name: x for x, column in enumerate(columns) for name in column}
    tall = max(map(len, columns))
    width, height = MARGIN * 2 + COLUMN * len(columns), MARGIN * 2 + ROW * tall
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        "<title>The USSD menu of Mizan</title>",
        f"<style>{_STYLE}</style>",
        f'<rect width="{width}" height="{height}" style="fill:#fff;stroke:none"/>',
        *(_edge(at[name], at[to], depth[to] > depth[name]) for name, to in _edges(menu)),
        *(_box(menu[name], at[name]) for column in columns for name in column),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _edges(menu: Mapping[str, Screen]) -> Iterator[tuple[str, str]]:
    for name, screen in menu.items():
        yield from ((name, target) for target in screen.leads_to)


def _columns(menu: Mapping[str, Screen], entries: Sequence[str]) -> list[list[str]]:
    """Screens by steps from the dial, those that belong together near each other."""
    columns, seen = [list(entries)], set(entries)
    while columns[-1]:
        reached = [to for name in columns[-1] for to in menu[name].leads_to]
        columns.append([to for to in dict.fromkeys(reached) if to not in seen])
        seen |= set(columns[-1])
    columns.pop()
    for _ in range(_SWEEPS):
        row = {name: y for column in columns for y, name in enumerate(column)}
        for column in columns:
            column.sort(key=lambda name: (_middle(menu, name, row), name))
    return columns


def _middle(menu: Mapping[str, Screen], name: str, row: Mapping[str, int]) -> float:
    near = [row[one] for one, to in _edges(menu) if to == name]
    near += [row[to] for to in menu[name].leads_to]
    return sum(near) / len(near) if near else 0.0


def _places(columns: Sequence[Sequence[str]]) -> dict[str, Point]:
    """The middle of each screen's box; columns are centred on each other."""
    tall = max(map(len, columns))
    return {
        name: (
            MARGIN + COLUMN * x + WIDTH / 2,
            MARGIN + ROW * (y + (tall - len(column)) / 2) + ROW / 2,
        )
        for x, column in enumerate(columns)
        for y, name in enumerate(column)
    }


def _edge(start: Point, end: Point, is_forward: bool) -> str:
    """From the right side of one box to the left side of another, or around from right to right."""
    half = WIDTH / 2
    (x1, y1), (x2, y2) = (start[0] + half, start[1]), (end[0] - half, end[1])
    if is_forward:
        bend = (x1 + x2) / 2
        return f'<path d="M{x1:g} {y1:g}C{bend:g} {y1:g} {bend:g} {y2:g} {x2:g} {y2:g}"/>'
    x2 = end[0] + half
    far = max(x1, x2) + 34
    curve = f"M{x1:g} {y1 + 5:g}C{far:g} {y1 + 5:g} {far:g} {y2 - 5:g} {x2:g} {y2 - 5:g}"
    return f'<path class="aside" d="{curve}"/>'


def _box(screen: Screen, at: Point) -> str:
    kind = "spends" if screen.spends else "ends" if screen.ends else "asks"
    left, top = at[0] - WIDTH / 2, at[1] - HEIGHT / 2
    return (
        f"<rect class={quoteattr(kind)} "
        f'x="{left:g}" y="{top:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{at[0]:g}" y="{at[1] + 4.5:g}">{escape(screen.name)}</text>'
    )
