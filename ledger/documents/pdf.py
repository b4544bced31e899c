"""A document as PDF: A4 across, headings repeated on every page, pages counted.

In Arabic the first column stands on the right; figures line up on the right in every
language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from kernel.money import Money
from ledger.documents.document import (
    Carried,
    Cell,
    Document,
    Holds,
    Named,
    Row,
    Side,
    Table,
    amount_of,
)
from ledger.documents.pen import ALARM, QUIET, Hand, Pen

MARGIN: Final = 12.0
FOOT: Final = 8.0
GAP: Final = 4.0
"""Between two columns."""
LEADING: Final = 4.0
CODE_LEADING: Final = 3.0
MIN_WORDS: Final = 38.0
"""A column of words is not made narrower than this; smaller figures make the room."""

TITLE: Final = Hand(15, is_bold=True)
CAPTION: Final = Hand(10, is_bold=True)
FACT: Final = Hand(9)
LABEL: Final = Hand(9, colour=QUIET)
WARNING: Final = Hand(9, is_bold=True, colour=ALARM)
WORDS: Final = Hand(8)
STRONG: Final = Hand(8, is_bold=True)
CODE: Final = Hand(6, colour=QUIET)
SMALL: Final = Hand(7, colour=QUIET)
FIGURE_SIZES: Final = (8.0, 7.0, 6.0, 5.0)


def render(document: Document) -> bytes:
    """The file; the same document gives the same bytes."""
    paper = _Paper(document)
    with closing(paper.pen):
        return paper.render()


@dataclass(frozen=True, slots=True)
class _Band:
    """A strip of the page: how tall it is, and what draws it once its top is known."""

    height: float
    draw: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a column stands on the page."""

    left: float
    right: float
    holds: Holds


@dataclass
class _Paper:
    """Bands stacked on pages, then drawn; so the number of pages is known on the first."""

    document: Document
    pages: list[list[tuple[float, _Band]]] = field(default_factory=list)
    y: float = 0.0

    def __post_init__(self) -> None:
        document = self.document
        self.pen = Pen(
            title=document.title,
            language=document.language,
            is_rtl=document.is_rtl,
            made_at=document.made_at,
        )
        self.left, self.right = MARGIN, self.pen.page_width - MARGIN
        self.bottom = self.pen.page_height - MARGIN - FOOT

    def render(self) -> bytes:
        """Lay everything out, then draw page after page."""
        self._turn()
        for band in self._top():
            self._put(band)
        for table in self.document.tables:
            self._lay(table)
        if not self.document.tables:
            self._put(self._text(self.document.say("empty"), FACT, 8))
        for number, bands in enumerate(self.pages, 1):
            self.pen.turn()
            for top, band in bands:
                band.draw(top)
            self._foot(number)
        return self.pen.finish()

    def _turn(self) -> None:
        self.pages.append([])
        self.y = MARGIN
        if len(self.pages) > 1:
            self._put(self._running_head())

    def _put(self, band: _Band) -> None:
        self.pages[-1].append((self.y, band))
        self.y += band.height

    def _has_room(self, height: float) -> bool:
        return self.y + height <= self.bottom

    def _top(self) -> Iterable[_Band]:
        """Title, facts and warnings."""
        yield self._text(self.document.title, TITLE, 9)
        labels = [f"{label}:" for label, _ in self.document.facts]
        indent = max((self.pen.width(each, LABEL) for each in labels), default=0) + GAP
        for label, (_, value) in zip(labels, self.document.facts, strict=True):
            yield self._fact(label, value, indent)
        for warning in self.document.warnings:
            yield self._text(warning, WARNING, 6)

    def _fact(self, label: str, value: Named, indent: float) -> _Band:
        def draw(top: float) -> None:
            self._start(self._from_start(0), top + 3.6, label, LABEL)
            self._start(self._from_start(indent), top + 3.6, value.words, FACT)
            if value.code:
                self._start(self._from_start(indent), top + 6.8, value.code, SMALL)

        return _Band(8.6 if value.code else 5.2, draw)

    def _text(self, text: str, hand: Hand, height: float) -> _Band:
        baseline = 0.72 * height
        return _Band(
            height, lambda top: self._start(self._from_start(0), top + baseline, text, hand)
        )

    def _running_head(self) -> _Band:
        """On later pages: what this is, of what."""

        def draw(top: float) -> None:
            self._start(self._from_start(0), top + 2.6, self.document.running, SMALL)

        return _Band(5, draw)

    def _foot(self, number: int) -> None:
        y = self.pen.page_height - MARGIN
        self.pen.line(self.left, self.right, y - 4.2)
        self._start(self._from_start(0), y, self.document.made, SMALL)
        pages = f"{number} / {len(self.pages)}"
        if self.document.is_rtl:
            self.pen.write(self.left, y, pages, SMALL)
        else:
            self.pen.write_to(self.right, y, pages, SMALL)

    def _from_start(self, distance: float) -> float:
        """A place so far from where lines begin."""
        return self.right - distance if self.document.is_rtl else self.left + distance

    def _start(self, x: float, y: float, text: str, hand: Hand) -> None:
        """A text that begins at ``x`` and runs with the language."""
        put = self.pen.write_to if self.document.is_rtl else self.pen.write
        put(x, y, text, hand)

    # Tables.

    def _lay(self, table: Table) -> None:
        grid = _Grid(self, table)
        head = grid.head()
        rows = [
            *(grid.row(row, is_strong=True) for row in table.before),
            *(grid.row(row) for row in table.rows),
            *(grid.row(row, is_strong=True) for row in table.after),
        ]
        self.y += GAP
        if not self._has_room(head.height + sum(row.height for row in rows[:3])):
            self._turn()
        self._put(head)
        for row in rows:
            if not self._has_room(row.height):
                self._turn()
                self._put(head)
            self._put(row)
        self.y += GAP


