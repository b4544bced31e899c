"""The whole life of payments under the posting rules, in random order, in memory.

At every moment the money that waits is exactly that of known open items; at the end, when each of
them is settled, nothing waits and what we earned lies at the bank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.currency import SYRIA_2026, Redenomination
from kernel.money import Money, redenominated
from ledger import chart, rules
from ledger.chart import Kind
from ledger.journal import Transaction
from ledger.rules import RULES
from ledger.rules.template import PAID_PARTS
from tests.unit.ledger.books import Books
from tests.unit.ledger.makers import IDS, MORNING

CURRENCIES: Final = ("JOD", "ILS", "LBP", "XSP")
WALLETS: Final = ("demo", "other")
AGENCIES: Final = ("roads", "civil")


@dataclass(frozen=True)
class Step:
    """One thing that happens: what, to which of the candidates, where, with which amounts."""

    what: str
    pick: int
    wallet: str
    agency: str
    currency: str
    minors: tuple[int, ...]
    recoverable: frozenset[str]

    def parts(self) -> dict[str, Any]:
        """A fee of these amounts: five parts for the citizen, one that the agency bears."""
        amounts = dict(zip((*PAID_PARTS, "agency_fee"), self.minors, strict=True))
        amounts["principal"] += 1
        amounts["agency_fee"] = min(amounts["agency_fee"], amounts["principal"])
        facts: dict[str, Any] = {part: Money(each, self.currency) for part, each in amounts.items()}
        return facts | {"wallet": self.wallet, "agency": self.agency, "service": "licence"}


@dataclass(frozen=True)
class Item:
    """Money that waits: why, where, how much, and the fee it may pay."""

    kind: str
    wallet: str
    amount: Money
    parts: dict[str, Any]

    def account(self) -> str:
        """Where it must be found."""
        currency = self.amount.currency
        if self.kind in ("overpayment", "part", "bank"):
            place = {
                "overpayment": chart.overpayment,
                "part": chart.part_payment,
                "bank": chart.unallocated_bank,
            }
            return place[self.kind](currency)
        if self.kind == "transit":
            return chart.settlement_in_transit(self.parts["agency"], currency)
        at = {
            "late": chart.late_success,
            "duplicate": chart.duplicate,
            "unknown": chart.unallocated_operator,
            "refund": chart.refund_payable,
            "failed": chart.refund_failed,
            "dispute": chart.operator_dispute,
            "invoice": chart.commission_payable,
        }
        return at[self.kind](self.wallet, currency)

    def sum(self) -> dict[str, Any]:
        """Keywords of a rule for one amount."""
        return {"wallet": self.wallet, "amount": self.amount}


@dataclass
class PaidFee:
    """A fee in the books, and what was given back of it."""

    entry: Transaction
    parts: dict[str, Any]
    is_settled: bool = False
    refunds: list[Transaction] = field(default_factory=list)

    def left(self) -> int:
        """What the citizen has not got back, minor units."""
        paid = sum(self.parts[part].minor for part in PAID_PARTS)
        back = sum(p.amount.minor for each in self.refunds for p in each.postings)
        return int(paid - back)


WAITING: Final = (
    "Assets:Suspense", "Liabilities:Suspense", "Liabilities:Duplicate", "Liabilities:Overpayment",
    "Liabilities:PartPayment", "Liabilities:RefundPayable", "Liabilities:SettlementInTransit",
    "Liabilities:CommissionPayable",
)  # fmt: skip


class Life(Books):
    """The books with all that is still open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Item] = []
        self.fees: list[PaidFee] = []

    def do(self, rule: Any, *made_of: Any, **facts: Any) -> Transaction:
        """Book one rule under a key of its own."""
        key = f"{len(self.entries)}"
        return self.book(rule(*made_of, id=IDS.new(), key=key, occurred_at=MORNING, **facts))

    def wait(self, kind: str, step_or_item: Step | Item, amount: Money, parts: Any = None) -> None:
        """An item waits from now on, unless there is nothing of it."""
        if amount.minor:
            self.open.append(Item(kind, step_or_item.wallet, amount, parts or {}))

    def check(self) -> None:
        """Each currency balances, and all money that waits is that of open items."""
        assert not any(self.sums().values())
        explained: Counter[str] = Counter()
        for item in self.open:
            is_debit = chart.parse(item.account()).kind is Kind.ASSETS
            explained[item.account()] += item.amount.minor if is_debit else -item.amount.minor
        held = {path: money.minor for path, money in self.all(*WAITING).items()}
        assert held == {path: minor for path, minor in explained.items() if minor}


def total(parts: dict[str, Any]) -> Money:
    """What the citizen pays for a fee of these parts."""
    return Money(sum(parts[part].minor for part in PAID_PARTS), parts["principal"].currency)


