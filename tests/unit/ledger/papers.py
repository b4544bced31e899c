"""Reports with known figures, and somebody who makes documents of them."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from kernel.money import Money
from ledger import chart
from ledger.documents.compose import Maker
from ledger.reports import Statement, StatementLine, TrialBalance, Turnover
from tests.unit.ledger.makers import MORNING

CLEARING = "Assets:Clearing:DEMO"
AGENCY = "Liabilities:Agency:ROADS:LICENCE"

ACCOUNTS = {
    "ar": {
        CLEARING: "مستحق على المشغّل – محفظة التجربة",
        AGENCY: "مستحق للجهة – إدارة الطرق (تجديد)",
    },
    "en": {CLEARING: "Due from operator – Demo Wallet", AGENCY: "Due to agency – Roads (renewal)"},
    "fr": {CLEARING: "Dû par l’opérateur – Démo", AGENCY: "Dû à l’organisme – Routes"},
}
RULES = {"ar": "رسم محصّل", "en": "Fee collected", "fr": "Taxe encaissée"}
CURRENCIES = {
    "ar": {"JOD": "دينار أردني", "LBP": "ليرة لبنانية"},
    "en": {"JOD": "Jordanian dinar", "LBP": "Lebanese pound"},
    "fr": {"JOD": "Dinar jordanien", "LBP": "Livre libanaise"},
}


def maker(language: str = "en", **changes: str) -> Maker:
    """Rana, at nine in the morning."""
    return Maker(
        language=language,
        at=MORNING,
        zone="Asia/Amman",
        by=changes.get("by", "rana"),
        account=lambda path: ACCOUNTS[language].get(path[:-4], path),
        rule=lambda _: RULES[language],
        currency=lambda code: CURRENCIES[language].get(code, code),
    )


def trial_balance(*sums: tuple[str, int], as_of: date | int | None = None) -> TrialBalance:
    """In each currency: that many minor units debited to clearing, credited to an agency."""
    accounts = {}
    totals = {}
    for currency, minor in sums:
        amount, nothing = Money(minor, currency), Money(0, currency)
        accounts[chart.parse(f"{CLEARING}:{currency}")] = Turnover(amount, nothing)
        accounts[chart.parse(f"{AGENCY}:{currency}")] = Turnover(nothing, amount)
        totals[currency] = Turnover(amount, amount)
    return TrialBalance(as_of, accounts, totals)


def statement(
    *amounts: int, opening: int = 1000, currency: str = "JOD", is_complete: bool = True
) -> Statement:
    """Clearing in November: a line of each amount, minus for what is credited."""
    lines = []
    balance = Money(opening, currency)
    for number, minor in enumerate(amounts):
        balance += Money(minor, currency)
        line = StatementLine(
            transaction=UUID(int=number + 1),
            business_date=date(2026, 11, 1 + number % 30),
            occurred_at=MORNING,
            recorded_at=MORNING,
            rule="FEE_SUCCEEDED",
            note="",
            reference=None,
            counterpart=f"{AGENCY}:{currency}",
            amount=Money(minor, currency),
            balance=balance,
        )
        lines.append(line)
    debits, credits = (sum(max(sign * each, 0) for each in amounts) for sign in (1, -1))
    return Statement(
        account=chart.parse(f"{CLEARING}:{currency}"),
        since=date(2026, 11, 1),
        until=date(2026, 11, 30),
        opening=Money(opening, currency),
        lines=tuple(lines),
        turnover=Turnover(Money(debits, currency), Money(credits, currency)),
        closing=balance,
        is_complete=is_complete,
    )
