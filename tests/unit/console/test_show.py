"""How values look: amounts, moments, periods, evidence and cells of a file."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from console import export, period, show
from console.export import Amount
from kernel.digits import to_western

AMMAN = ZoneInfo("Asia/Amman")
NUMBER = "+962790000001"


def test_amounts_keep_their_decimals_and_their_direction() -> None:
    assert show.money(1234500, "JOD") == '<bdi class="num" dir="ltr">1,234.500</bdi>'
    assert "180,000,000" in show.money(180_000_000, "LBP")
    assert "-0.500" in show.money(-500, "BHD")


def test_statements_put_negatives_in_brackets_and_nothing_as_a_dash() -> None:
    assert "(1,234.500)" in show.accounting(-1234500, "JOD")
    assert "–" in show.accounting(0, "JOD")
    assert "0.500" in show.accounting(500, "BHD")


def test_moments_are_local_with_the_exact_one_beside() -> None:
    at = datetime(2026, 11, 21, 21, 30, 5, tzinfo=UTC)
    shown = show.moment(at, AMMAN)
    assert ">2026-11-22 00:30</time>" in shown
    assert 'datetime="2026-11-22T00:30:05+03:00"' in shown
    assert show.offset(at, AMMAN) == "UTC+03:00"
    assert show.offset(at, ZoneInfo("America/St_Johns")) == "UTC-03:30"


@pytest.mark.parametrize(
    "written",
    [
        "+962790000001",
        "962790000001",
        "00962790000001",
        "0790000001",
        "790000001",
        "msisdn=%2B962790000001",
        "tel:+962790000001;ext",
    ],
)
def test_a_number_is_hidden_however_an_operator_writes_it(written: str) -> None:
    shown = show.raw_text(f'{{"party": "{written}"}}'.encode(), number=NUMBER)
    assert "7900000" not in shown
    assert "01" in shown


def test_hiding_a_number_leaves_other_figures_alone() -> None:
    text = '{"amount": "180000000", "bill": "618205934417", "at": "20261121093000"}'
    assert show.raw_text(text.encode(), number=NUMBER) == text


def test_after_a_reveal_nothing_is_hidden_but_bytes_stay_harmless() -> None:
    body = b"+962790000001 \xff\x00\x1b[2J\xe2\x80\xae"
    assert show.raw_text(body, number=None) == "+962790000001 \\xff\\x00\\x1b[2J\\u202e"


def test_headers_that_carry_credentials_are_never_shown() -> None:
    headers = {"Authorization": "Bearer canary", "X-Api-Key": "canary", "Date": "today"}
    assert show.safe_headers(headers, number=None) == [
        ("Authorization", show.HIDDEN),
        ("Date", "today"),
        ("X-Api-Key", show.HIDDEN),
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", " ="])
def test_no_text_in_a_file_can_run_in_a_spreadsheet(start: str) -> None:
    line = export.text(["a"], [[f"{start}HYPERLINK(1)"]])
    cell = line.removeprefix("a\r\n").removeprefix('"')
    assert cell.startswith("'")


def test_plain_figures_and_ordinary_texts_go_into_a_file_unchanged() -> None:
    written = export.text(["a", "b", "c"], [[Amount("-5.000"), "دائرة, «الأحوال»", None]])
    assert written == 'a,b,c\r\n-5.000,"دائرة, «الأحوال»",\r\n'


@pytest.mark.parametrize(
    ("preset", "first", "last"),
    [
        ("today", "2026-03-01", "2026-03-01"),
        ("yesterday", "2026-02-28", "2026-02-28"),
        ("7d", "2026-02-23", "2026-03-01"),
        ("30d", "2026-01-31", "2026-03-01"),
        ("month", "2026-03-01", "2026-03-01"),
        ("last_month", "2026-02-01", "2026-02-28"),
        ("12m", "2025-03-01", "2026-03-01"),
    ],
)
def test_presets_count_days_as_people_do(preset: str, first: str, last: str) -> None:
    chosen = period.of({"period": preset}, today=date(2026, 3, 1), zone="Asia/Amman", default="all")
    assert (str(chosen.first), str(chosen.last)) == (first, last)


def test_a_day_is_as_long_as_the_clocks_make_it() -> None:
    chosen = period.of(
        {"from": "2026-03-29", "to": "2026-03-29"},
        today=date(2026, 4, 1),
        zone="Asia/Beirut",
        default="all",
    )
    assert chosen.since is not None
    assert chosen.before is not None
    # The clocks went forward that night, so the day had 23 hours.
    assert (chosen.before.astimezone(UTC) - chosen.since.astimezone(UTC)).seconds == 23 * 3600


def test_dates_may_be_typed_in_arabic_digits() -> None:
    typed = "٢٠٢٦-٠٣-٠١"
    assert to_western(typed) == "2026-03-01"
    chosen = period.of({"from": typed}, today=date(2026, 4, 1), zone="UTC", default="7d")
    assert (chosen.preset, str(chosen.first), chosen.last) == ("between", "2026-03-01", None)
