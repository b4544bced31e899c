"""Reports as documents: which facts stand on top, which columns, what is summed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from kernel.currency import exponent
from kernel.money import Money, zero
from kernel.texts import RIGHT_TO_LEFT
from ledger.documents.document import (
    TEXTS,
    Carried,
    Column,
    Document,
    Holds,
    Named,
    Row,
    Side,
    Table,
    Total,
)
from ledger.reports import Statement, StatementLine, TrialBalance, Turnover

LRM: Final = "\u200e"


def _as_it_is(code: str) -> str:
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """Who makes documents, when (aware), in which language and zone, and what things are called.

    ``account``, ``rule`` and ``currency`` give the words for a path and two codes; without words
    the code itself stands there.
    """

    language: str
    at: datetime
    zone: str
    by: str = ""
    account: Callable[[str], str] = _as_it_is
    rule: Callable[[str], str] = _as_it_is
    currency: Callable[[str], str] = _as_it_is

    def say(self, key: str, **values: object) -> str:
        """One of the words that documents need."""
        return TEXTS.get(self.language, f"document.{key}", **values)

    def named(self, path: str) -> Named:
        """An account in words over its path."""
        words = self.account(path)
        return Named(path) if words == path else Named(words, path)

    def kept_in(self, currency: str) -> str:
        """A currency with its code and decimals: ``Jordanian dinar (JOD), 3 decimals``."""
        words = self.currency(currency)
        name = currency if words == currency else f"{words} ({currency})"
        return self.say("currency_decimals", currency=name, digits=exponent(currency))

    def time(self, first: date | int | None, last: date | int | None) -> str:
        """A period in words: days, or positions of the sealed journal; None: open."""
        if isinstance(last, int):
            return self.say("positions", first=first or 1, last=last)
        match first, last:
            case None, None:
                return self.say("all_days")
            case None, _:
                return self.say("until", day=self._apart(last))
            case _, None:
                return self.say("since", day=self._apart(first))
        if first == last:
            return str(first)
        return self.say("between", first=self._apart(first), last=self._apart(last))

    def made(self) -> str:
        """The line that says when, where and by whom."""
        local = self.at.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M")
        key = "made_by" if self.by else "made"
        return self.say(key, at=self._apart(local), zone=self.zone, name=self.by)

    def _apart(self, value: object) -> str:
        """A date inside an Arabic sentence: without marks its parts would change places."""
        return f"{LRM}{value}{LRM}" if self.language in RIGHT_TO_LEFT else str(value)


def trial_balance(found: TrialBalance, maker: Maker) -> Document:
    """A table per currency: turnovers, and balances on the side they stand on."""
    period = maker.say("until_now") if found.as_of is None else maker.time(None, found.as_of)
    state = maker.say("balanced" if found.is_balanced else "unbalanced")
    return Document(
        language=maker.language,
        title=maker.say("trial_balance"),
        running=" – ".join((maker.say("trial_balance"), period)),
        facts=(
            (maker.say("period"), Named(period)),
            (maker.say("books"), Named(state)),
        ),
        tables=[_trial_table(found, currency, maker) for currency in found.totals],
        made_at=maker.at,
        made=maker.made(),
        warnings=() if found.is_balanced else (maker.say("unbalanced"),),
    )


def statement(found: Statement, maker: Maker) -> Document:
    """One account: opening balance, every entry with the balance after it, turnover, closing."""
    account, title = found.account, maker.say("statement")
    name, period = maker.named(account.path), maker.time(found.since, found.until)
    table = Table(
        title="",
        currency=account.currency,
        columns=(
            Column(maker.say("day"), Holds.DAY),
            Column(maker.say("entry"), Holds.WORDS, codes=maker.say("entry_id")),
            Column(maker.say("counterpart"), Holds.WORDS, codes=maker.say("path")),
            Column(maker.say("debit"), Holds.DEBIT),
            Column(maker.say("credit"), Holds.CREDIT),
            Column(maker.say("balance"), Holds.BALANCE),
        ),
        before=((None, maker.say("opening"), None, None, None, Side(found.opening)),),
        rows=[_statement_row(line, maker) for line in found.lines],
        after=_statement_end(found, maker),
    )
    cut = maker.say("cut", lines=len(found.lines))
    return Document(
        language=maker.language,
        title=title,
        running=" – ".join((title, name.words, period)),
        facts=(
            (maker.say("account"), name),
            (maker.say("currency"), Named(maker.kept_in(account.currency))),
            (maker.say("period"), Named(period)),
        ),
        tables=[table],
        made_at=maker.at,
        made=maker.made(),
        warnings=() if found.is_complete else (cut,),
    )


def _statement_row(line: StatementLine, maker: Maker) -> Row:
    debit = line.amount if line.amount.minor >= 0 else None
    credit = None if debit else Money(-line.amount.minor, line.amount.currency)
    return (
        line.business_date,
        Named(maker.rule(line.rule), str(line.transaction)),
        maker.named(line.counterpart),
        debit,
        credit,
        Side(line.balance),
    )


def _statement_end(found: Statement, maker: Maker) -> tuple[Row, ...]:
    """Turnover and closing balance; of a statement cut short they are not the sum of its rows."""
    debits, credits = found.turnover.debits, found.turnover.credits
    moved: Row = (None, maker.say("turnover"), None, debits, credits, None)
    closing: Row = (None, maker.say("closing"), None, None, None, Side(found.closing))
    if found.is_complete:
        moved = (*moved[:3], Total(debits), Total(credits), None)
        closing = (*closing[:5], Carried(found.closing))
    return moved, closing


def _trial_table(found: TrialBalance, currency: str, maker: Maker) -> Table:
    moved, left = maker.say("turnover"), maker.say("balance")
    debit, credit = maker.say("debit"), maker.say("credit")
    ours = [item for item in found.accounts.items() if item[0].currency == currency]
    rows: list[Row] = []
    on_debit = on_credit = nothing = zero(currency)
    for account, each in ours:
        stands = max(each.balance.minor, 0), max(-each.balance.minor, 0)
        on_debit += Money(stands[0], currency)
        on_credit += Money(stands[1], currency)
        sides = (Money(minor, currency) if minor else None for minor in stands)
        rows.append((maker.named(account.path), each.debits, each.credits, *sides))
    total = found.totals.get(currency, Turnover(nothing, nothing))
    sums = (total.debits, total.credits, on_debit, on_credit)
    return Table(
        title=maker.kept_in(currency),
        currency=currency,
        columns=(
            Column(maker.say("account"), Holds.WORDS, codes=maker.say("path")),
            Column(debit, Holds.DEBIT, moved),
            Column(credit, Holds.CREDIT, moved),
            Column(debit, Holds.DEBIT, left),
            Column(credit, Holds.CREDIT, left),
        ),
        rows=rows,
        after=((maker.say("total"), *map(Total, sums)),),
    )
