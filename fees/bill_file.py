"""Bills as CSV, read line by line so that a bad line spoils only itself.

The first line names the columns, in any order (``COLUMNS``; ``REQUIRED`` must be there). An
empty amount means the tariff's price. UTF-8 with or without BOM; commas, semicolons or tabs;
Western or Arabic-Indic digits.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fees.bills import BillOrder
from kernel.currency import UnknownCurrency, exponent
from kernel.digits import to_western
from kernel.money import BadAmount, Money
from kernel.msisdn import BadMsisdn, Msisdn

REQUIRED = ("agency", "service", "amount", "currency")
OPTIONAL = ("reference", "payer", "quantity", "band", "due_on", "expires_on")
COLUMNS = (*REQUIRED, *OPTIONAL)

_KNOWN = ", ".join(COLUMNS)

LARGEST_BYTES = 16 * 2**20
MOST_ROWS = 100_000

_REASON_MAX = 160
_DELIMITERS = ",;\t"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
_INVISIBLE = dict.fromkeys(map(ord, _MARKS))
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True, slots=True)
class Unusable:
    """The file as a whole cannot be read; nothing was done."""

    reason: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """One line that is not a bill, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file by its number (the header is 1), with what its columns say."""

    number: int
    values: Mapping[str, str] | BadRow


@dataclass(frozen=True, slots=True)
class Order:
    """A bill to issue and the number to bill, which is stored apart."""

    bill: BillOrder
    payer: Msisdn | None


def read_lines(raw: bytes) -> list[Line] | Unusable:
    """Split a file into lines with named values; Unusable if it is not such a file."""
    text = _decoded(raw)
    if isinstance(text, Unusable):
        return text
    # A line is a row: if quotes could hold a line break, a stray one would swallow all below it.
    numbered = enumerate(io.StringIO(text, newline=None), start=1)
    filled = [(number, line.rstrip("\n")) for number, line in numbered if line.strip()]
    if not filled:
        return Unusable("the file is empty")
    (_, header), *rows = filled
    delimiter = max(_DELIMITERS, key=header.count)
    columns = _columns(header, delimiter)
    if isinstance(columns, Unusable):
        return columns
    if not rows:
        return Unusable("the file has a header and no rows")
    if len(rows) > MOST_ROWS:
        return Unusable(f"{len(rows):,} rows; split the file into parts of {MOST_ROWS:,} at most")
    return [Line(number, _values(line, delimiter, columns)) for number, line in rows]


def order_of(values: Mapping[str, str]) -> Order | BadRow:
    """Read a row's values; the amount is the agency's own assessment."""
    try:
        currency = values["currency"].upper()
        exponent(currency)
        amount = read_amount(values["amount"], currency) if values["amount"] else None
        payer = values.get("payer")
        bill = BillOrder(
            agency=values["agency"].upper(),
            service=values["service"].upper(),
            quantity=_whole(values.get("quantity") or "1"),
            amount=amount,
            currency=currency,
            band=(values.get("band") or "").upper() or None,
            assessed=amount is not None,
            due_on=_day(values.get("due_on")),
            expires_on=_day(values.get("expires_on")),
            reference=values.get("reference") or None,
        )
        return Order(bill, Msisdn.parse(payer) if payer else None)
    except UnknownCurrency as problem:
        return _bad("bad_currency", problem)
    except BadAmount as problem:
        return _bad("bad_amount", problem)
    except BadMsisdn as problem:
        return _bad("bad_payer", problem)
    except ValueError as problem:
        return _bad("bad_value", problem)


def read_amount(text: str, currency: str) -> Money:
    """Read an amount; raises BadAmount also where a comma could be a point or a separator."""
    plain = to_western(text).translate(_INVISIBLE).strip()
    if "," in plain:
        if not _GROUPED.fullmatch(plain):
            raise BadAmount(f"not an amount: {text!r}; a decimal point is written as a point")
        if exponent(currency) == 3 and "." not in plain:
            raise BadAmount(f"{text!r} may mean two amounts; write it without a comma")
    return Money.parse(plain, currency)


def write_rows(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """CSV for people: UTF-8 with BOM (Excel needs it for Arabic); formulas stay plain text."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_inert(row.get(column, "")) for column in columns] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _decoded(raw: bytes) -> str | Unusable:
    if len(raw) > LARGEST_BYTES:
        return Unusable(f"the file is larger than {LARGEST_BYTES // 2**20} MiB; split it")
    if raw.startswith(_WORKBOOKS):
        return Unusable("this is a workbook, not a text file; save it as 'CSV UTF-8'")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Unusable("the text is UTF-16; save it as 'CSV UTF-8'")
    if b"\0" in raw:
        return Unusable("this is not a text file; save it as 'CSV UTF-8'")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        return Unusable(f"line {line} is not UTF-8; save the file as 'CSV UTF-8'")


def _columns(header: str, delimiter: str) -> list[str] | Unusable:
    fields = _fields(header, delimiter)
    if fields is None:
        return Unusable("the first line does not name columns")
    columns = [field.lower() for field in fields]
    missing = [column for column in REQUIRED if column not in columns]
    unknown = [column[:40] for column in columns if column not in COLUMNS]
    if missing:
        return Unusable(f"no column {', '.join(missing)} in the first line; there are: {_KNOWN}")
    if unknown:
        return Unusable(f"unknown column {', '.join(map(repr, unknown))}; there are: {_KNOWN}")
    if len(set(columns)) < len(columns):
        return Unusable("a column is named twice")
    return columns


def _values(line: str, delimiter: str, columns: Sequence[str]) -> Mapping[str, str] | BadRow:
    fields = _fields(line, delimiter)
    if fields is None:
        return BadRow("bad_row", "its quotation marks do not match, or a field is far too long")
    if len(fields) != len(columns):
        return BadRow("bad_row", f"{len(fields)} fields where the first line names {len(columns)}")
    return dict(zip(columns, fields, strict=True))


def _fields(line: str, delimiter: str) -> list[str] | None:
    try:
        [fields] = csv.reader([line], delimiter=delimiter, strict=True)
    except csv.Error:
        return None
    return [_plain(field.translate(_INVISIBLE).strip()) for field in fields]


def _inert(text: str) -> str:
    """A quote before what a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(text: str) -> str:
    """What ``_inert`` was given."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _bad(code: str, problem: ValueError) -> BadRow:
    reason = str(problem)
    return BadRow(code, reason if len(reason) <= _REASON_MAX else f"{reason[:_REASON_MAX]} ...")


def _whole(text: str) -> int:
    plain = to_western(text)
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 6):
        raise ValueError(f"not a quantity: {text!r}")
    return int(plain)


def _day(text: str | None) -> date | None:
    if not text:
        return None
    plain = to_western(text)
    if not _DAY.fullmatch(plain):
        raise ValueError(f"not a date: {text!r}; write it like 2026-11-21")
    try:
        return date.fromisoformat(plain)
    except ValueError:
        raise ValueError(f"no such day: {text!r}") from None
