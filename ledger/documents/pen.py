"""Writes words and figures on the pages of a PDF; Arabic joined and in order, figures as they are.

Positions are millimetres from the top left corner, of the baseline. A text that reads from right to
left is put in order (Unicode UAX #9) and joined (HarfBuzz) once; wherever it comes again, the same
strokes are moved there: a statement repeats few names thousands of times.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection
from fpdf.fonts import TTFFont

FONTS: Final = Path(__file__).parent / "fonts"
EM: Final = 0.001
"""A unit of the font, as a part of the letters' size."""
POINT: Final = 0.352778
"""Millimetres."""
BYTE: Final = 0.003921569
"""The 255th part."""
HAIR: Final = 0.02
"""Millimetres by which two sums of the same widths may differ."""

Colour = tuple[int, int, int]
INK: Final[Colour] = (28, 39, 51)
QUIET: Final[Colour] = (85, 97, 111)
LINE: Final[Colour] = (200, 208, 216)
SHADE: Final[Colour] = (238, 242, 245)
ALARM: Final[Colour] = (156, 31, 39)

_PIECES: Final = re.compile(r"\S*?[:/](?=\S)|\S+\s*|\s+")
"""Where a line may end: after a space; inside a path after its colons."""


@dataclass(frozen=True, slots=True)
class Hand:
    """A size in points, a weight, a colour."""

    size: float
    is_bold: bool = False
    colour: Colour = INK


