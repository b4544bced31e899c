"""Closing, reopening and cutting from a terminal."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger import cli
from ledger.period_commands import ClosingDesk
from ledger.seal import Signer
from ledger.sealer import seal_once
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.makers import CASH, MORNING, OPENING, book_all, fee, movement

DAY = timedelta(days=1)
SUSPENSE = "Liabilities:Suspense:LateSuccess:DEMO:JOD"


class Till:
    """Runs commands on the test's database at the clock's time, with patience for the sealer."""

    def __init__(self, clock: ManualClock, capture: pytest.CaptureFixture[str]) -> None:
        self._clock = clock
        self._capture = capture

    async def __call__(self, *argv: str, patience_s: float = 0.0) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._capture.readouterr()
        desk = ClosingDesk(clock=self._clock, patience_s=patience_s)
        code = await asyncio.to_thread(cli.main, list(argv), desk)
        said = self._capture.readouterr()
        return code, said.out, said.err

    async def json(self, *argv: str) -> Any:
        """What a command that succeeds prints as JSON."""
        code, out, err = await self(*argv, "--json")
        assert code == 0, (out, err)
        return json.loads(out)


@pytest.fixture
def till(
    database_url: str,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Till:
    """A terminal on the test's database."""
    monkeypatch.setenv("MIZAN_DATABASE_URL", database_url)
    return Till(clock, capsys)


@pytest.fixture
def signer(keys: Keys) -> Signer:
    """The test installation's signer."""
    return Signer(keys)


