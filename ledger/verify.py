"""Recompute the books from their rows, in the order of recording, and name the first bad one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from kernel.database import Connection
from kernel.money import MAX_MINOR
from kernel.sql import package_sql
from ledger import chart, reports
from ledger.reports import Booked

SQL = package_sql(__file__)

_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not as it was booked: table, key (``<transaction>#<n>`` for a posting), why."""

    table: str
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How far the check came, and the first bad row if there is one."""

    transactions: int
    postings: int
    bad: BadRow | None

    @property
    def is_sound(self) -> bool:
        """Whether everything was checked and nothing is bad."""
        return self.bad is None


async def verify(connection: Connection) -> Verification:
    """Read everything once, in one snapshot; the connection must not be inside a transaction."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        debits: Counter[str] = Counter()
        credits: Counter[str] = Counter()
        transactions = postings = 0
        async for row in connection.cursor(SQL["journal_with_originals"], prefetch=_AT_ONCE):
            bad = _check(row)
            if bad:
                return Verification(transactions, postings, bad)
            for debit, credit, amount in zip(
                row["debits"], row["credits"], row["amounts"], strict=True
            ):
                debits[debit] += amount
                credits[credit] += amount
            transactions += 1
            postings += len(row["ns"])
        bad = await _orphan(connection) or await _wrong_sum(connection, debits, credits)
        return Verification(transactions, postings, bad)


def _check(row: Any) -> BadRow | None:
    """The first thing wrong with one transaction and its postings."""
    key = str(row["id"])
    if row["ns"] != list(range(1, len(row["ns"] or ()) + 1)):
        return BadRow("transaction", key, "a posting is missing")
    for n, debit, credit, amount in zip(
        row["ns"], row["debits"], row["credits"], row["amounts"], strict=True
    ):
        why = _check_posting(debit, credit, amount)
        if why:
            return BadRow("posting", f"{key}#{n}", why)
    why = _check_transaction(row, reports.booked(row))
    return BadRow("transaction", key, why) if why else None


def _check_posting(debit: str | None, credit: str | None, amount: int) -> str:
    if debit is None or credit is None:
        return "an account does not exist"
    try:
        currencies = {chart.parse(debit).currency, chart.parse(credit).currency}
    except chart.BadAccount as problem:
        return str(problem)
    if len(currencies) > 1:
        return f"{debit} and {credit} are of two currencies"
    if debit == credit:
        return "both sides are one account"
    return "" if 0 < amount <= MAX_MINOR else f"the amount is {amount} minor units"


def _check_transaction(row: Any, found: Booked) -> str:
    if found.digest != found.transaction.digest():
        return "the digest is not that of its fields and postings"
    if found.business_date != found.transaction.business_date:
        return "the business date is not the day it occurred in its zone"
    if row["reverses"] is None:
        return ""
    mirror = (row["original_credits"], row["original_debits"], row["original_amounts"])
    is_mirror = (row["debits"], row["credits"], row["amounts"]) == mirror
    return "" if is_mirror else "it is not the mirror of what it reverses"


async def _orphan(connection: Connection) -> BadRow | None:
    row = await connection.fetchrow(SQL["orphan_posting"])
    return BadRow("posting", f"{row['seq']}#{row['n']}", "no transaction") if row else None


async def _wrong_sum(
    connection: Connection, debits: Counter[str], credits: Counter[str]
) -> BadRow | None:
    """Whether the trial balance, which SQL sums, says what was summed here."""
    for account, turnover in (await reports.trial_balance(connection)).accounts.items():
        summed = debits[account.path], credits[account.path]
        if (turnover.debits.minor, turnover.credits.minor) != summed:
            return BadRow("account", account.path, "the trial balance is not the sum of postings")
    return None
