"""The audit: strangers' programs add up the journal, and must be able to refuse it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from kernel.database import Database
from launch.home import ROOT
from ledger.audit import PROGRAMS, Difference, audit
from ledger.rules.page import markdown
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.makers import book_all, fee
from tests.unit.ledger.test_ledger_cli import Terminal, terminal

__all__ = ["terminal"]

HERE = {name: each for name, each in PROGRAMS.items() if each.is_installed()}
every_program = pytest.mark.parametrize("name", HERE)
CHANGE_A_POSTING = """
UPDATE ledger.posting SET amount = amount + 1
WHERE n = 1 AND seq = (SELECT min(seq) FROM ledger.posting)
"""


@pytest.fixture
async def booked(database: Database) -> Database:
    """Fees with three, no and two decimals."""
    await book_all(database, [fee(f"k {each}", currency=each) for each in ("JOD", "LBP", "ILS")])
    return database


def test_beancount_always_judges() -> None:
    assert "beancount" in HERE


@every_program
async def test_a_program_computes_our_balances_and_notices_one_minor_unit(
    name: str, booked: Database
) -> None:
    async with booked.read() as connection:
        found = await audit(connection, {name: HERE[name]})
    opinion = found.opinions[name]
    assert opinion is not None
    assert (opinion.refusal, opinion.differences, opinion.noticed) == ("", (), True)
    assert opinion.accounts == 12
    assert found.is_sound
    assert found.transactions == 3


@every_program
async def test_a_damaged_posting_is_refused(name: str, booked: Database, owner: Database) -> None:
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(CHANGE_A_POSTING)
    async with booked.read() as connection:
        found = await audit(connection, {name: HERE[name]})
    opinion = found.opinions[name]
    assert not found.is_sound
    assert opinion is not None
    assert "Assets:Clearing:DEMO:JOD" in opinion.refusal


@every_program
async def test_an_empty_journal_has_nothing_to_change(name: str, database: Database) -> None:
    async with database.read() as connection:
        found = await audit(connection, {name: HERE[name]})
    opinion = found.opinions[name]
    assert found.is_sound
    assert opinion is not None
    assert opinion.noticed is None


async def test_a_program_that_accepts_anything_is_no_judge(booked: Database) -> None:
    kind = replace(HERE["beancount"], check=lambda _: [sys.executable, "-c", ""])
    async with booked.read() as connection:
        found = await audit(connection, {"beancount": kind})
    opinion = found.opinions["beancount"]
    assert opinion is not None
    assert (opinion.differences, opinion.noticed) == ((), False)
    assert not found.is_sound


async def test_a_program_that_computes_another_balance_is_heard(booked: Database) -> None:
    path = "Assets:Clearing:DEMO:JOD"
    odd = replace(
        HERE["beancount"],
        read=lambda out: (
            HERE["beancount"].read(out) | {path: Decimal("5.401"), "Nobody": Decimal(1)}
        ),
    )
    async with booked.read() as connection:
        found = await audit(connection, {"beancount": odd})
    opinion = found.opinions["beancount"]
    assert opinion is not None
    assert opinion.differences == (
        Difference(path, Decimal("5.400"), Decimal("5.401")),
        Difference("Nobody", None, Decimal(1)),
    )
    assert not found.is_sound


async def test_without_any_program_nothing_is_audited(booked: Database) -> None:
    missing = replace(HERE["beancount"], is_installed=lambda: False)
    async with booked.read() as connection:
        found = await audit(connection, {"beancount": missing})
    assert (found.opinions["beancount"], found.is_sound) == (None, False)


@pytest.mark.usefixtures("booked")
async def test_the_command_says_what_each_program_found(terminal: Terminal) -> None:
    code, out, _ = await terminal("audit")
    assert code == 0
    assert out.startswith("3 transactions\n")
    for name in HERE:
        assert f"{name}: accepts the journal, 12 accounts\n" in out
        assert f"{name}: computes every balance as ours\n" in out
        assert f"{name}: refuses it with one posting changed by one minor unit\n" in out
    told = await terminal.json("audit")
    assert told["sound"]
    assert told["programs"]["beancount"]["noticed"] is True


@pytest.mark.usefixtures("booked")
async def test_the_command_fails_when_a_posting_is_damaged(
    terminal: Terminal, owner: Database
) -> None:
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(CHANGE_A_POSTING)
    code, out, _ = await terminal("audit")
    assert code == 1
    assert "beancount: REFUSES the journal: " in out


def test_the_page_of_rules_needs_no_database(tmp_path: Path) -> None:
    asked = [sys.executable, "manage.py", "ledger", "rules", "--markdown"]
    done = subprocess.run(
        asked,
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MIZAN_HOME": str(tmp_path)},
        check=True,
    )
    assert done.stdout == markdown()
    assert list(tmp_path.iterdir()) == []