def one_sum(step: Step) -> Money:
    """An amount above zero."""
    return Money(step.minors[0] + 1, step.currency)


def pay(life: Life, step: Step) -> None:
    """A citizen pays in time."""
    parts = step.parts()
    life.fees.append(PaidFee(life.do(rules.fee_succeeded, **parts), parts))


def pay_too_much(life: Life, step: Step) -> None:
    """A citizen pays more than the fee."""
    parts, excess = step.parts(), one_sum(step)
    life.do(rules.overpayment, **parts, paid=total(parts) + excess)
    life.wait("overpayment", step, excess)


def pay_too_little(life: Life, step: Step) -> None:
    """A citizen pays half of the fee."""
    parts = step.parts()
    due, half = total(parts), Money(total(parts).minor // 2, step.currency)
    if half.minor:
        life.do(rules.underpayment, wallet=step.wallet, amount=half, due=due)
        life.wait("part", step, half, parts)


def arrive(rule: Any, kind: str) -> Callable[[Life, Step], None]:
    """Money arrives that waits as a kind, until it pays a fee or goes back."""

    def happen(life: Life, step: Step) -> None:
        amount = total(step.parts())
        wallet = {} if kind == "bank" else {"wallet": step.wallet}
        life.do(rule, amount=amount, **wallet)
        life.wait(kind, step, amount, step.parts())

    return happen


def simply(rule: Any, kind: str = "") -> Callable[[Life, Step], None]:
    """One amount moves at the operator, and may wait as a kind."""

    def happen(life: Life, step: Step) -> None:
        life.do(rule, wallet=step.wallet, amount=one_sum(step))
        if kind:
            life.wait(kind, step, one_sum(step))

    return happen


def round_off(life: Life, step: Step) -> None:
    """A difference of a few minor units, either way."""
    size = step.pick % 5 + 1
    amount = Money(size if step.pick % 2 else -size, step.currency)
    life.do(rules.rounding, wallet=step.wallet, amount=amount, cap=Money(5, step.currency))


def charge(life: Life, step: Step) -> None:
    """The bank takes a charge."""
    bank = ("collection", "operating")[step.pick % 2]
    life.do(rules.bank_charge, amount=one_sum(step), bank=bank)


def remit(life: Life, step: Step) -> None:
    """The treasury gets what is its own."""
    stamp, vat = life.owes(chart.stamp_duty(step.currency)), life.owes(chart.vat(step.currency))
    if min(stamp.minor, vat.minor) >= 0 < max(stamp.minor, vat.minor):
        life.do(rules.tax_remit, stamp=stamp, vat=vat)


def sweep(life: Life, step: Step) -> None:
    """Some of our own money moves to our own account."""
    life.do(rules.own_sweep, amount=one_sum(step))


def settle(life: Life, step: Step) -> None:
    """An agency is paid all that is due to it, gross or net."""
    account = chart.agency_payable(step.agency, "licence", step.currency)
    due, nothing = life.owes(account), Money(0, step.currency)
    if due.minor <= 0:
        return
    to = {"agency": step.agency, "service": "licence", "amount": due}
    owed = life.holds(chart.agency_receivable(step.agency, step.currency))
    if step.pick % 2 and not owed.minor:
        life.do(rules.settle_gross, **to)
        life.wait("transit", step, due, to)
    else:
        commission = Money(due.minor // 100, step.currency)
        claw_back = max(nothing, min(owed, due - commission))
        life.do(rules.settle_net, **to, commission=commission, claw_back=claw_back)
        life.wait("transit", step, due - commission - claw_back, to)
    for fee in life.fees:
        if (fee.parts["agency"], fee.parts["principal"].currency) == (step.agency, step.currency):
            fee.is_settled = True


def refund(life: Life, step: Step) -> None:
    """A fee, or part of what is left of it, is given back."""
    if not life.fees:
        return
    fee = life.fees[step.pick % len(life.fees)]
    if not fee.refunds and step.minors[1] % 2:
        life.fees.remove(fee)
        full = rules.refund_settled if fee.is_settled else rules.refund_full
        booked, amount = life.do(full, **fee.parts), total(fee.parts)
    else:
        amount = Money(step.minors[0] % (fee.left() + 1), fee.parts["principal"].currency)
        if not amount.minor:
            return
        partial = rules.refund_partial_settled if fee.is_settled else rules.refund_partial
        booked = life.do(partial, **fee.parts, amount=amount, before=fee.refunds)
    fee.refunds.append(booked)
    life.open.append(Item("refund", fee.parts["wallet"], amount, {}))


def take_back(life: Life, step: Step) -> None:
    """The operator takes a fee back of which nothing was refunded."""
    whole = [fee for fee in life.fees if not fee.refunds]
    if whole:
        fee = whole[step.pick % len(whole)]
        life.fees.remove(fee)
        rule = rules.chargeback_settled if fee.is_settled else rules.chargeback
        life.do(rule, **fee.parts, recoverable=step.recoverable)


def undo(life: Life, step: Step) -> None:
    """A fee that should not have been booked is reversed."""
    plain = [fee for fee in life.fees if not fee.refunds and fee.entry.rule == "FEE_SUCCEEDED"]
    if plain:
        fee = plain[step.pick % len(plain)]
        life.fees.remove(fee)
        life.do(rules.reversal, fee.entry)


Way = Callable[[Life, Item], None]


def pays(rule: Any) -> Way:
    """What waited pays its fee."""

    def go(life: Life, item: Item) -> None:
        life.fees.append(PaidFee(life.do(rule, **item.parts), item.parts))

    return go


def completes(life: Life, item: Item) -> None:
    """The rest of a part payment arrives, and the fee is paid."""
    due = total(item.parts)
    life.do(rules.underpayment, wallet=item.wallet, amount=due - item.amount, due=due)
    pays(rules.part_payment_complete)(life, item)


def moves(rule: Any, kind: str = "") -> Way:
    """What waited goes where it waits as another kind, or for good."""

    def go(life: Life, item: Item) -> None:
        life.do(rule, **item.sum())
        if kind:
            life.open.append(replace(item, kind=kind))

    return go


def arrives(life: Life, item: Item) -> None:
    """The bank paid the agency."""
    life.do(rules.settle_confirmed, agency=item.parts["agency"], amount=item.amount)


def bounces(life: Life, item: Item) -> None:
    """The bank could not pay the agency."""
    life.do(rules.settle_failed, **item.parts | {"amount": item.amount})


WAYS: Final[dict[str, tuple[Way, ...]]] = {
    "late": (pays(rules.late_accept), moves(rules.late_refund, "refund")),
    "duplicate": (moves(rules.duplicate_refund, "refund"),),
    "overpayment": (moves(rules.overpayment_refund, "refund"),),
    "part": (completes, moves(rules.part_payment_refund, "refund")),
    "bank": (
        pays(rules.bank_explained_fee),
        moves(rules.bank_explained_refund, "refund"),
        moves(rules.bank_explained_deposit),
    ),
    "unknown": (
        pays(rules.operator_unknown_accept),
        moves(rules.operator_unknown_refund, "refund"),
    ),
    "refund": (moves(rules.refund_confirmed), moves(rules.refund_rejected, "failed")),
    "failed": (moves(rules.refund_by_bank), moves(rules.refund_again, "refund")),
    "dispute": (
        moves(rules.operator_dispute_paid),
        moves(rules.operator_dispute_write_off),
    ),
    "invoice": (moves(rules.operator_commission_paid),),
    "transit": (arrives, bounces),
}
"""What can become of what waits; the first way always ends it."""


def explain(life: Life, step: Step) -> None:
    """One of the open items goes one of its ways."""
    if life.open:
        item = life.open.pop(step.pick % len(life.open))
        ways = WAYS[item.kind]
        ways[step.minors[0] % len(ways)](life, item)


HAPPENINGS: Final[dict[str, Callable[[Life, Step], None]]] = {
    "pay": pay,
    "too much": pay_too_much,
    "too little": pay_too_little,
    "late": arrive(rules.late_success, "late"),
    "twice": arrive(rules.duplicate, "duplicate"),
    "at the bank": arrive(rules.bank_unidentified, "bank"),
    "unknown": arrive(rules.operator_unknown, "unknown"),
    "dispute": simply(rules.operator_dispute, "dispute"),
    "commission": simply(rules.operator_commission),
    "invoice": simply(rules.operator_commission_invoiced, "invoice"),
    "deposit": simply(rules.bank_deposit),
    "rounding": round_off,
    "bank charge": charge,
    "taxes": remit,
    "sweep": sweep,
    "settle": settle,
    "refund": refund,
    "charge-back": take_back,
    "undo": undo,
    "explain": explain,
}

minors = st.tuples(*[st.integers(0, 5) | st.integers(0, 10**9)] * 6)
steps = st.builds(
    Step,
    what=st.sampled_from([*HAPPENINGS, "pay", "refund", "explain", "explain", "explain"]),
    pick=st.integers(0, 1000),
    wallet=st.sampled_from(WALLETS),
    agency=st.sampled_from(AGENCIES),
    currency=st.sampled_from(CURRENCIES),
    minors=minors,
    recoverable=st.frozensets(st.sampled_from(PAID_PARTS)),
)


def end(life: Life) -> None:
    """Everything open ends; then each account that must return to zero is brought there.

    A last large fee at each place makes good what agencies, operators and the treasury owe us.
    """
    large = Step("pay", 0, "", "", "", (10**13,) * 5 + (0,), frozenset())
    while life.open:
        item = life.open.pop(0)
        WAYS[item.kind][0](life, item)
    for currency in CURRENCIES:
        for wallet, agency in zip(WALLETS, AGENCIES, strict=True):
            last = replace(large, currency=currency, wallet=wallet, agency=agency)
            pay(life, last)
            settle(life, last)
            owed = life.holds(chart.clearing(wallet, currency))
            life.do(rules.bank_deposit, wallet=wallet, amount=owed)
        remit(life, last)
    while life.open:
        item = life.open.pop()
        WAYS[item.kind][0](life, item)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=60))
