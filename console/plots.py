"""Plots as SVG made here: no script, no picture file, colours from the stylesheet.

A plot is 360 units wide, which is a phone's width, and grows with its place. It runs as the page
does: in Arabic from the right. Each has a name for who cannot see it, and a table beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup

WIDTH: Final = 360
_BAR: Final = 12
_ROW: Final = 38
_HEIGHT: Final = 150
_TOP: Final = 10
_FOOT: Final = 22
_LETTER: Final = 7.2
_MOST_DOTS: Final = 62


def bars(name: str, rows: Sequence[tuple[str, int, str]], *, is_rtl: bool) -> Markup:
    """A bar for each (label, value, words at its end), all to the scale of the largest."""
    most = max((value for _, value, _ in rows), default=0) or 1
    start, end = (WIDTH, 0) if is_rtl else (0, WIDTH)
    parts = []
    for at, (label, value, words) in enumerate(rows):
        length = WIDTH * value / most
        parts.append(
            Markup(
                '<text x="{}" y="{}">{}</text>'
                '<text x="{}" y="{}" direction="ltr" text-anchor="{}">{}</text>'
                '<rect class="rail" x="0" y="{}" width="{}" height="{}" rx="2"/>'
                '<rect class="bar" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"/>'
            ).format(
                start,
                _ROW * at + 13,
                label,
                end,
                _ROW * at + 13,
                "start" if is_rtl else "end",
                words,
                _ROW * at + 19,
                WIDTH,
                _BAR,
                WIDTH - length if is_rtl else 0,
                _ROW * at + 19,
                length,
                _BAR,
            )
        )
    return _picture(name, _ROW * len(rows), parts)


def lines(
    name: str, labels: Sequence[str], series: Sequence[Sequence[int]], *, is_rtl: bool
) -> Markup:
    """A line for each series over the same points; ``labels`` of the first and last are shown."""
    most = max((value for line in series for value in line), default=0) or 1
    low, high = _TOP + _HEIGHT, _TOP
    margin = round(_LETTER * len(f"{most:,}")) + 8
    room = WIDTH - margin - 6
    steps = max(len(labels) - 1, 1)

    def across(at: int) -> float:
        x = margin + room * at / steps
        return WIDTH - x if is_rtl else x

    def up(value: int) -> float:
        return low - (low - high) * value / most

    sides = (WIDTH - margin, 6) if is_rtl else (margin, WIDTH - 6)
    parts = [*_grid(most, low, high, sides)]
    for n, line in enumerate(series, 1):
        points = [(across(at), up(value)) for at, value in enumerate(line)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(Markup('<polyline class="line-{}" points="{}"/>').format(n, path))
        if len(points) <= _MOST_DOTS:
            parts += [
                Markup('<circle class="dot-{}" cx="{:.1f}" cy="{:.1f}" r="2"/>').format(n, x, y)
                for x, y in points
            ]
    ends = {0: "start", len(labels) - 1: "end"} if len(labels) > 1 else {0: "start"}
    for at, side in ends.items() if labels else ():
        anchor = {"start": "end", "end": "start"}[side] if is_rtl else side
        parts.append(
            Markup('<text x="{:.1f}" y="{}" direction="ltr" text-anchor="{}">{}</text>').format(
                across(at), low + 17, anchor, labels[at]
            )
        )
    return _picture(name, low + _FOOT, parts)


def _grid(most: int, low: int, high: int, across: tuple[int, int]) -> Iterable[Markup]:
    """Lines at nothing, at half where that is whole, and at the most; ``across``: from the figures
    to the other side.
    """
    start, end = across
    is_rtl = start > end
    for mark in [0, most] if most % 2 else [0, most // 2, most]:
        y = low - (low - high) * mark / most
        yield Markup('<line class="grid" x1="{}" y1="{y:.1f}" x2="{}" y2="{y:.1f}"/>').format(
            start, end, y=y
        )
        yield Markup('<text x="{}" y="{:.1f}" direction="ltr" text-anchor="{}">{}</text>').format(
            start + (4 if is_rtl else -4), y + 4, "start" if is_rtl else "end", f"{mark:,}"
        )


def _picture(name: str, height: int, parts: Iterable[Markup]) -> Markup:
    return Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(WIDTH, height, name, Markup("").join(parts))
