"""Exports against the programs that read them: beancount and hledger add everything up again.

Each must accept our journal with zero tolerance, and refuse it when one amount is off by one minor
unit. bean-check always runs; hledger runs where it is installed; the run says so where it is not.
"""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from kernel.database import Database
from kernel.money import Money
from ledger import reports, rules
from ledger.chart import Account
from ledger.export import export
from ledger.journal import Transaction
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.makers import IDS, MORNING, amount, book_all

CURRENCIES = ("JOD", "ILS", "LBP")
"""Three, two and no decimals."""


class Verdict(NamedTuple):
    """What a program said of a file."""

    accepted: bool
    said: str


def bean_check(file: Path) -> Verdict:
    """beancount from its wheel."""
    return _run([sys.executable, "-m", "beancount.scripts.check", "--no-cache", str(file)])


def hledger(file: Path) -> Verdict:
    """hledger, strict, with dates in order."""
    return _run(["hledger", "-f", str(file), "check", "--strict", "ordereddates"])


def _run(command: list[str]) -> Verdict:
    # hledger reads Arabic notes only in a UTF-8 locale.
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    return Verdict(done.returncode == 0, done.stdout + done.stderr)


PROGRAMS: dict[str, Callable[[Path], Verdict]] = {"beancount": bean_check}
if shutil.which("hledger"):
    PROGRAMS["hledger"] = hledger

every_program = pytest.mark.parametrize("program", PROGRAMS)
every_currency = pytest.mark.parametrize("currency", CURRENCIES)


NOTE = 'دفعة "رسم"؛ رخصة | a; b, c \\ (d) #x ^y {z}'


def every_rule(currency: str) -> list[Transaction]:
    """One entry of each rule but the reversal, with awkward notes and days out of order."""

    def money(**changes: Any) -> dict[str, Any]:
        return amount(5400, currency, key=f"{currency} {IDS.new()}; a, b", note=NOTE, **changes)

    def parts(**changes: Any) -> dict[str, Any]:
        minor = {"principal": 4711, "stamp": 100, "penalty": 50, "service_fee": 539}
        minor["agency_fee"] = 20
        facts = {part: Money(value, currency) for part, value in minor.items()}
        facts |= money(agency="roads", service="licence", reference=IDS.new(), **changes)
        del facts["amount"]
        return facts

    return [
        rules.fee_succeeded(**parts(occurred_at=MORNING.replace(day=3))),
        rules.late_success(**money(occurred_at=MORNING.replace(day=2))),
        rules.late_accept(**parts()),
        rules.late_refund(**money()),
        rules.duplicate(**money()),
        rules.duplicate_refund(**money()),
        rules.overpayment(**parts(), paid=Money(6000, currency)),
        rules.overpayment_refund(**money()),
        rules.refund_full(**parts()),
        rules.refund_confirmed(**money()),
        rules.refund_rejected(**money()),
    ]


@pytest.fixture
async def booked(database: Database) -> Database:
    """Every rule in every kind of currency, and one reversal in each."""
    for currency in CURRENCIES:
        entries = every_rule(currency)
        await book_all(database, entries)
        undo = rules.reversal(entries[0], id=IDS.new(), key=f"u {currency}", occurred_at=MORNING)
        await book_all(database, [undo])
    return database


async def exported(database: Database, program: str) -> str:
    """The whole file."""
    written: list[str] = []
    async with database.read() as connection:
        await export(connection, program, written.append)
    return "".join(written)


def judged(program: str, text: str, folder: Path) -> Verdict:
    """What the program says of a text."""
    file = folder / f"journal.{program}"
    file.write_text(text, encoding="utf-8")
    return PROGRAMS[program](file)


def closing_line(program: str, account: Account, balance: Money) -> str:
    """How a file claims a closing balance."""
    if program == "beancount":
        return f"balance {account.path}  {balance.plain()} ~ 0 {account.currency}\n"
    nothing = Money(0, account.currency).plain()
    amount, claimed = (f"{account.currency} {text}" for text in (nothing, balance.plain()))
    return f"    {account.path}  {amount} = {claimed}\n"


@every_program
async def test_the_journal_of_every_rule_in_every_kind_of_currency_is_accepted(
    program: str, booked: Database, tmp_path: Path
) -> None:
    text = await exported(booked, program)
    assert text.count("FEE_SUCCEEDED") == len(CURRENCIES)
    assert judged(program, text, tmp_path) == Verdict(True, "")


@every_program
async def test_an_empty_journal_is_accepted(
    program: str, database: Database, tmp_path: Path
) -> None:
    assert judged(program, await exported(database, program), tmp_path).accepted


@every_program
async def test_one_side_changed_by_one_minor_unit_is_refused(
    program: str, booked: Database, tmp_path: Path
) -> None:
    """Even without closing balances: neither program tolerates a thing inside a transaction."""
    text, _, _ = (await exported(booked, program)).rpartition("\n\n")
    assert judged(program, text, tmp_path).accepted
    for currency in CURRENCIES:
        right, wrong = (Money(minor, currency).plain() for minor in (4711, 4712))
        doctored = text.replace(f"-{right}", f"-{wrong}", 1)
        assert doctored != text
        assert not judged(program, doctored, tmp_path).accepted, currency


@every_program
async def test_a_whole_posting_changed_by_one_minor_unit_is_refused(
    program: str, booked: Database, tmp_path: Path
) -> None:
    """It still balances, so only the closing balances can give it away."""
    text = await exported(booked, program)
    for currency in CURRENCIES:
        right, wrong = (Money(minor, currency).plain() for minor in (4711, 4712))
        doctored = text.replace(right, wrong, 2)
        assert doctored.count(wrong) == 2
        assert not judged(program, doctored, tmp_path).accepted, currency


@every_program
async def test_a_posting_changed_in_the_database_by_one_minor_unit_is_refused(
    program: str, booked: Database, tmp_path: Path
) -> None:
    """The closing balances that we gave out before the change no longer come out."""
    closing = (await exported(booked, program)).partition("losing balances by Mizan")[2]
    async with booked.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(
            "UPDATE ledger.posting SET amount = amount + 1"
            " WHERE ctid = (SELECT min(ctid) FROM ledger.posting)"
        )
    changed, mark, _ = (await exported(booked, program)).partition("losing balances by Mizan")
    assert not judged(program, changed + mark + closing, tmp_path).accepted


@every_program
async def test_a_closing_balance_changed_by_one_minor_unit_is_refused(
    program: str, booked: Database, tmp_path: Path
) -> None:
    text = await exported(booked, program)
    async with booked.read() as connection:
        trial = await reports.trial_balance(connection)
    for account, turnover in trial.accounts.items():
        off = Money(turnover.balance.minor + 1, account.currency)
        doctored = text.replace(
            closing_line(program, account, turnover.balance), closing_line(program, account, off)
        )
        assert doctored != text
        assert not judged(program, doctored, tmp_path).accepted, account.path


async def test_the_csv_adds_up_to_the_trial_balance(booked: Database) -> None:
    sums: Counter[str] = Counter()
    for row in csv.DictReader(io.StringIO(await exported(booked, "csv"))):
        minor = Money.parse(row["amount"], row["currency"]).minor
        sums[row["debit"]] += minor
        sums[row["credit"]] -= minor
    async with booked.read() as connection:
        trial = await reports.trial_balance(connection)
    assert sums == {each.path: turn.balance.minor for each, turn in trial.accounts.items()}
