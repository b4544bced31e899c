"""The posting rules as a page for finance, with figures that the rules themselves compute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from kernel.money import Money
from ledger import chart
from ledger.chart import Kind
from ledger.journal import Transaction
from ledger.rules import closing, fees, reconciliation, refunds, settlement
from ledger.rules.examples import Example, examples
from ledger.rules.template import ROLES, Movement, Place, Rule

_INTRODUCTION: Final = """# Posting rules

Every way in which money is booked. This page is written by `./mizan ledger rules --markdown`: the
figures of the examples are computed by the rules that book real payments, and a test compares the
page with them.

**How to read it.** An account's name says what it is: `Assets` are what others owe us and what
lies at the bank, `Liabilities` what we hold for others, `Income` and `Expenses` are ours. A
**debit** makes assets and expenses larger, a **credit** makes liabilities, income and equity
larger. Each entry has as much debit as credit, in each currency. `OPERATOR`, `AGENCY` and
`SERVICE` stand for codes; each account exists once for each currency.

**What a fee is made of.** *Principal* and *penalty* are the agency's, *stamp* is stamp duty,
*service fee* is our fee without tax and *VAT* the tax on it: the citizen pays the sum of these.
An *agency fee* is our fee where the agency bears it instead. Parts that are zero are left out. A
changed template gets a new version; entries keep the version they were booked by.

The examples follow one licence: 5.000 dinars, 0.100 stamp duty, 0.216 service fee, 0.034 VAT.

**Which money must not stay.** `Clearing` returns to zero with each deposit of its operator,
everything under `Suspense`, `Duplicate`, `Overpayment` and `PartPayment` with the entry that
explains it, `RefundPayable` with the operator's confirmation, `SettlementInTransit` with the
bank's. What stays, ages, and has somebody who looks after it.
"""

_SUBJECTS: Final[Sequence[tuple[str, Sequence[Rule]]]] = (
    ("Money from citizens", fees.RULES),
    ("Money back to citizens", refunds.RULES),
    ("Operators, agencies, treasury and our own", settlement.RULES),
    ("What reports and books say differently", reconciliation.RULES),
    ("Mistakes, period ends and new units", closing.RULES),
)

_PARTS: Final = {
    "principal": "principal",
    "penalty": "penalty",
    "stamp": "stamp",
    "service_fee": "service fee",
    "vat": "VAT",
    "agency_fee": "agency fee",
    "amount": "the amount",
    "excess": "what is beyond the fee",
    "agency": "the agency's share",
    "lost": "what nobody gives back",
    "net": "what is left",
    "commission": "our commission",
    "claw_back": "what the agency owes us",
    "shortfall": "what came too little",
    "surplus": "what came too much",
    "collection": "a charge on public money",
    "operating": "a charge on our own",
}
"""The parts of the templates in words."""

_MADE: Final = {
    "REVERSAL": "Each movement of the original entry, with debit and credit exchanged.",
    "PERIOD_CLOSE": "Each balance of `Income` and `Expenses` against `Equity:RetainedEarnings`.",
    "REDENOMINATION": "Each balance against `Equity:Trading` in the old unit, and its converted "
    "value against `Equity:Trading` in the new one. What rounding added or took goes to "
    "`Expenses:Rounding`, so that the new unit holds exactly the converted sum.",
}
"""Templates that depend on what the books hold."""


def markdown() -> str:
    """The whole page."""
    shown = examples()
    blocks = [_INTRODUCTION]
    for title, rules in _SUBJECTS:
        blocks.append(f"## {title}\n")
        blocks += [_rule(rule, shown[rule.code]) for rule in rules]
    return "\n".join(blocks)


def _rule(rule: Rule, example: Example) -> str:
    care = f"\n*{rule.care}*\n" if rule.care else ""
    template = "\n".join(_template(rule.movements)) if rule.movements else _MADE[rule.code]
    return (
        f"### {rule.number} {rule.code}\n\n{rule.meaning} Version {rule.version}.\n{care}\n"
        f"{template}\n\nExample. {example.story}\n\n" + "\n".join(_entry(example.booked)) + "\n"
    )


def _template(movements: Iterable[Movement]) -> Iterator[str]:
    yield "| Debit | Credit | What |"
    yield "|---|---|---|"
    for each in movements:
        yield f"| {_account(each.debit)} | {_account(each.credit)} | {_PARTS[each.part]} |"


def _account(role: str) -> str:
    """An account of a template: its path without a currency."""
    path = ROLES[role](Place("JOD", "operator", "agency", "service"))
    return f"`{path.removesuffix(':JOD')}`"


def _entry(booked: Transaction) -> Iterator[str]:
    """What an entry does to each account, as a compound entry with its sums in each currency."""
    moved: Counter[str] = Counter()
    for posting in booked.postings:
        moved[posting.debit] += posting.amount.minor
        moved[posting.credit] -= posting.amount.minor
    yield "| Account | Debit | Credit |"
    yield "|---|--:|--:|"
    for currency in sorted({posting.amount.currency for posting in booked.postings}):
        lines = {path: minor for path, minor in moved.items() if minor and path.endswith(currency)}
        for path, minor in sorted(lines.items(), key=_debits_first):
            amount = Money(abs(minor), currency).grouped()
            yield f"| `{path}` | {amount} | |" if minor > 0 else f"| `{path}` | | {amount} |"
        debits = Money(sum(minor for minor in lines.values() if minor > 0), currency)
        credits = Money(-sum(minor for minor in lines.values() if minor < 0), currency)
        yield f"| **{currency}** | **{debits.grouped()}** | **{credits.grouped()}** |"


def _debits_first(line: tuple[str, int]) -> tuple[bool, int, str]:
    path, minor = line
    return minor < 0, list(Kind).index(chart.parse(path).kind), path
