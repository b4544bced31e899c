"""The books under the eyes of others: beancount and hledger add up the exported journal themselves.

Each must accept it, compute every balance that we say, and refuse it when a single posting is off
by one minor unit: a judge who lets that pass has judged nothing.
"""

from __future__ import annotations

import asyncio
import csv
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

from kernel.database import Connection
from kernel.sql import package_sql
from ledger import reports
from ledger.export import export

SQL = package_sql(__file__)

_LEG = re.compile(r"^( +\S+  (?:[A-Z]{3} )?-?)(\d+(?:\.\d+)?)( [A-Z]{3})?$")
"""A line of a posting: what stands before the digits, the digits, what stands behind."""

_BEANCOUNT_SUMS: Final = """
import json, sys
from beancount import loader
from beancount.core.data import Transaction
entries, _, _ = loader.load_file(sys.argv[1])
sums = {}
for entry in entries:
    if isinstance(entry, Transaction):
        for each in entry.postings:
            sums[each.account] = sums.get(each.account, 0) + each.units.number
print(json.dumps({account: str(each) for account, each in sums.items()}))
"""
"""Run apart, as bean-check is: beancount parses and books, this adds up what came out."""


@dataclass(frozen=True, slots=True)
class Program:
    """A bookkeeping program: is it here, and the commands that check a file and print balances.

    ``read`` gives the balance of each account from what the second command printed.
    """

    is_installed: Callable[[], bool]
    check: Callable[[Path], Sequence[str]]
    balances: Callable[[Path], Sequence[str]]
    read: Callable[[str], dict[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Difference:
    """An account of which a program computes another balance than we do; None: it has none."""

    account: str
    ours: Decimal | None
    theirs: Decimal | None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a program found.

    ``refusal`` is what it complained about (empty: nothing). ``noticed`` says whether it refused
    the journal with one posting off by a minor unit; None: there is no posting to change.
    """

    accounts: int
    differences: tuple[Difference, ...]
    refusal: str
    noticed: bool | None

    @property
    def is_sound(self) -> bool:
        """Whether it agrees with the books, and would have said so if it did not."""
        return not self.refusal and not self.differences and self.noticed is not False


@dataclass(frozen=True, slots=True)
class Audit:
    """How many transactions were looked at, and each program's opinion; None: not installed."""

    transactions: int
    opinions: Mapping[str, Opinion | None]

    @property
    def is_sound(self) -> bool:
        """Whether at least one program looked, and none objected."""
        given = [each for each in self.opinions.values() if each]
        return bool(given) and all(each.is_sound for each in given)


async def audit(connection: Connection, programs: Mapping[str, Program] | None = None) -> Audit:
    """Export in one snapshot, for each program that is installed, and let them add up.

    The connection must not be inside a transaction.
    """
    known = PROGRAMS if programs is None else programs
    here = {name: each for name, each in known.items() if each.is_installed()}
    opinions: dict[str, Opinion | None] = dict.fromkeys(known)
    with TemporaryDirectory(prefix="mizan-audit-") as folder:
        files = {name: Path(folder, f"books.{name}") for name in here}
        count, ours = await _write(connection, files)
        for name, program in here.items():
            opinions[name] = await asyncio.to_thread(_ask, program, files[name], ours)
    return Audit(count, MappingProxyType(opinions))


async def _write(
    connection: Connection, files: Mapping[str, Path]
) -> tuple[int, dict[str, Decimal]]:
    """Write the files; how many transactions there are, and the balances of that moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(SQL["no_time_limits"])
        trial = await reports.trial_balance(connection)
        count = int(await connection.fetchval(SQL["count_of_transactions"]))
        for name, path in files.items():
            with path.open("w", encoding="utf-8") as file:
                await export(connection, name, file.write)
    return count, {
        account.path: Decimal(each.balance.plain()) for account, each in trial.accounts.items()
    }


def _ask(program: Program, file: Path, ours: Mapping[str, Decimal]) -> Opinion:
    accepted, said = _run(program.check(file))
    if not accepted:
        return Opinion(0, (), said or "it gave no reason", None)
    added_up, out = _run(program.balances(file))
    if not added_up:
        return Opinion(0, (), out or "it gave no balances", None)
    theirs = program.read(out)
    differences = tuple(
        Difference(path, ours.get(path), theirs.get(path))
        for path in sorted(ours.keys() | theirs.keys())
        if ours.get(path) != theirs.get(path)
    )
    changed = file.with_name(f"changed-{file.name}")
    noticed = None
    if _change_one(file, changed):
        noticed = not _run(program.check(changed))[0]
    return Opinion(len(theirs), differences, "", noticed)


def _run(command: Sequence[str]) -> tuple[bool, str]:
    """Whether a command succeeded, and what it printed. hledger reads Arabic only as UTF-8."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    if done.returncode == 0:
        return True, done.stdout
    return False, (done.stdout + done.stderr).strip()


def _change_one(file: Path, copy: Path) -> bool:
    """Copy an export with its first posting larger by one minor unit, on both sides.

    It still balances, so only what it does to the balances can give it away. False: no posting.
    """
    legs = 0
    with file.open(encoding="utf-8") as lines, copy.open("w", encoding="utf-8") as out:
        for line in lines:
            leg = _LEG.match(line) if legs < 2 else None
            if leg is None:
                out.write(line)
                continue
            amount = Decimal(leg[2])
            more = amount + Decimal(1).scaleb(int(amount.as_tuple().exponent))
            out.write(f"{leg[1]}{more}{leg[3] or ''}\n")
            legs += 1
    return legs == 2


def _beancount_balances(out: str) -> dict[str, Decimal]:
    return {account: Decimal(text) for account, text in json.loads(out).items()}


def _hledger_balances(out: str) -> dict[str, Decimal]:
    """Rows of ``account, JOD 5.400``; nothing is a bare 0."""
    rows: Iterable[list[str]] = csv.reader(io.StringIO(out))
    return {row[0]: Decimal(row[1].split()[-1]) for row in rows if row[0] != "account"}


def _hledger(file: Path, *words: str) -> Sequence[str]:
    return ["hledger", "-f", str(file), *words]


PROGRAMS: Final[Mapping[str, Program]] = MappingProxyType(
    {
        "beancount": Program(
            is_installed=lambda: importlib.util.find_spec("beancount") is not None,
            check=lambda file: [
                *(sys.executable, "-m", "beancount.scripts.check", "--no-cache"),
                str(file),
            ],
            balances=lambda file: [sys.executable, "-c", _BEANCOUNT_SUMS, str(file)],
            read=_beancount_balances,
        ),
        "hledger": Program(
            is_installed=lambda: shutil.which("hledger") is not None,
            check=lambda file: _hledger(file, "check", "-s", "ordereddates"),
            balances=lambda file: _hledger(
                file, "balance", "--flat", "--empty", "--no-total", "-O", "csv"
            ),
            read=_hledger_balances,
        ),
    }
)
"""The judges by the name of their export format."""