class _Grid:
    """The columns of one table: amounts as wide as their widest figure, words share the rest."""

    def __init__(self, paper: _Paper, table: Table) -> None:
        self.paper, self.pen, self.table = paper, paper.pen, table
        self.is_rtl = paper.document.is_rtl
        self.marks = {
            True: paper.document.say("debit_short"),
            False: paper.document.say("credit_short"),
        }
        self.mark_width = max(self.pen.width(mark, CODE) for mark in self.marks.values()) + 1
        words = sum(not column.holds.is_amount for column in table.columns)
        room = paper.right - paper.left - GAP * (len(table.columns) - 1)
        for size in FIGURE_SIZES:
            self.figure, self.strong_figure = Hand(size), Hand(size, is_bold=True)
            fixed = [self._fixed(at) for at in range(len(table.columns))]
            if room - sum(fixed) >= MIN_WORDS * words:
                break
        wanted = [0 if width else self._wanted(at) for at, width in enumerate(fixed)]
        shares = _share(room - sum(fixed), wanted)
        self.slots = self._place([a + b for a, b in zip(fixed, shares, strict=True)])

    def _fixed(self, at: int) -> float:
        """The width a column must have; 0 for words, which take what is left."""
        column = self.table.columns[at]
        if column.holds is Holds.WORDS:
            return 0
        widths = [self.pen.width(column.title, STRONG)]
        if column.holds is Holds.DAY:
            widths.append(self.pen.width("0000-00-00", WORDS))
        widths += (self.pen.width(text, self.strong_figure) for text in self._figures(at))
        return max(widths) + (self.mark_width if column.holds is Holds.BALANCE else 0)

    def _wanted(self, at: int) -> float:
        """The width in which every text of a column of words would stand on one line."""
        cells = [row[at] for row in self.table.all_rows]
        names = {each for each in cells if isinstance(each, str)}
        names |= {each.words for each in cells if isinstance(each, Named)}
        codes = {each.code for each in cells if isinstance(each, Named)}
        widths = [self.pen.width(name, STRONG) for name in names]
        widths += (self.pen.width(code, CODE) + 0.1 for code in codes)
        return max([*widths, MIN_WORDS])

    def _figures(self, at: int) -> Iterable[str]:
        for row in self.table.all_rows:
            amount = amount_of(row[at])
            if amount is not None:
                yield _written(row[at], amount)

    def _place(self, widths: Sequence[float]) -> list[_Slot]:
        slots, x = [], self.paper.right if self.is_rtl else self.paper.left
        for column, width in zip(self.table.columns, widths, strict=True):
            left, right = (x - width, x) if self.is_rtl else (x, x + width)
            slots.append(_Slot(left, right, column.holds))
            x = left - GAP if self.is_rtl else right + GAP
        return slots

    def head(self) -> _Band:
        """The table's title and the headings, with common headings over them."""
        columns = self.table.columns
        groups = list(dict.fromkeys(column.group for column in columns if column.group))
        titles = [
            self.pen.wrap(column.title, slot.right - slot.left, STRONG)
            for column, slot in zip(columns, self.slots, strict=True)
        ]
        above = LEADING * (1 if groups else 0)
        height = 3 + above + LEADING * max(map(len, titles))
        caption = 6 if self.table.title else 0

        def draw(top: float) -> None:
            paper = self.paper
            paper._start(paper._from_start(0), top + 4, self.table.title, CAPTION)
            top += caption
            self.pen.shade(paper.left - 1, top, paper.right - paper.left + 2, height)
            for group in groups:
                self._group(group, top + 4)
            for slot, lines in zip(self.slots, titles, strict=True):
                self._lines(slot, top + 4 + above, lines, STRONG)

        return _Band(caption + height, draw)

    def _group(self, group: str, y: float) -> None:
        """A common heading, over the middle of its columns."""
        slots = [
            slot
            for slot, column in zip(self.slots, self.table.columns, strict=True)
            if column.group == group
        ]
        left, right = min(slot.left for slot in slots), max(slot.right for slot in slots)
        middle = (left + right) * 0.5
        self.pen.write(middle - self.pen.width(group, STRONG) * 0.5, y, group, STRONG)
        self.pen.line(left, right, y + 1)

    def row(self, row: Row, *, is_strong: bool = False) -> _Band:
        """One line of the table, as tall as its tallest cell."""
        hand = STRONG if is_strong else WORDS
        texts = [self._texts(cell, slot, hand) for cell, slot in zip(row, self.slots, strict=True)]
        height = max(len(words) * LEADING + len(codes) * CODE_LEADING for words, codes in texts)

        def draw(top: float) -> None:
            for cell, slot, (words, codes) in zip(row, self.slots, texts, strict=True):
                amount = amount_of(cell)
                if amount is not None:
                    self._amount(cell, amount, slot, top + 3.6, is_strong=is_strong)
                self._lines(slot, top + 3.6, words, hand)
                self._lines(slot, top + 2.8 + LEADING * len(words), codes, CODE)
            self.pen.line(self.paper.left, self.paper.right, top + height + 1)

        return _Band(height + 1.2, draw)

    def _texts(self, cell: Cell, slot: _Slot, hand: Hand) -> tuple[Sequence[str], Sequence[str]]:
        """The lines of words and of code in a cell; a figure is a line of nothing."""
        width = slot.right - slot.left
        match cell:
            case Named():
                words = self.pen.wrap(cell.words, width, hand)
                return words, self.pen.wrap(cell.code, width, CODE)
            case str():
                return self.pen.wrap(cell, width, hand), ()
            case date():
                return (cell.isoformat(),), ()
        return ("",), ()

    def _lines(self, slot: _Slot, y: float, lines: Sequence[str], hand: Hand) -> None:
        """Lines of text from where lines begin; over figures they end where figures end."""
        leading = CODE_LEADING if hand is CODE else LEADING
        for number, text in enumerate(lines):
            if self.is_rtl or slot.holds.is_amount:
                self.pen.write_to(slot.right, y + number * leading, text, hand)
            else:
                self.pen.write(slot.left, y + number * leading, text, hand)

    def _amount(self, cell: Cell, amount: Money, slot: _Slot, y: float, *, is_strong: bool) -> None:
        right = slot.right
        hand = self.strong_figure if is_strong else self.figure
        if isinstance(cell, Side | Carried) and amount.minor:
            mark = self.marks[amount.minor > 0]
            if self.is_rtl:
                self.pen.write(slot.left, y, mark, CODE)
            else:
                self.pen.write_to(right, y, mark, CODE)
        if slot.holds is Holds.BALANCE and not self.is_rtl:
            right -= self.mark_width
        self.pen.write_to(right, y, _written(cell, amount), hand)


def _written(cell: Cell, amount: Money) -> str:
    """A figure as it is written: a balance beside the name of its side needs no sign."""
    if isinstance(cell, Side | Carried):
        amount = Money(abs(amount.minor), amount.currency)
    return amount.grouped()


def _share(room: float, wanted: Sequence[float]) -> list[float]:
    """Room for columns of words: by what they want, but none starves for a greedy one."""
    open_ = {at for at, want in enumerate(wanted) if want}
    given = [0.0] * len(wanted)
    while open_:
        even = room * len(open_) ** -1
        modest = {at for at in open_ if wanted[at] <= even}
        if not modest or modest == open_:
            total = sum(wanted[at] for at in open_) ** -1
            for at in open_:
                given[at] = room * wanted[at] * total if modest else even
            break
        for at in modest:
            given[at] = wanted[at]
            room -= wanted[at]
        open_ -= modest
    return given
