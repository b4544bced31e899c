"""The books from a terminal: tables for people, JSON and CSV for programs, exit codes."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from launch.embedded import Urls
from ledger import cli
from ledger.seal import Signer
from ledger.sealer import seal_once
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.makers import book_all, fee, movement

CLEARING = "Assets:Clearing:DEMO:JOD"


class Terminal:
    """Runs commands on the test's database and keeps what they said."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    async def __call__(self, *argv: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._capture.readouterr()
        try:
            code = await asyncio.to_thread(cli.main, list(argv))
        except SystemExit as left:
            code = int(str(left.code))
        said = self._capture.readouterr()
        return code, said.out, said.err

    async def json(self, *argv: str) -> Any:
        """What a command that succeeds prints as JSON."""
        code, out, _ = await self(*argv, "--json")
        assert code == 0
        return json.loads(out)


@pytest.fixture
def terminal(
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Terminal:
    """A terminal on the test's database."""
    monkeypatch.setenv("MIZAN_DATABASE_URL", database_url)
    return Terminal(capsys)


@pytest.fixture
async def booked(database: Database) -> Database:
    """One fee in three currencies."""
    await book_all(database, [fee(f"k {each}", currency=each) for each in ("JOD", "LBP", "ILS")])
    return database


@pytest.mark.usefixtures("booked")
async def test_a_trial_balance_prints_aligned_amounts_and_totals(terminal: Terminal) -> None:
    code, out, _ = await terminal("trial-balance")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["account", "currency", "debits", "credits", "balance"]
    assert [CLEARING, "JOD", "5.400", "0.000", "5.400"] in [line.split() for line in lines]
    assert lines[-1].split() == ["total", "LBP", "5,400", "5,400", "0"]


@pytest.mark.usefixtures("booked")
async def test_a_trial_balance_as_json_has_plain_amounts(terminal: Terminal) -> None:
    found = await terminal.json("trial-balance", "--as-of", "2026-11-21")
    assert found["balanced"] is True
    assert found["as_of"] == "2026-11-21"
    assert {"currency": "ILS", "debits": "54.00", "credits": "54.00", "balance": "0.00"} in found[
        "totals"
    ]
    assert (await terminal.json("trial-balance", "--as-of", "2026-11-20"))["accounts"] == []


@pytest.mark.usefixtures("booked")
async def test_a_trial_balance_as_csv_has_one_row_per_account(terminal: Terminal) -> None:
    _, out, _ = await terminal("trial-balance", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 12
    assert sum(int(row["balance"]) for row in rows if row["currency"] == "LBP") == 0


@pytest.mark.usefixtures("booked")
async def test_a_statement_prints_opening_lines_and_closing(terminal: Terminal) -> None:
    code, out, _ = await terminal("statement", CLEARING)
    assert code == 0
    assert out.count("FEE_SUCCEEDED") == 4
    assert out.splitlines()[-1].split() == ["closing", "balance", "5.400"]
    found = await terminal.json("statement", CLEARING, "--since", "2026-11-22")
    assert (found["opening"], found["closing"], found["lines"]) == ("5.400", "5.400", [])


@pytest.mark.usefixtures("booked")
@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        (("statement", CLEARING), ("--since", "2026-11-22", "--until", "2026-11-20")),
        (("statement", CLEARING), ("--first", "3", "--position", "2")),
        (("journal",), ("--since", "2026-11-22", "--until", "2026-11-20")),
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",), ("--csv",)])
async def test_what_ends_before_it_begins_is_refused_in_words(
    terminal: Terminal, command: tuple[str, ...], wrong: tuple[str, ...], form: tuple[str, ...]
) -> None:
    code, out, err = await terminal(*command, *wrong, *form)
    assert (code, out) == (2, "")
    first, since, last, until = wrong
    said = f"{first} {since} is after {last} {until}: there is nothing between them"
    assert err == f"mizan ledger: {said}\n"


@pytest.mark.usefixtures("booked")
async def test_a_statement_cut_short_says_so(terminal: Terminal) -> None:
    code, out, err = await terminal("statement", CLEARING, "--limit", "1", "--csv")
    assert (code, len(out.splitlines())) == (0, 4)
    assert "only the first 1 lines" in err


async def test_a_statement_of_no_account_fails_with_its_name(terminal: Terminal) -> None:
    code, _, err = await terminal("statement", "Assets:Clearing:NOBODY:JOD")
    assert code == 1
    assert "Assets:Clearing:NOBODY:JOD" in err


@pytest.mark.usefixtures("booked")
@pytest.mark.parametrize("command", [("trial-balance",), ("statement", CLEARING)])
@pytest.mark.parametrize(("form", "magic"), [("pdf", b"%PDF-"), ("xlsx", b"PK")])
async def test_a_report_is_written_to_a_file(
    terminal: Terminal, tmp_path: Path, command: tuple[str, ...], form: str, magic: bytes
) -> None:
    file = tmp_path / f"a report.{form}"
    code, out, err = await terminal(*command, f"--{form}", str(file), "--language", "en")
    assert (code, err) == (0, "")
    assert out == f"{file.stat().st_size} bytes written to {file}\n"
    assert file.read_bytes().startswith(magic)


@pytest.mark.usefixtures("booked")
async def test_a_file_speaks_arabic_unless_told_otherwise(
    terminal: Terminal, tmp_path: Path
) -> None:
    for language, title in ([], "ميزان المراجعة"), (["--language", "fr"], "Balance générale"):
        file = tmp_path / "a report.xlsx"
        await terminal("trial-balance", "--xlsx", str(file), *language)
        assert openpyxl.load_workbook(file)["JOD"]["A1"].value == title


@pytest.mark.usefixtures("booked")
async def test_a_report_that_cannot_be_written_says_so(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "report.pdf"
    code, _, err = await terminal("trial-balance", "--pdf", str(file))
    assert code == 1
    assert str(file) in err


async def test_reports_stop_at_a_position_of_the_sealed_journal(
    terminal: Terminal, database: Database, keys: Keys, clock: ManualClock
) -> None:
    for key in ("first", "second"):
        await book_all(database, [fee(key)])
        await seal_once(database, Signer(keys), clock)
    then = await terminal.json("trial-balance", "--position", "1")
    assert then["totals"][0]["debits"] == "5.400"
    later = await terminal.json("statement", CLEARING, "--first", "2", "--position", "2")
    assert (later["opening"], later["closing"]) == ("5.400", "10.800")
    for command in (["trial-balance"], ["statement", CLEARING]):
        for position in "3", "10000000", str(2**63 - 1):
            code, _, err = await terminal(*command, "--position", position)
            assert code == 1
            assert "sealed up to position 2" in err


@pytest.mark.usefixtures("booked")
async def test_ageing_has_buckets_and_items(terminal: Terminal) -> None:
    found = await terminal.json("ageing", CLEARING, "--as-of", "2026-11-24")
    assert found["balance"] == "5.400"
    assert [each["items"] for each in found["buckets"]] == [0, 1, 0, 0, 0]
    assert found["items"] == [
        {"since": "2026-11-21", "days": "3", "payment": None, "amount": "5.400"}
    ]
    _, out, _ = await terminal("ageing", CLEARING, "--as-of", "2026-11-24", "--csv")
    assert out.splitlines() == ["since,days,payment,amount", "2026-11-21,3,,5.400"]
    for none in "Assets:Clearing:NOBODY:JOD", "clearing":
        code, _, err = await terminal("ageing", none)
        assert code == 1
        assert f"no account {none}" in err


@pytest.mark.usefixtures("booked")
async def test_the_journal_says_how_to_go_on(terminal: Terminal) -> None:
    _, _, err = await terminal("journal", "--limit", "2")
    after = err.split()[-1]
    found = await terminal.json("journal", "--after", after)
    assert found["next"] is None
    assert {each["key"] for each in found["postings"]} == {"k JOD"}


async def test_verify_passes_sound_books_and_names_the_row_that_was_changed(
    terminal: Terminal, booked: Database
) -> None:
    assert (await terminal("verify"))[:2] == (0, "sound: 3 transactions, 12 postings\n")
    async with booked.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        changed = await connection.fetchval(
            "UPDATE ledger.posting SET amount = 1 WHERE n = 1 RETURNING seq"
        )
    code, out, _ = await terminal("verify")
    assert code == 1
    assert out.startswith("BAD: posting")
    code, out, _ = await terminal("verify", "--json")
    assert (code, json.loads(out)["sound"]) == (1, False)
    assert changed is not None


@pytest.mark.usefixtures("booked")
async def test_an_unbalanced_trial_balance_fails(terminal: Terminal, owner: Database) -> None:
    async with owner.read() as connection:
        await connection.execute("UPDATE ledger.unsealed SET credits[1] = credits[1] + 1")
    code, _, err = await terminal("trial-balance")
    assert code == 1
    assert "do not balance" in err


@pytest.mark.usefixtures("booked")
async def test_an_export_goes_to_a_file_or_to_standard_output(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "a journal.csv"
    code, out, _ = await terminal("export", "--format", "csv", "--output", str(file))
    assert (code, out) == (0, f"3 transactions written to {file}\n")
    _, printed, _ = await terminal("export", "--format", "csv")
    assert file.read_text(encoding="utf-8") == printed
    assert len(list(csv.DictReader(io.StringIO(printed)))) == 12


async def test_free_text_cannot_become_a_formula_in_a_spreadsheet(
    terminal: Terminal, database: Database
) -> None:
    await book_all(database, [movement("=1+1", note="@SUM(A1)")])
    for command in (["journal", "--csv"], ["export", "--format", "csv"]):
        _, out, _ = await terminal(*command)
        (row,) = csv.DictReader(io.StringIO(out))
        assert row["key"] == "'=1+1"
        assert row.get("note", "'@SUM(A1)") == "'@SUM(A1)"


async def test_an_export_that_cannot_be_written_says_so(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "journal.csv"
    code, _, err = await terminal("export", "--format", "csv", "--output", str(file))
    assert code == 1
    assert str(file) in err


async def test_a_database_without_tables_or_out_of_reach_is_named_not_a_traceback(
    terminal: Terminal, servers: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, problem in [
        (servers.database_url, "not set up"),
        (servers.database_url.replace("/mizan?", "/nowhere?"), "cannot reach"),
        ("postgresql://127.0.0.1:1/nowhere", "cannot reach"),
    ]:
        monkeypatch.setenv("MIZAN_DATABASE_URL", url)
        code, _, err = await terminal("trial-balance")
        assert code == 1
        assert problem in err


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["prove"],
        ["trial-balance", "--as-of", "yesterday"],
        ["trial-balance", "--json", "--csv"],
        ["trial-balance", "--pdf", "a", "--xlsx", "b"],
        ["trial-balance", "--as-of", "2026-11-21", "--position", "1"],
        ["journal", "--pdf", "a"],
        ["statement"],
        ["statement", CLEARING, "--limit", "0"],
        ["statement", CLEARING, "--position", str(2**63)],
        ["closings", "--number", str(2**31)],
        ["approve", str(2**31)],
        ["cut", "--since", "-1"],
        ["cut", "--since", "all"],
        ["journal", "--after", "x"],
        ["export"],
        ["export", "--format", "pdf"],
    ],
)
def test_what_is_not_understood_exits_with_two(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(argv)
    assert left.value.code == 2
    assert "usage: ./mizan ledger" in capsys.readouterr().err


def test_without_a_database_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MIZAN_DATABASE_URL", raising=False)
    assert cli.main(["verify"]) == 2
    assert "MIZAN_DATABASE_URL" in capsys.readouterr().err
