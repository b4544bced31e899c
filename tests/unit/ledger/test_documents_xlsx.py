"""Reports as spreadsheets, read back with a library that did not write them."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from ledger.documents import compose
from ledger.documents.document import Document
from ledger.documents.files import Form, render
from tests.unit.ledger.makers import MORNING
from tests.unit.ledger.papers import maker, statement, trial_balance


def sheets(document: Document, *, values: bool = False) -> dict[str, Worksheet]:
    """Sheets by name: with formulas, or with the values these had when the file was written."""
    content = io.BytesIO(render(document, Form.XLSX))
    return {sheet.title: sheet for sheet in openpyxl.load_workbook(content, data_only=values)}


def written(document: Document, sheet: int = 1) -> str:
    """The XML of a sheet."""
    content = io.BytesIO(render(document, Form.XLSX))
    with zipfile.ZipFile(content) as archive:
        return archive.read(f"xl/worksheets/sheet{sheet}.xml").decode()


def row_of(sheet: Worksheet, text: str) -> list[object]:
    """The row in which a cell says just that."""
    for row in sheet.iter_rows():
        if any(cell.value == text for cell in row):
            return [cell.value for cell in row]
    raise AssertionError(f"no row with {text}")


def test_each_currency_has_a_sheet_with_its_decimals() -> None:
    document = compose.trial_balance(trial_balance(("JOD", 12500), ("LBP", 180000000)), maker("en"))
    found = sheets(document)
    assert list(found) == ["JOD", "LBP"]
    formats = {
        name: {
            cell.number_format for row in sheet.iter_rows() for cell in row if cell.value == most
        }
        for (name, sheet), most in zip(found.items(), (12.5, 180000000), strict=True)
    }
    assert formats == {"JOD": {"#,##0.000"}, "LBP": {"#,##0"}}


def test_amounts_are_written_with_every_minor_unit() -> None:
    found = trial_balance(("JOD", 999_999_999_999_999), ("LBP", 123456789))
    document = compose.trial_balance(found, maker("en"))
    assert "<v>999999999999.999</v>" in written(document, 1)
    assert "<v>123456789</v>" in written(document, 2)


def test_amounts_beyond_what_spreadsheets_keep_are_text_and_nothing_is_added_up() -> None:
    document = compose.trial_balance(trial_balance(("JOD", 10**15 + 1)), maker("en"))
    assert "<f>" not in written(document)
    assert "1,000,000,000,000.001" in row_of(sheets(document)["JOD"], "Total")


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
def test_totals_are_formulas_that_hold_their_value(language: str) -> None:
    say = maker(language).say
    document = compose.statement(statement(5000, -1250, 180), maker(language))
    formulas, values = sheets(document)["JOD"], sheets(document, values=True)["JOD"]
    *_, debits, credits, _ = row_of(formulas, say("turnover"))
    assert re.fullmatch(r"=ROUND\(SUM\(F9:F11\),3\)", str(debits))
    assert re.fullmatch(r"=ROUND\(SUM\(G9:G11\),3\)", str(credits))
    assert row_of(formulas, say("closing"))[-1] == "=ROUND(H8+SUM(F9:F11)-SUM(G9:G11),3)"
    assert row_of(values, say("turnover"))[-3:-1] == [5.18, 1.25]
    assert row_of(values, say("closing"))[-1] == 4.93
    assert row_of(values, say("opening"))[-1] == 1


def test_the_cells_that_formulas_name_hold_the_lines() -> None:
    sheet = sheets(compose.statement(statement(5000, -1250, 180), maker("en")), values=True)["JOD"]
    assert [sheet[f"F{row}"].value for row in (8, 9, 10, 11)] == [None, 5, None, 0.18]
    assert [sheet[f"G{row}"].value for row in (9, 10, 11)] == [None, 1.25, None]
    assert [sheet[f"H{row}"].value for row in (8, 9, 10, 11)] == [1, 6, 4.75, 4.93]


def test_a_statement_without_lines_has_values_and_no_formula_over_nothing() -> None:
    document = compose.statement(statement(), maker("en"))
    assert "<f>" not in written(document)
    assert row_of(sheets(document)["JOD"], "Closing balance")[-1] == 1


def test_a_statement_cut_short_does_not_pretend_that_its_lines_add_up() -> None:
    document = compose.statement(statement(5000, is_complete=False), maker("en"))
    assert "<f>" not in written(document)


def test_arabic_sheets_run_from_the_right() -> None:
    for language, is_rtl in (("ar", True), ("en", False), ("fr", False)):
        sheet = sheets(compose.statement(statement(5000), maker(language)))["JOD"]
        assert bool(sheet.sheet_view.rightToLeft) is is_rtl


def test_headings_stay_in_sight_and_come_again_on_paper() -> None:
    document = compose.statement(statement(5000), maker("en"))
    sheet = sheets(document)["JOD"]
    assert sheet.freeze_panes == "B8"
    assert sheet["B7"].value == "Entry"
    assert sheet.print_title_rows == "$7:$7"
    assert "<oddFooter>&amp;C&amp;P / &amp;N</oddFooter>" in written(document)


def test_days_are_days_and_codes_have_a_column() -> None:
    sheet = sheets(compose.statement(statement(5000), maker("ar")))["JOD"]
    assert sheet["A9"].value == datetime(2026, 11, 1)  # noqa: DTZ001  # a day in a cell has no zone
    assert sheet["A9"].number_format == "yyyy-mm-dd"
    assert sheet["E9"].value == "Liabilities:Agency:ROADS:LICENCE:JOD"
    assert sheet["D9"].value == "مستحق للجهة – إدارة الطرق (تجديد)"


def test_a_name_that_looks_like_a_formula_is_a_name() -> None:
    by = maker("en")
    document = compose.statement(
        statement(5000),
        compose.Maker(language="en", at=by.at, zone=by.zone, account=lambda _: "=1+1"),
    )
    sheet = sheets(document)["JOD"]
    assert sheet["D9"].value == "=1+1"
    assert sheet["D9"].data_type == "s"


def test_a_file_says_when_it_was_made_by_the_clock_it_was_given() -> None:
    content = io.BytesIO(render(compose.statement(statement(5000), maker("en")), Form.XLSX))
    assert openpyxl.load_workbook(content).properties.created == MORNING.replace(tzinfo=None)


def test_books_with_nothing_in_them_are_a_sheet_with_a_title() -> None:
    (sheet,) = sheets(compose.trial_balance(trial_balance(), maker("en"))).values()
    assert sheet["A1"].value == "Trial balance"
