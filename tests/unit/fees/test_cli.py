"""The command line: what it prints, where, and its exit codes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fees import bills, cli
from fees.bill_file import COLUMNS
from kernel import subscribers
from kernel.database import Database
from kernel.privacy import Keys

SECRET = "only-for-tests-0123456789-abcdefghijklmnop"
HEADER = "agency,service,amount,currency,reference\n"

Run = Callable[..., Coroutine[Any, Any, int]]


def command_line(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Command lines against a database, in a thread because each has an event loop of its own."""
    monkeypatch.setenv("MIZAN_DATABASE_URL", url)
    monkeypatch.delenv("MIZAN_SECRET_KEY", raising=False)

    async def command(*arguments: str) -> int:
        return await asyncio.to_thread(cli.main, list(arguments))

    return command


@pytest.fixture
def run(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands that may write: on a database of the test's own."""
    return command_line(demo_url, monkeypatch)


@pytest.fixture
def run_shared(shared_demo_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Commands that write nothing: on the database that tests share."""
    return command_line(shared_demo_url, monkeypatch)


ISSUE = ("issue", "--agency", "JO-MFA", "--service", "ATTEST-FOREIGN")


async def test_an_issued_bill_is_printed_as_json(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(*ISSUE, "--amount", "5.000", "--currency", "JOD", "--json") == 0
    bill = json.loads(capsys.readouterr().out)
    assert len(bill["control_number"]) == 12
    assert (bill["total"], bill["currency"], bill["state"]) == ("5.000", "JOD", "open")
    assert bill["names"]["ar"].startswith("وزارة الخارجية")


async def test_a_bill_is_shown_by_its_number_however_it_is_typed(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(*ISSUE, "--json")
    number = json.loads(capsys.readouterr().out)["control_number"]
    arabic = number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    assert await run("show", arabic, "--json") == 0
    assert json.loads(capsys.readouterr().out)["control_number"] == number
    assert await run("show", number) == 0
    shown = capsys.readouterr().out
    assert f"{number[:4]} {number[4:8]} {number[8:]}, open" in shown
    assert "5.000 JOD" in shown


async def test_the_same_reference_prints_the_same_bill(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = set()
    for _ in range(2):
        assert await run(*ISSUE, "--reference", "CASE-1", "--json") == 0
        numbers.add(json.loads(capsys.readouterr().out)["control_number"])
    assert len(numbers) == 1


async def test_a_late_bill_shows_its_penalty(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("issue", "--agency", "bh-gdt", "--service", "registration", "--band", "t2-5")
    assert await run(*command, "--due", "2020-01-01", "--expires", "2199-01-01") == 0
    shown = capsys.readouterr().out
    assert "penalty" in shown
    assert re.search(r"expires at  2199-01-01 \d\d:\d\d UTC\n", shown)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("issue", "--agency", "NONE", "--service", "X"), 1, "JO-CSPD"),
        (("issue", "--agency", "JO-MFA", "--service", "X"), 1, "ATTEST-FOREIGN"),
        (("issue", "--agency", "LB-GS", "--service", "PASSPORT"), 1, "YEARS-10"),
        ((*ISSUE, "--currency", "BHD"), 1, "currency_differs"),
        ((*ISSUE, "--amount", "5.0001", "--currency", "JOD"), 2, "3 decimals at most"),
        ((*ISSUE, "--amount", "5", "--currency", "XYZ"), 2, "unknown currency"),
        ((*ISSUE, "--amount", "5"), 2, "--amount needs --currency"),
        ((*ISSUE, "--payer", "+962790000000"), 2, "MIZAN_SECRET_KEY"),
        ((*ISSUE, "--due", "tomorrow"), 2, "write it like"),
        ((*ISSUE, "--band", "أ"), 2, "not a code"),
        (("show", "123456789093"), 1, "the last two check the others"),
        (("show", "123456789092"), 1, "no bill has this control number"),
        (("import", "no-such-file.csv"), 2, "No such file"),
        (("import", "."), 2, "Is a directory"),
        ((), 2, "COMMAND"),
    ],
)
async def test_what_cannot_be_done_says_why_on_stderr(
    run_shared: Run,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert await run_shared(*arguments) == code
    captured = capsys.readouterr()
    assert words in captured.err
    assert captured.out == ""


async def test_a_refusal_is_json_too(run_shared: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run_shared("show", "123456789092", "--json") == 1
    assert json.loads(capsys.readouterr().out)["refused"] == "bill_not_found"


async def test_a_payer_is_sealed_with_the_secret(
    run: Run,
    demo: Database,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MIZAN_SECRET_KEY", SECRET)
    assert await run(*ISSUE, "--payer", "+962790000000", "--json") == 0
    shown = capsys.readouterr().out
    assert "790000000" not in shown
    async with demo.read() as connection:
        bill = await bills.find(connection, json.loads(shown)["control_number"])
        assert bill is not None
        assert bill.payer is not None
        payer = await subscribers.find(connection, Keys(SECRET), bill.payer)
    assert payer is not None
    assert payer.msisdn.e164 == "+962790000000"
    assert await run(*ISSUE, "--payer", "12") == 2


async def test_an_import_tells_all_loaded_from_some_rejected_from_of_no_use(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    good, mixed, useless = tmp_path / "good.csv", tmp_path / "mixed.csv", tmp_path / "useless.csv"
    good.write_text(HEADER + "JO-CSPD,PASSPORT,,JOD,A\n", encoding="utf-8-sig")
    mixed.write_text(HEADER + "JO-CSPD,PASSPORT,,JOD,B\nJO-CSPD,NONE,,JOD,C\n", encoding="utf-8")
    useless.write_bytes(b"\0\1\2")
    assert await run("import", str(good)) == 0
    captured = capsys.readouterr()
    assert "1 bill issued, 0 rows rejected" in captured.out
    assert "1 of 1 rows" in captured.err
    assert await run("import", str(mixed)) == 1
    assert "      3  service_unknown" in capsys.readouterr().out
    assert await run("import", str(useless)) == 2
    assert "not a text file" in capsys.readouterr().err


async def test_the_same_file_again_says_that_nothing_changed(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "bills.csv"
    file.write_text(HEADER + "JO-CSPD,PASSPORT,,JOD,A\n", encoding="utf-8")
    await run("import", str(file), "--json")
    first = json.loads(capsys.readouterr().out)
    assert await run("import", str(file)) == 0
    assert "imported before" in capsys.readouterr().out
    await run("import", str(file), "--json")
    second = json.loads(capsys.readouterr().out)
    assert first["repeats"] is None
    assert second["repeats"] is not None
    assert second["issued"] == first["issued"]


async def test_control_numbers_of_an_import_are_written_to_a_file(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file, out = tmp_path / "bills.csv", tmp_path / "out.csv"
    file.write_text(HEADER + "LB-GS,CARRIER-PENALTY,,LBP,=A\n", encoding="utf-8")
    assert await run("import", str(file), "--issued", str(out)) == 0
    header, row = out.read_text(encoding="utf-8-sig").splitlines()
    assert header == "line,reference,control_number,currency,total"
    assert row.startswith("2,'=A,")
    assert row.endswith(",LBP,180000000")
    assert await run("import", str(file), "--issued", str(tmp_path)) == 2
    assert "the bills are issued" in capsys.readouterr().err


async def test_services_are_listed_with_their_codes(
    run_shared: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_shared("services", "--country", "LB") == 0
    shown = capsys.readouterr().out
    assert "LB-GS  General Directorate of General Security (LB, LBP)" in shown
    assert "[YEARS-5, YEARS-10]" in shown
    assert "JO-CSPD" not in shown
    assert await run_shared("services", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) >= 8


def test_the_help_of_import_names_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["import", "--help"]) == 0
    shown = capsys.readouterr().out
    assert [column for column in COLUMNS if column not in shown] == []


def test_without_a_database_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIZAN_DATABASE_URL", raising=False)
    assert cli.main(["show", "123456789092"]) == 2
    assert "MIZAN_DATABASE_URL" in capsys.readouterr().err
    monkeypatch.setenv("MIZAN_DATABASE_URL", "postgresql://postgres@127.0.0.1:1/none")
    assert cli.main(["show", "123456789092"]) == 2
    assert "cannot reach the database" in capsys.readouterr().err


async def test_a_database_without_tables_says_what_to_do(
    owner: Database, database_url: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    async with owner.transaction() as connection:
        await connection.execute("DROP SCHEMA fees CASCADE")
    monkeypatch.setenv("MIZAN_DATABASE_URL", database_url)
    assert await asyncio.to_thread(cli.main, ["show", "123456789092"]) == 2
    assert "./mizan migrate" in capsys.readouterr().err
