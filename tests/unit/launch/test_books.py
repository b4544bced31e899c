"""./mizan ledger as it is put together: files name things as the console does."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from fees import catalogue
from kernel.database import Database
from launch import books
from ledger import chart
from tests.unit.ledger.makers import book_all, movement

NINE = datetime(2026, 11, 21, 9, tzinfo=UTC)
CLEARING = chart.clearing("sandbox", "JOD")
SECRET = "only-for-this-test-0123456789-abcdefgh"


@pytest.mark.parametrize(
    ("secret", "language", "operator", "currency"),
    [
        (SECRET, "ar", "محفظة التجربة", "دينار أردني"),
        (SECRET, "en", "Sandbox Wallet", "Jordanian dinar"),
        ("", "en", "SANDBOX", "Jordanian dinar"),
    ],
)
async def test_files_made_in_a_terminal_name_agencies_operators_and_currencies(
    secret: str,
    language: str,
    operator: str,
    currency: str,
    database: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "DATABASE_URL": database_url,
        "REDIS_URL": "redis://unused",
        "PUBLIC_URL": "http://127.0.0.1",
        "SECRET_KEY": secret,
        "SANDBOX_URL": "http://127.0.0.1",
    }.items():
        monkeypatch.setenv(f"MIZAN_{name}", value)
    async with database.transaction() as connection:
        await catalogue.load_demo(connection, at=NINE)
    async with database.read() as connection:
        (agency, *_) = await catalogue.agencies(connection, "JO")
        (service, *_) = await catalogue.services(connection, agency.code)
    payable = chart.agency_payable(agency.code, service.code, "JOD")
    await book_all(database, [movement("k", (CLEARING, payable, 5000))])

    file = tmp_path / "statement.xlsx"
    asked = ["statement", CLEARING, "--xlsx", str(file), "--language", language]
    assert await asyncio.to_thread(books.main, asked) == 0
    sheet = openpyxl.load_workbook(file)["JOD"]
    said = "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row)
    assert agency.short_names[language] in said
    assert service.short_names[language] in said
    assert f"– {operator} {CLEARING}\n" in said
    assert currency in said
