"""The journal for other bookkeeping programs, written from postings alone.

beancount and hledger recompute every balance: the closing balances at the end are ours, from the
trial balance, and both refuse the file if one differs from what they add up themselves. Both are
told to tolerate nothing, which neither does by default: beancount 3.2 passes one unit of the last
digit, hledger 1.25 balances at the display precision.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from types import MappingProxyType
from typing import Final

from kernel.currency import exponent
from kernel.database import Connection
from kernel.money import Money
from kernel.sql import package_sql
from ledger import reports
from ledger.chart import Kind
from ledger.reports import Booked, TrialBalance

SQL = package_sql(__file__)

_AT_ONCE = 2000
_HLEDGER_TYPE: Final = {
    Kind.ASSETS: "A",
    Kind.LIABILITIES: "L",
    Kind.EQUITY: "E",
    Kind.INCOME: "R",
    Kind.EXPENSES: "X",
}
_COLUMNS: Final = (
    "transaction",
    "n",
    "business_date",
    "occurred_at",
    "zone",
    "recorded_at",
    "rule",
    "version",
    "key",
    "reference",
    "reverses",
    "note",
    "debit",
    "credit",
    "amount",
    "currency",
)


@dataclass(frozen=True, slots=True)
class Format:
    """How a program wants the journal: what stands before, each transaction, what stands after.

    ``head`` and ``tail`` get the trial balance and the first and last business date.
    """

    head: Callable[[TrialBalance, date, date], str]
    entry: Callable[[Booked], str]
    tail: Callable[[TrialBalance, date, date], str]


async def export(connection: Connection, program: str, write: Callable[[str], object]) -> int:
    """Write the whole journal by business date in one snapshot; returns how many transactions.

    The connection may be inside a transaction of that kind, but of no other. An empty journal
    writes an empty, valid file.
    """
    form = FORMATS[program]
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        # Sorting a large journal takes minutes, and so may whoever reads what is written.
        await connection.execute(SQL["no_time_limits"])
        closing = await reports.trial_balance(connection)
        days = await connection.fetchrow(SQL["date_range"])
        assert days is not None  # an aggregate always gives a row
        span = (days["first"] or date(2000, 1, 1), days["last"] or date(2000, 1, 1))
        write(form.head(closing, *span))
        count = 0
        async for row in connection.cursor(SQL["journal_by_date"], prefetch=_AT_ONCE):
            write(form.entry(reports.booked(row)))
            count += 1
        write(form.tail(closing, *span))
    return count


def _beancount_head(closing: TrialBalance, first: date, _last: date) -> str:
    lines = ['option "title" "Mizan"', 'option "tolerance_multiplier" "0"', ""]
    lines += [f"{first} open {each.path} {each.currency}" for each in closing.accounts]
    return _text(lines)


def _beancount_entry(entry: Booked) -> str:
    each = entry.transaction
    links = f" ^{each.reference}" if each.reference else ""
    lines = [
        "",
        f"{entry.business_date} * {_quoted(each.rule)} {_quoted(each.note)}"
        f" #{each.rule.lower().replace('_', '-')}{links}",
        f'  id: "{each.id}"',
        f"  key: {_quoted(each.key)}",
        f'  recorded_at: "{entry.recorded_at.astimezone(UTC).isoformat()}"',
    ]
    for posting in each.postings:
        amount, currency = posting.amount.plain(), posting.amount.currency
        lines += [f"  {posting.debit}  {amount} {currency}"]
        lines += [f"  {posting.credit}  -{amount} {currency}"]
    return _text(lines)


def _beancount_tail(closing: TrialBalance, _first: date, last: date) -> str:
    # A balance is checked at the start of its day, so the closing one stands on the day after.
    day = last + timedelta(days=1)
    return _text(
        ["", "; Closing balances by Mizan; beancount adds up its own."]
        + [
            f"{day} balance {account.path}  {turnover.balance.plain()} ~ 0 {account.currency}"
            for account, turnover in closing.accounts.items()
        ]
    )


def _hledger_head(closing: TrialBalance, _first: date, _last: date) -> str:
    # The digits of the commodity directive are the precision at which hledger balances.
    lines = ["decimal-mark ."]
    for currency in closing.totals:
        lines.append(f"commodity {currency} 1000.{'0' * exponent(currency)}")
    for each in closing.accounts:
        lines.append(f"account {each.path}  ; type:{_HLEDGER_TYPE[each.kind]}")
    return _text(lines)


def _hledger_entry(entry: Booked) -> str:
    each = entry.transaction
    recorded_at = entry.recorded_at.astimezone(UTC).isoformat()
    lines = [
        "",
        f"{entry.business_date} * ({each.id}) {each.rule} | {_uncommented(each.note)}".rstrip(" |"),
        f"    ; key:{_uncommented(each.key)}, recorded_at:{recorded_at}",
    ]
    if each.reference:
        lines.append(f"    ; reference:{each.reference}")
    for posting in each.postings:
        amount, currency = posting.amount.plain(), posting.amount.currency
        lines += [f"    {posting.debit}  {currency} {amount}"]
        lines += [f"    {posting.credit}  {currency} -{amount}"]
    return _text(lines)


def _hledger_tail(closing: TrialBalance, _first: date, last: date) -> str:
    if not closing.accounts:
        return ""
    lines = ["", f"{last} * closing balances by Mizan", "    ; hledger adds up its own"]
    for account, turnover in closing.accounts.items():
        nothing = Money(0, account.currency).plain()
        balance = turnover.balance.plain()
        lines.append(
            f"    {account.path}  {account.currency} {nothing} = {account.currency} {balance}"
        )
    return _text(lines)


def _csv_head(_closing: TrialBalance, _first: date, _last: date) -> str:
    return _csv([_COLUMNS])


def _csv_entry(entry: Booked) -> str:
    each = entry.transaction
    return _csv(
        (
            each.id,
            n,
            entry.business_date,
            each.occurred_at.astimezone(UTC).isoformat(),
            each.zone,
            entry.recorded_at.astimezone(UTC).isoformat(),
            each.rule,
            each.version,
            as_cell(each.key),
            each.reference or "",
            each.reverses or "",
            as_cell(each.note),
            posting.debit,
            posting.credit,
            posting.amount.plain(),
            posting.amount.currency,
        )
        for n, posting in enumerate(each.postings, 1)
    )


def _csv_tail(_closing: TrialBalance, _first: date, _last: date) -> str:
    return ""


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {
        "beancount": Format(_beancount_head, _beancount_entry, _beancount_tail),
        "hledger": Format(_hledger_head, _hledger_entry, _hledger_tail),
        "csv": Format(_csv_head, _csv_entry, _csv_tail),
    }
)
"""Formats by name; csv has one line per posting."""


def as_cell(text: str) -> str:
    """Free text for a spreadsheet, which would run a cell that starts like a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _csv(rows: Iterable[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _uncommented(text: str) -> str:
    """hledger has no quoting: a semicolon starts a comment, a comma ends a tag."""
    return text.replace(";", " ").replace(",", " ").replace("|", " ")
