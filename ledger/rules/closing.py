"""Rules that are made from what the books hold: reversal, closing a period, a new currency unit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NotRequired, TypedDict, Unpack
from uuid import UUID

from kernel.currency import Redenomination
from kernel.money import Money, redenominated
from ledger import chart
from ledger.chart import Kind
from ledger.journal import Posting, Transaction
from ledger.rules.template import Facts, Rule, entry


class Undo(TypedDict):
    """What a reversal is made with; what is not given is its original's."""

    id: UUID
    key: str
    occurred_at: NotRequired[datetime]
    reference: NotRequired[UUID | None]
    zone: NotRequired[str]
    note: NotRequired[str]


REVERSAL: Final = Rule(
    number="15",
    code="REVERSAL",
    meaning="The mirror of an entry that should not have been booked; at most once for each.",
    care="It keeps the day of its original; if that day is closed, it stands in the open period.",
)
PERIOD_CLOSE: Final = Rule(
    number="16",
    code="PERIOD_CLOSE",
    meaning="Income and expenses of a period are carried to retained earnings.",
    care="Booked when the period's checklist is done; afterwards income and expenses are zero.",
)
REDENOMINATION: Final = Rule(
    number="17",
    code="REDENOMINATION",
    meaning="A currency lost its zeros: balances in the old unit become balances in the new one.",
    care="Each balance is converted to the nearest minor unit; the difference is rounding.",
)

RULES: Final = (REVERSAL, PERIOD_CLOSE, REDENOMINATION)


def reversal(original: Transaction, **undo: Unpack[Undo]) -> Transaction:
    """The mirror of a booked transaction, of the same payment, moment and zone unless given."""
    facts: Facts = {
        "reference": original.reference,
        "occurred_at": original.occurred_at,
        "zone": original.zone,
        **undo,
    }
    mirror = tuple(Posting(each.credit, each.debit, each.amount) for each in original.postings)
    return entry(REVERSAL, facts, mirror, reverses=original.id)


def period_close(balances: Mapping[str, Money], **facts: Unpack[Facts]) -> Transaction:
    """Carry ``balances`` (debits less credits, by path) of income and expenses to equity.

    Any currencies; each closes in itself. Raises ValueError: an account of another kind, nothing
    to close.
    """
    postings: list[Posting] = []
    for path, balance in sorted(balances.items()):
        account = chart.parse(path)
        if account.kind not in (Kind.INCOME, Kind.EXPENSES):
            raise ValueError(f"{PERIOD_CLOSE.code}: {path} is carried on, not closed")
        postings += _moved(path, chart.retained_earnings(account.currency), balance)
    return entry(PERIOD_CLOSE, facts, tuple(postings))


def redenomination(
    balances: Mapping[str, Money], change: Redenomination, **facts: Unpack[Facts]
) -> Transaction:
    """Carry ``balances`` (debits less credits, by path) of the old unit to the new unit's accounts.

    Both units balance in themselves through Equity:Trading, which needs no conversion of its own
    and is left out. The new one is given exactly the converted sum: what rounding made of the
    single balances beside it goes to Expenses:Rounding. Raises ValueError: an account that is not
    in the old unit, nothing to convert.
    """
    old_bridge, new_bridge = chart.trading(change.old), chart.trading(change.new)
    postings: list[Posting] = []
    old_sum, new_sum = Money(0, change.old), Money(0, change.new)
    for path, balance in sorted(balances.items()):
        if chart.parse(path).currency != change.old:
            raise ValueError(f"{REDENOMINATION.code}: {path} is not in {change.old}")
        if path == old_bridge:
            continue
        converted = redenominated(balance, change)
        twin = f"{path.removesuffix(change.old)}{change.new}"
        postings += _moved(path, old_bridge, balance)
        postings += _moved(new_bridge, twin, converted)
        old_sum, new_sum = old_sum + balance, new_sum + converted
    difference = new_sum - redenominated(old_sum, change)
    postings += _moved(chart.rounding(change.new), new_bridge, difference)
    return entry(REDENOMINATION, facts, tuple(postings))


def _moved(source: str, target: str, balance: Money) -> Iterator[Posting]:
    """The posting that takes a balance (above zero: a debit) from one account to another."""
    if balance.minor > 0:
        yield Posting(target, source, balance)
    elif balance.minor < 0:
        yield Posting(source, target, Money(-balance.minor, balance.currency))
