"""CSV of bills: what is read, what is refused and with which words."""

from __future__ import annotations

import pytest

from fees.bill_file import (
    COLUMNS,
    LARGEST_BYTES,
    MOST_ROWS,
    BadRow,
    Line,
    Order,
    Unusable,
    order_of,
    read_amount,
    read_lines,
    write_rows,
)
from kernel.money import BadAmount, Money

HEADER = "agency,service,amount,currency"
ROW = "JO-CSPD,PASSPORT,5.000,JOD"


def lines(text: str, encoding: str = "utf-8") -> list[Line]:
    read = read_lines(text.encode(encoding))
    assert isinstance(read, list), read
    return read


def order(**values: str) -> Order | BadRow:
    row = {"agency": "JO-CSPD", "service": "PASSPORT", "amount": "5.000", "currency": "JOD"}
    return order_of(row | values)


def reason(raw: bytes) -> str:
    read = read_lines(raw)
    assert isinstance(read, Unusable)
    return read.reason


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER}\r{ROW}",
        f"\ufeff{HEADER}\n{ROW}",
        f"{HEADER};reference\n{ROW};".replace(",", ";").removesuffix(";") + ";",
        f"{HEADER}\n{ROW}".replace(",", "\t"),
        "Currency , AMOUNT,service,agency\nJOD,5.000,PASSPORT,JO-CSPD",
        f'{HEADER}\n"JO-CSPD","PASSPORT","5.000","JOD"\n\n,,,\n'.replace(",,,\n", ""),
    ],
)
def test_the_usual_shapes_of_csv_are_read(text: str) -> None:
    [line] = lines(text)
    assert isinstance(line.values, dict)
    read = order_of(line.values)
    assert isinstance(read, Order)
    assert (read.bill.agency, read.bill.service) == ("JO-CSPD", "PASSPORT")
    assert read.bill.amount == Money(5000, "JOD")
    assert read.bill.assessed


def test_lines_keep_their_numbers_across_empty_ones() -> None:
    assert [line.number for line in lines(f"{HEADER}\n\n{ROW}\n\n\n{ROW}\n")] == [3, 6]


def test_a_stray_quote_spoils_only_its_own_line() -> None:
    first, second = lines(f'{HEADER}\nJO-CSPD,"PASSPORT,5.000,JOD\n{ROW}\n')
    assert first.values == BadRow(
        "bad_row", "its quotation marks do not match, or a field is far too long"
    )
    assert isinstance(second.values, dict)


@pytest.mark.parametrize("row", ["JO-CSPD,PASSPORT,5.000", f"{ROW},JOD"])
def test_a_line_with_too_few_or_too_many_fields_is_bad(row: str) -> None:
    [line] = lines(f"{HEADER}\n{row}")
    assert isinstance(line.values, BadRow)
    assert "fields where the first line names 4" in line.values.reason


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "the file is empty"),
        (HEADER.encode(), "a header and no rows"),
        (b"PK\x03\x04 a workbook", "workbook"),
        (b"\xd0\xcf\x11\xe0 an older one", "workbook"),
        (f"{HEADER}\n{ROW}".encode("utf-16"), "UTF-16"),
        (b"\x7fELF\0\0", "not a text file"),
        (f"{HEADER}\nJO-CSPD,جواز,5.000,JOD".encode("cp1256"), "line 2 is not UTF-8"),
        (b"agency,service,amount\nx,y,1", "no column currency"),
        (f"{HEADER},colour\n{ROW},red".encode(), "unknown column 'colour'"),
        (f"{HEADER},agency\n{ROW},JO-CSPD".encode(), "named twice"),
        (b'agency,"service\n1', "does not name columns"),
        (b"\n".join([HEADER.encode()] + [b"x"] * (MOST_ROWS + 1)), "split the file"),
        (b"x" * (LARGEST_BYTES + 1), "larger than 16 MiB"),
    ],
)
def test_a_file_of_no_use_is_refused_with_what_to_do(raw: bytes, words: str) -> None:
    assert words in reason(raw)


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [
        ("JOD", "12.500", 12500),
        ("JOD", "١٢٫٥٠٠", 12500),
        ("JOD", "١٢.٥", 12500),
        ("JOD", "\u200f۱۲٫۵۰۰\u200f", 12500),
        ("BHD", "0.500", 500),
        ("LBP", "180000000", 180000000),
        ("LBP", "180,000,000", 180000000),
        ("LBP", "١٨٠٬٠٠٠٬٠٠٠", 180000000),
        ("SYP", "20,107", 2010700),
        ("SYP", "20107.00", 2010700),
        ("JOD", "1,234.500", 1234500),
        ("ILS", "210", 21000),
    ],
)
def test_amounts_are_read_exactly(currency: str, text: str, minor: int) -> None:
    assert read_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("JOD", "5.0001"),
        ("JOD", "12,500"),
        ("ILS", "12,50"),
        ("LBP", "180000000.5"),
        ("LBP", "18,00,00,000"),
        ("ILS", "0.001"),
        ("JOD", "NaN"),
        ("JOD", "1e3"),
        ("JOD", "5 JOD"),
        ("JOD", "=5"),
        ("JOD", "+5"),
        ("JOD", "--5"),
        ("JOD", "9" * 30),
        ("JOD", "٥٫٥٫٥"),
    ],
)
def test_what_is_no_amount_of_its_currency_is_refused(currency: str, text: str) -> None:
    with pytest.raises(BadAmount):
        read_amount(text, currency)