NAMELESS = """
import os, sys
from ledger import cli
os.setuid(54321)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_user_whom_the_system_cannot_name_may_use_the_commands() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NAMELESS, "closings"],
        env={"PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "mizan ledger: MIZAN_DATABASE_URL is not set\n")


async def test_a_closing_needs_a_name(till: Till) -> None:
    code, _, err = await till("close", "day", "--by", "")
    assert (code, err) == (1, "mizan ledger: Who does it must be named.\n")


async def test_a_day_is_closed_listed_and_shown(till: Till) -> None:
    made = await till.json("close", "day", "--by", "Amal")
    assert (made["until"], made["by"], made["number"]) == ("2026-11-20", "Amal", 1)
    listed = await till.json("closings")
    assert listed["locked_until"] == "2026-11-20"
    assert [each["hash"] for each in listed["closings"]] == [made["hash"]]
    code, out, _ = await till("closings", "--number", "1")
    assert code == 0
    assert out.startswith("mizan-closing-v1\nnumber 1\nday until 2026-11-20\n")
    assert (await till("closings"))[1].split() == ["1", "day", "2026-11-20", "Amal"]
    assert (await till("closings", "--number", "2"))[0] == 1


async def test_a_month_is_the_last_one_that_is_over(till: Till) -> None:
    assert (await till.json("close", "month", "--by", "Amal"))["until"] == "2026-10-31"


async def test_a_refused_closing_says_why_and_what_is_open(till: Till, database: Database) -> None:
    assert await till("close", "day", "--until", "2026-11-21") == (
        1, "", "mizan ledger: That day is not over yet everywhere.\n",
    )  # fmt: skip
    await book_all(database, [movement("s", (CASH, SUSPENSE, 5), occurred_at=MORNING - 2 * DAY)])
    code, out, err = await till("close", "day", "--json")
    told = json.loads(out)
    assert (code, told["refused"], told["detail"]) == (1, "open_items", "unsealed, suspense")
    assert "settle it, or accept it" in err
    code, out, _ = await till("close", "day")
    assert f"1 × {SUSPENSE} -0.005 JOD, since 2026-11-19" in out


async def test_open_items_are_accepted_by_name(till: Till, database: Database) -> None:
    await book_all(database, [movement("s", (CASH, SUSPENSE, 5), occurred_at=MORNING - DAY)])
    accepted = ("--accept", "suspense=with the operator", "--accept", "unsealed=no sealer here")
    made = await till.json("close", "day", *accepted)
    reasons = {each["name"]: each["accepted"] for each in made["checks"]}
    assert reasons["suspense"] == "with the operator"
    with pytest.raises(SystemExit):
        await till("close", "day", "--accept", "suspense")


async def test_a_closing_waits_for_the_sealer(
    till: Till, database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [movement("a", occurred_at=MORNING - DAY)])
    closing = asyncio.create_task(till("close", "day", patience_s=20))
    await asyncio.sleep(0.5)
    assert not closing.done()
    await seal_once(database, signer, clock)
    assert (await closing)[0] == 0


async def test_a_month_carries_its_results_before_it_is_closed(
    till: Till, database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [fee("k", occurred_at=MORNING - 30 * DAY)])
    await seal_once(database, signer, clock)
    asked = ("close", "month", "--to-retained-earnings", "--by", "Amal", "--json")
    closing = asyncio.create_task(till(*asked, patience_s=20))
    while not closing.done():
        await seal_once(database, signer, clock)
        await asyncio.sleep(0.05)
    code, out, err = await closing
    assert code == 0, err
    assert json.loads(out)["position"] == 2
    shown = (await till("closings", "--number", "1"))[1]
    assert "Equity:RetainedEarnings:JOD 0 250 -250" in shown
    assert "Income:ServiceFee:JOD 250 250 0" in shown


async def test_two_people_reopen_and_closing_again_tells_what_changed(
    till: Till, database: Database, signer: Signer, clock: ManualClock
) -> None:
    await till.json("close", "day", "--by", "Amal")
    asked = await till.json("reopen", "--by", "Amal", "--reason", "a deposit was forgotten")
    code, out, _ = await till("closings")
    assert "request 1 by Amal: reopen 1: a deposit was forgotten" in out
    code, _, err = await till("approve", str(asked["request"]), "--by", "Amal")
    assert (code, err) == (1, "mizan ledger: Whoever asked cannot be the one who agrees.\n")
    opened = await till.json("approve", str(asked["request"]), "--by", "Basim")
    assert opened == {"reopened": 1, "locked_until": None}
    await book_all(database, [movement("forgotten", occurred_at=MORNING - DAY)])
    await seal_once(database, signer, clock)
    again = await till.json("close", "day", "--by", "Amal")
    assert again["changes"] == [
        {"account": CASH, "then": "0.000", "now": "1.000"},
        {"account": OPENING, "then": "0.000", "now": "-1.000"},
    ]
    first = (await till.json("closings"))["closings"][1]
    assert first["reopened"]["approved_by"] == "Basim"


async def test_a_closed_day_that_was_tampered_with_is_told(till: Till, database_url: str) -> None:
    import asyncpg

    await till.json("close", "day", "--by", "Amal")
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(ALL_RIGHTS)
            await connection.execute("UPDATE ledger.closing SET snapshot = snapshot || 'x'")
            await connection.execute("UPDATE ledger.closing SET snapshot = rtrim(snapshot, 'x')")
            await connection.execute(
                "UPDATE ledger.closing SET snapshot = snapshot || $1", f"{CASH} 7 0 7\n"
            )
    finally:
        await connection.close()
    code, _, err = await till("closings", "--number", "1")
    assert code == 1
    assert f"not so any more: {CASH} 0.007 JOD -> 0.000 JOD" in err


async def test_a_cut_prints_turnovers_of_a_prefix(
    till: Till, database: Database, signer: Signer, clock: ManualClock
) -> None:
    await book_all(database, [fee("a"), fee("b"), fee("c")])
    await seal_once(database, signer, clock)
    asked = ("cut", "--since", "1", "--account-prefix", "Liabilities:Agency")
    assert await till.json(*asked) == {
        "since": 1,
        "until": 3,
        "transactions": 2,
        "accounts": [
            {
                "account": "Liabilities:Agency:ROADS:LICENCE:JOD",
                "currency": "JOD",
                "debits": "0.000",
                "credits": "10.100",
                "balance": "-10.100",
            }
        ],
    }
    _, out, _ = await till(*asked, "--csv")
    assert out.splitlines()[1] == "Liabilities:Agency:ROADS:LICENCE:JOD,JOD,0.000,10.100,-10.100"
    assert (await till(*asked))[1].startswith("positions 2 to 3: 2 transactions\n")
    code, _, err = await till("cut", "--since", "9")
    assert (code, err) == (
        1, "mizan ledger: positions 10 to 3: the sealed journal ends at 3\n",
    )  # fmt: skip