def test_all_money_that_waits_is_explained_and_at_the_end_only_what_we_earned_is_left(
    happened: list[Step],
) -> None:
    life = Life()
    for step in happened:
        HAPPENINGS[step.what](life, step)
        life.check()
    end(life)
    life.check()
    assert set(life.all("Assets", "Liabilities")) <= {
        bank(currency)
        for currency in CURRENCIES
        for bank in (chart.bank_collection, chart.bank_operating)
    }
    life.do(rules.period_close, life.all("Income", "Expenses"))
    assert life.all("Income", "Expenses") == {}
    for currency in CURRENCIES:
        at_bank = life.holds(chart.bank_collection(currency))
        at_bank += life.holds(chart.bank_operating(currency))
        assert at_bank == life.owes(chart.retained_earnings(currency))


def test_a_long_life_meets_every_rule() -> None:
    chance = Random("a long life")
    life, names = Life(), list(HAPPENINGS)
    for _ in range(3000):
        step = Step(
            what=chance.choice([*names, "pay", "explain", "explain", "explain", "explain"]),
            pick=chance.randrange(1000),
            wallet=chance.choice(WALLETS),
            agency=chance.choice(AGENCIES),
            currency=chance.choice(CURRENCIES),
            minors=tuple(chance.randrange(10**6) for _ in range(6)),
            recoverable=frozenset(chance.sample(PAID_PARTS, chance.randrange(6))),
        )
        HAPPENINGS[step.what](life, step)
    life.check()
    end(life)
    life.do(rules.period_close, life.all("Income", "Expenses"))
    met = {entry.rule for entry in life.entries}
    assert met == set(RULES) - {"REDENOMINATION"}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, min_size=1, max_size=40))