class Pen:
    """One PDF being written, A4 across; ``made_at`` is the only date in it. To be closed."""

    def __init__(self, *, title: str, language: str, is_rtl: bool, made_at: datetime) -> None:
        self._pdf = FPDF("landscape", "mm", "A4")
        self._pdf.set_creation_date(made_at)
        self._pdf.set_title(title)
        self._pdf.set_lang(language)
        self._pdf.set_auto_page_break(False)
        self._pdf.c_margin = 0
        self._pdf.set_draw_color(*LINE)
        self._pdf.set_line_width(0.2)
        self._pdf.set_fill_color(*SHADE)
        for style, name in (("", "Regular"), ("B", "Bold")):
            self._pdf.add_font("Mizan", style, FONTS / f"MizanSans-{name}.ttf")
        self._base = TextDirection.RTL if is_rtl else TextDirection.LTR
        self._strokes: dict[tuple[str, Hand], bytes] = {}
        self._widths: dict[tuple[str, Hand], float] = {}
        self._taken: Hand | None = None
        self._wrapped: dict[tuple[str, Hand, int], tuple[str, ...]] = {}

    @property
    def page_width(self) -> float:
        """Of the whole sheet."""
        return self._pdf.w

    @property
    def page_height(self) -> float:
        """Of the whole sheet."""
        return self._pdf.h

    def turn(self) -> None:
        """Go on to a new page."""
        self._pdf.add_page()
        self._taken = None

    def close(self) -> None:
        """Let go of the font files."""
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def finish(self) -> bytes:
        """The file."""
        return bytes(self._pdf.output())

    def line(self, left: float, right: float, y: float) -> None:
        """A thin line across."""
        self._pdf.line(left, y, right, y)

    def shade(self, left: float, top: float, width: float, height: float) -> None:
        """A pale ground to write on."""
        self._pdf.rect(left, top, width, height, style="F")

    def width(self, text: str, hand: Hand) -> float:
        """Of a text on one line."""
        if not _is_shaped(text):
            return sum(self._width(char, hand) for char in text)
        return self._width(text, hand)

    def _width(self, text: str, hand: Hand) -> float:
        key = (text, hand)
        if key not in self._widths:
            self._take(hand)
            if _is_shaped(text):
                wide = sum(glyph["x_advance"] for glyph in self._glyphs(text, hand))
                self._widths[key] = wide * hand.size * EM * POINT
            else:
                self._widths[key] = self._pdf.get_string_width(text)
        return self._widths[key]

    def write(self, x: float, y: float, text: str, hand: Hand) -> None:
        """Put a text with its left end at ``x``."""
        self._take(hand)
        if _is_shaped(text):
            self._write_shaped(x, y, text, hand)
        elif text:
            self._pdf.text(x, y, text)

    def write_to(self, x: float, y: float, text: str, hand: Hand) -> None:
        """Put a text with its right end at ``x``."""
        self.write(x - self.width(text, hand), y, text, hand)

    def wrap(self, text: str, width: float, hand: Hand) -> tuple[str, ...]:
        """A text as lines no wider than ``width``; what has no space is cut where it must be."""
        key = (text, hand, int(width * 100))
        if key not in self._wrapped:
            self._wrapped[key] = tuple(self._lines(text, width + HAIR, hand))
        return self._wrapped[key]

    def _lines(self, text: str, width: float, hand: Hand) -> Iterator[str]:
        line = ""
        for piece in self._pieces(text, width, hand):
            if line and self.width((line + piece).rstrip(), hand) > width:
                yield line.rstrip()
                line = ""
            line += piece
        if line:
            yield line.rstrip()

    def _pieces(self, text: str, width: float, hand: Hand) -> Iterator[str]:
        for piece in _PIECES.findall(text):
            rest = piece
            while self.width(rest.rstrip(), hand) > width and len(rest) > 1:
                fits = len(rest) - 1
                while fits > 1 and self.width(rest[:fits], hand) > width:
                    fits -= 1
                yield rest[:fits]
                rest = rest[fits:]
            yield rest

    def _take(self, hand: Hand) -> None:
        if hand == self._taken:
            return
        self._taken = hand
        self._pdf.set_font("Mizan", "B" if hand.is_bold else "", hand.size)
        self._pdf.set_text_color(*hand.colour)

    def _glyphs(self, text: str, hand: Hand) -> Iterator[Mapping[str, Any]]:
        """The glyphs of a text from left to right, joined within each stretch of one direction.

        fpdf2's own cells would take a vowel mark for a change of script and break the word there.
        """
        font = self._pdf.current_font
        assert isinstance(font, TTFFont)
        in_order = BidiParagraph(text, base_direction=self._base).get_reordered_characters()
        for level, chars in groupby(in_order, key=lambda char: char.embedding_level):
            is_rtl = level % 2 == 1
            stretch = "".join(char.character for char in chars)
            asked: dict[str, object] = {
                "fragment_direction": TextDirection.RTL if is_rtl else TextDirection.LTR,
                "features": {},
            }
            # HarfBuzz takes a stretch as it is read, and turns it round itself.
            yield from font.shape_text(stretch[::-1] if is_rtl else stretch, hand.size, asked)

    def _drawn(self, text: str, hand: Hand) -> bytes:
        """The strokes of a text that begins at the page's lower left corner."""
        font, x, runs, is_placed = self._pdf.current_font, 0.0, "", False
        assert isinstance(font, TTFFont)
        for glyph in self._glyphs(text, hand):
            by_x, by_y = (glyph[name] * hand.size * EM for name in ("x_offset", "y_offset"))
            if not is_placed or by_x or by_y:
                runs += ") Tj " if runs else ""
                runs += f"1 0 0 1 {x + by_x:.2f} {by_y:.2f} Tm ("
            runs += font.escape_text(chr(glyph["mapped_char"]))
            x += glyph["x_advance"] * hand.size * EM
            is_placed = not glyph["force_positioning"]
        colour = " ".join(f"{part * BYTE:.4f}" for part in hand.colour)
        return f"BT {colour} rg {runs}) Tj ET\n".encode("latin1")

    def _write_shaped(self, x: float, y: float, text: str, hand: Hand) -> None:
        """Move the strokes of a text to their place."""
        page = self._pdf.pages[self._pdf.page].contents
        assert isinstance(page, bytearray)
        self._pdf.text(0, 0, "")  # the page now knows the font that the strokes are in
        key = (text, hand)
        if key not in self._strokes:
            self._strokes[key] = self._drawn(text, hand)
        up = (self._pdf.h - y) * self._pdf.k
        moved = f"q 1 0 0 1 {x * self._pdf.k:.2f} {up:.2f} cm\n"
        page += moved.encode() + self._strokes[key] + b"Q\n"


@cache
def _is_shaped(text: str) -> bool:
    """Whether letters must be joined or put in order."""
    return any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text)
