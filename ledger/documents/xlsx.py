"""A document as XLSX: numbers are numbers, totals are formulas that already hold their value.

Spreadsheets calculate in binary and keep fifteen digits. A table with more digits than that is
written as text, without formulas: a figure that looks like the books and is not is worse than one
that cannot be added up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date
from decimal import Decimal
from io import BytesIO
from typing import Final, TypeAlias

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range, xl_rowcol_to_cell
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from kernel.currency import exponent
from kernel.money import Money
from ledger.documents.document import (
    Carried,
    Cell,
    Column,
    Document,
    Holds,
    Named,
    Row,
    Side,
    Table,
    Total,
    amount_of,
)

Look: TypeAlias = dict[str, str | int]
"""Properties of a format, as XlsxWriter names them."""

EXACT_DIGITS: Final = 15
"""What every spreadsheet keeps of a number (ECMA-376 leaves it to IEEE 754 doubles)."""
WIDTHS: Final = {Holds.WORDS: 46, Holds.DAY: 14}
CODE_WIDTH: Final = 40
MIN_AMOUNT_WIDTH: Final = 14
RIGHT_TO_LEFT: Final = 2
LEFT_TO_RIGHT: Final = 1
"""Reading orders of a cell."""
A4: Final = 9


def render(document: Document) -> bytes:
    """The file; the same document gives the same bytes."""
    content = BytesIO()
    book = Workbook(content, {"in_memory": True})
    made = document.made_at.astimezone(UTC).replace(tzinfo=None)
    book.set_properties({"title": document.title, "comments": document.made, "created": made})
    if not document.tables:
        _head(_sheet(book, document, document.title[:31]), document, _Styles(book, document, 0))
    for table in document.tables:
        _Grid(book, document, table).write()
    book.close()
    return content.getvalue()


class _Styles:
    """The formats of a sheet; ``digits``: of its currency after the point."""

    def __init__(self, book: Workbook, document: Document, digits: int) -> None:
        start: Look = {"align": "right", "reading_order": RIGHT_TO_LEFT} if document.is_rtl else {}
        number = "#,##0" + ("." + "0" * digits if digits else "")
        total: Look = {"bold": True, "top": 1}
        figure: Look = {"num_format": number, "align": "right", "reading_order": LEFT_TO_RIGHT}
        code: Look = {"font_color": "#55616F", "reading_order": LEFT_TO_RIGHT}
        ground: Look = {"bold": True, "bg_color": "#EEF2F5", "bottom": 1, "text_wrap": True}
        self.title = book.add_format({**start, "bold": True, "font_size": 15})
        self.label = book.add_format({**start, "font_color": "#55616F"})
        self.alarm = book.add_format({**start, "bold": True, "font_color": "#9C1F27"})
        self.heading = book.add_format({**start, **ground})
        self.heading_of_figures = book.add_format({**ground, "align": "right"})
        self.words = {False: book.add_format(start), True: book.add_format({**start, **total})}
        self.figure = {False: book.add_format(figure), True: book.add_format({**figure, **total})}
        self.code = {False: book.add_format(code), True: book.add_format({**code, **total})}
        day: Look = {**start, "num_format": "yyyy-mm-dd", "reading_order": LEFT_TO_RIGHT}
        self.day = {False: book.add_format(day), True: book.add_format({**day, **total})}


@dataclass(frozen=True, slots=True)
class _Place:
    """A column of the document on the sheet; ``code``: where its codes stand, if they do."""

    column: Column
    at: int
    code: int | None


class _Grid:
    """One table on a sheet of its own."""

    def __init__(self, book: Workbook, document: Document, table: Table) -> None:
        self.document, self.table = document, table
        self.sheet = _sheet(book, document, table.currency)
        self.styles = _Styles(book, document, exponent(table.currency))
        self.places = list(_places(table))
        self.first = 0
        amounts = (amount_of(cell) for row in table.all_rows for cell in row)
        most = max((abs(each.minor) for each in amounts if each), default=0)
        self.is_exact = most < 10**EXACT_DIGITS
        self.digits = max(MIN_AMOUNT_WIDTH, len(Money(most, table.currency).grouped()) + 3)

    def write(self) -> None:
        """Everything on the sheet, and how it prints."""
        heading = _head(self.sheet, self.document, self.styles)
        self._headings(heading)
        self.first = heading + 1 + len(self.table.before)
        strong = {heading + 1 + at for at in range(len(self.table.before))}
        end = self.first + len(self.table.rows)
        strong |= {end + at for at in range(len(self.table.after))}
        for at, row in enumerate(self.table.all_rows, heading + 1):
            self._row(at, row, is_strong=at in strong)
        self.sheet.freeze_panes(heading + 1, 1)
        self.sheet.repeat_rows(heading)

    def _headings(self, row: int) -> None:
        for place in self.places:
            column = place.column
            title = f"{column.group} – {column.title}" if column.group else column.title
            if column.holds.is_amount:
                style, width = self.styles.heading_of_figures, self.digits
            else:
                style, width = self.styles.heading, WIDTHS[column.holds]
            self.sheet.write_string(row, place.at, title, style)
            self.sheet.set_column(place.at, place.at, width)
            if place.code is not None:
                self.sheet.write_string(row, place.code, column.codes, self.styles.heading)
                self.sheet.set_column(place.code, place.code, CODE_WIDTH)

    def _row(self, at: int, row: Row, *, is_strong: bool) -> None:
        for place, cell in zip(self.places, row, strict=True):
            self._cell(at, place, cell, is_strong=is_strong)
            if place.code is not None:
                code = cell.code or cell.words if isinstance(cell, Named) else ""
                self.sheet.write_string(at, place.code, code, self.styles.code[is_strong])

    def _cell(self, row: int, place: _Place, cell: Cell, *, is_strong: bool) -> None:
        words = self.styles.words[is_strong]
        amount = amount_of(cell)
        if amount is not None:
            self._amount(row, place, cell, amount=amount, style=self.styles.figure[is_strong])
        elif isinstance(cell, date):
            self.sheet.write_datetime(row, place.at, cell, self.styles.day[is_strong])
        elif isinstance(cell, Named):
            self.sheet.write_string(row, place.at, cell.words, words)
        elif isinstance(cell, str):
            self.sheet.write_string(row, place.at, cell, words)
        else:
            self.sheet.write_blank(row, place.at, None, words)

    def _amount(self, row: int, place: _Place, cell: Cell, *, amount: Money, style: Format) -> None:
        if not self.is_exact:
            self.sheet.write_string(row, place.at, amount.grouped(), style)
            return
        value = Decimal(amount.plain())
        formula = self._formula(cell, place.at)
        if formula:
            self.sheet.write_formula(row, place.at, formula, style, value)
        else:
            self.sheet.write_number(row, place.at, value, style)

    def _formula(self, cell: Cell, at: int) -> str:
        """How a total comes about; empty for what is no total, and for totals of no rows."""
        if not self.table.rows:
            return ""
        digits = exponent(self.table.currency)
        if isinstance(cell, Total):
            return f"=ROUND(SUM({self._range(at)}),{digits})"
        if isinstance(cell, Carried):
            opening = next(
                xl_rowcol_to_cell(self.first - 1, place.at)
                for place, before in zip(self.places, self.table.before[-1], strict=True)
                if isinstance(before, Side)
            )
            debits, credits = (self._range(self._of(each)) for each in (Holds.DEBIT, Holds.CREDIT))
            return f"=ROUND({opening}+SUM({debits})-SUM({credits}),{digits})"
        return ""

    def _of(self, holds: Holds) -> int:
        return next(place.at for place in self.places if place.column.holds is holds)

    def _range(self, at: int) -> str:
        return xl_range(self.first, at, self.first + len(self.table.rows) - 1, at)


def _places(table: Table) -> Iterator[_Place]:
    at = 0
    for column in table.columns:
        yield _Place(column, at, at + 1 if column.codes else None)
        at += 2 if column.codes else 1


def _sheet(book: Workbook, document: Document, name: str) -> Worksheet:
    """A sheet that prints across, as wide as the paper, with its pages counted."""
    sheet = book.add_worksheet(name)
    if document.is_rtl:
        sheet.right_to_left()
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&C&P / &N")
    return sheet


def _head(sheet: Worksheet, document: Document, styles: _Styles) -> int:
    """Title, facts and warnings; the row after them."""
    sheet.write_string(0, 0, document.title, styles.title)
    row = 1
    for label, value in document.facts:
        said = " ".join(filter(None, (value.words, value.code)))
        sheet.write_string(row, 0, f"{label}: {said}", styles.label)
        row += 1
    for warning in document.warnings:
        sheet.write_string(row, 0, warning, styles.alarm)
        row += 1
    sheet.write_string(row, 0, document.made, styles.label)
    return row + 2