def test_books_in_old_pounds_go_over_to_new_ones_and_balance_in_both(happened: list[Step]) -> None:
    life = Life()
    for step in happened:
        HAPPENINGS[step.what](life, replace(step, currency="XSP"))
    old = {path: life.holds(path) for path in life.all("")}
    if not old:
        return
    life.do(rules.redenomination, old, SYRIA_2026)
    assert {path for path in life.all("") if path.endswith("XSP")} == set()
    assert not any(life.sums().values())
    assert life.holds(chart.trading("SYP")).minor == 0
    off_by = 0
    for path, balance in old.items():
        twin = f"{path[:-3]}SYP"
        if twin != chart.rounding("SYP"):
            assert life.holds(twin) == redenominated(balance, SYRIA_2026)
            off_by += abs(life.holds(twin).minor * 100 - balance.minor)
    assert off_by <= 50 * len(old)
    assert abs(life.holds(chart.rounding("SYP")).minor) <= len(old) + abs(
        redenominated(old.get(chart.rounding("XSP"), Money(0, "XSP")), SYRIA_2026).minor
    )


units = st.sampled_from([("XSP", "SYP"), ("LBP", "ILS"), ("JOD", "LBP"), ("ILS", "JOD")])
changes = st.builds(
    lambda pair, factor, on: Redenomination(old=pair[0], new=pair[1], factor=factor, on=on),
    units,
    st.sampled_from([1, 3, 100, 1000]),
    st.dates(),
)


@given(changes, st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30))
def test_a_new_unit_holds_exactly_the_converted_sum_and_rounding_names_the_difference(
    change: Redenomination, balances: list[int]
) -> None:
    life = Life()
    held = {
        chart.clearing(f"w{at}", change.old): Money(minor, change.old)
        for at, minor in enumerate(balances)
    }
    if not any(balances):
        return
    life.do(rules.redenomination, held, change)
    assert not any(life.sums().values())
    sum_of_parts = sum(redenominated(each, change).minor for each in held.values())
    converted_sum = redenominated(Money(sum(balances), change.old), change)
    assert life.owes(chart.trading(change.new)) == converted_sum
    assert life.holds(chart.trading(change.old)).minor == sum(balances)
    rounded = life.owes(chart.rounding(change.new)).minor
    assert rounded == sum_of_parts - converted_sum.minor
    assert abs(rounded) * 2 <= len(balances) + 1
