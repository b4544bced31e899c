"""What a report says, before it is drawn on paper or written into a spreadsheet.

A document is a title, some facts about it and tables of one currency each; PDF and XLSX show the
same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, auto
from pathlib import Path
from typing import TypeAlias

from kernel.money import Money
from kernel.texts import RIGHT_TO_LEFT, Texts

TEXTS = Texts(Path(__file__).parents[1] / "texts")


@dataclass(frozen=True, slots=True)
class Named:
    """A thing in words, and under them its path or id, which reads from left to right."""

    words: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """A balance with the side it stands on."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of its column over the table's rows."""

    amount: Money


@dataclass(frozen=True, slots=True)
class Carried:
    """The balance brought forward, plus what was debited, less what was credited, in the rows."""

    amount: Money


Cell: TypeAlias = Named | Side | Total | Carried | Money | date | str | None
Row: TypeAlias = tuple[Cell, ...]


class Holds(Enum):
    """What a column holds; it decides alignment and width."""

    WORDS = auto()
    DAY = auto()
    DEBIT = auto()
    CREDIT = auto()
    BALANCE = auto()

    @property
    def is_amount(self) -> bool:
        """Whether figures stand in it."""
        return self in (Holds.DEBIT, Holds.CREDIT, Holds.BALANCE)


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, under which common heading it stands, and what a spreadsheet calls the codes.

    On paper a code stands under its words; in a spreadsheet it has a column of its own, if the
    column has ``codes``.
    """

    title: str
    holds: Holds
    group: str = ""
    codes: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in one currency; ``before`` and ``after`` them opening balance, totals and closing.

    ``title`` may be empty.
    """

    title: str
    currency: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    before: Sequence[Row] = ()
    after: Sequence[Row] = ()

    @property
    def all_rows(self) -> Iterator[Row]:
        """From the opening balance to the last total."""
        yield from self.before
        yield from self.rows
        yield from self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A report in one language; ``running`` says on every page what it is.

    ``made_at`` is all it knows of the present: the same books at the same moment are the same file.
    """

    language: str
    title: str
    running: str
    facts: Sequence[tuple[str, Named]]
    tables: Sequence[Table]
    made_at: datetime
    made: str
    warnings: Sequence[str] = field(default=())

    @property
    def is_rtl(self) -> bool:
        """Whether it reads from right to left."""
        return self.language in RIGHT_TO_LEFT

    def say(self, key: str, **values: object) -> str:
        """One of the words that documents need, ``document.<key>``."""
        return TEXTS.get(self.language, f"document.{key}", **values)


def amount_of(cell: Cell) -> Money | None:
    """The figure in a cell, if there is one."""
    if isinstance(cell, Money):
        return cell
    return cell.amount if isinstance(cell, Side | Total | Carried) else None