def test_every_column_is_read_into_the_order() -> None:
    read = order(
        reference="ملف ٧", payer="+962 79 000 0000", quantity="٣", band="first",
        due_on="٢٠٢٦-١٢-٠١",        expires_on="2027-01-01", agency="jo-cspd",
    )  # fmt: skip
    assert isinstance(read, Order)
    assert read.payer is not None
    assert read.payer.e164 == "+962790000000"
    bill = read.bill
    assert (bill.agency, bill.band, bill.quantity) == ("JO-CSPD", "FIRST", 3)
    assert (str(bill.due_on), str(bill.expires_on)) == ("2026-12-01", "2027-01-01")
    assert bill.reference == "ملف ٧"


def test_an_empty_amount_means_the_tariffs_price() -> None:
    read = order(amount="")
    assert isinstance(read, Order)
    assert read.bill.amount is None
    assert not read.bill.assessed
    assert read.bill.currency == "JOD"


@pytest.mark.parametrize(
    ("values", "code", "words"),
    [
        ({"currency": "XXX"}, "bad_currency", "unknown currency"),
        ({"amount": "5.0001"}, "bad_amount", "3 decimals at most"),
        ({"amount": "=1+1"}, "bad_amount", "not an amount"),
        ({"payer": "12"}, "bad_payer", "not a phone number"),
        ({"quantity": "two"}, "bad_value", "not a quantity"),
        ({"quantity": "-1"}, "bad_value", "not a quantity"),
        ({"due_on": "1/12/2026"}, "bad_value", "write it like 2026-11-21"),
        ({"due_on": "2026-02-30"}, "bad_value", "no such day"),
        ({"due_on": "20261201"}, "bad_value", "write it like 2026-11-21"),
    ],
)
def test_a_bad_value_is_named(values: dict[str, str], code: str, words: str) -> None:
    read = order(**values)
    assert isinstance(read, BadRow)
    assert read.code == code
    assert words in read.reason


def test_a_reason_stays_short_and_never_shows_a_number_to_bill() -> None:
    long = order(amount="9" * 5000)
    assert isinstance(long, BadRow)
    assert len(long.reason) < 200
    payer = order(payer="+96279000000099999")
    assert isinstance(payer, BadRow)
    assert "79000" not in payer.reason


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1", "@SUM(A1)", "'=x", "''", "=x,y", 'a"b', "سطر", "plain"]
)
def test_formula_looking_text_is_inert_on_paper_and_unchanged_when_read_back(text: str) -> None:
    row = {"agency": "A", "service": "S", "amount": "1", "currency": "JOD", "reference": text}
    raw = write_rows(COLUMNS, [row])
    assert raw.startswith(b"\xef\xbb\xbf")
    cell = raw.decode("utf-8-sig").splitlines()[1].split(",", 4)[4].lstrip('"')
    assert not cell.startswith(("=", "+", "-", "@"))
    [line] = lines(raw.decode("utf-8"))
    assert isinstance(line.values, dict)
    assert line.values["reference"] == text
