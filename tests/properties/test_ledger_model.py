"""The ledger beside a slow model in plain Python: random rules, repeats, bad entries, in batches.

The model knows the posting table by heart and shares no code with the rules: what it says each
account must hold is compared with what the books report after every batch.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.database import Connection, Database
from kernel.money import Money
from ledger import journal, reports, rules
from ledger.journal import LedgerRefusal, Refused, Transaction
from tests.unit.ledger.makers import IDS, MORNING, Told, posted, replayed, told

PARTS = ("principal", "stamp", "penalty", "service_fee", "agency_fee")


@dataclass(frozen=True)
class Step:
    """One thing that happens: what, to which of the open items, and with which amounts."""

    what: str
    pick: int
    currency: str
    wallet: str
    parts: dict[str, int]
    extra: int

    @property
    def total(self) -> int:
        """What the citizen pays."""
        return sum(self.parts[part] for part in PARTS if part != "agency_fee")


@dataclass
class Item:
    """Money that still waits for something, and where it came from."""

    step: Step
    amount: int


@dataclass
class Model:
    """What must be in the books, kept the slow way."""

    balances: Counter[str] = field(default_factory=Counter)
    sent: list[Transaction] = field(default_factory=list)
    ids: dict[str, Any] = field(default_factory=dict)
    waiting: dict[str, list[Item]] = field(default_factory=dict)
    reversible: list[Transaction] = field(default_factory=list)
    reversed: set[Any] = field(default_factory=set)

    def move(self, debit: str, credit: str, minor: int) -> None:
        """One movement."""
        self.balances[debit] += minor
        self.balances[credit] -= minor

    def put(self, kind: str, item: Item) -> None:
        """An item waits from now on."""
        self.waiting.setdefault(kind, []).append(item)

    def take(self, kind: str, pick: int) -> Item | None:
        """One of the waiting items, which waits no more."""
        items = self.waiting.get(kind)
        return items.pop(pick % len(items)) if items else None

    def spread(self, source: str, step: Step, sign: int = 1) -> None:
        """A fee's parts, from where the money comes to whom it belongs."""
        currency, parts = step.currency, step.parts
        agency = f"Liabilities:Agency:ROADS:LICENCE:{currency}"
        income = f"Income:ServiceFee:{currency}"
        self.move(source, agency, sign * (parts["principal"] + parts["penalty"]))
        self.move(source, f"Liabilities:StampDuty:{currency}", sign * parts["stamp"])
        self.move(source, income, sign * parts["service_fee"])
        self.move(agency, income, sign * parts["agency_fee"])


def clearing(step: Step) -> str:
    """What the operator owes us."""
    return f"Assets:Clearing:{step.wallet.upper()}:{step.currency}"


def held(kind: str, step: Step) -> str:
    """Where money of a kind waits."""
    return {
        "late": f"Liabilities:Suspense:LateSuccess:{step.wallet.upper()}:{step.currency}",
        "duplicate": f"Liabilities:Duplicate:{step.wallet.upper()}:{step.currency}",
        "overpaid": f"Liabilities:Overpayment:{step.currency}",
        "refund": f"Liabilities:RefundPayable:{step.wallet.upper()}:{step.currency}",
        "failed": f"Liabilities:Suspense:RefundFailed:{step.wallet.upper()}:{step.currency}",
    }[kind]


def facts(step: Step) -> dict[str, Any]:
    """What every rule is called with."""
    at = IDS.new()
    return {"id": at, "key": f"{step.what} {at}", "occurred_at": MORNING, "wallet": step.wallet}


def fee_facts(step: Step) -> dict[str, Any]:
    """What a rule for a fee is called with."""
    parts = {part: Money(minor, step.currency) for part, minor in step.parts.items()}
    return facts(step) | {"agency": "roads", "service": "licence"} | parts


def sum_facts(step: Step, item: Item) -> dict[str, Any]:
    """What a rule for one sum is called with, at the operator the money came from."""
    amount = Money(item.amount, item.step.currency)
    return facts(step) | {"wallet": item.step.wallet, "amount": amount}


def enter(model: Model, step: Step) -> Transaction | None:
    """Money comes in: as a fee, too late, twice, or too much."""
    item = Item(step, step.total)
    if step.what == "fee":
        model.spread(clearing(step), step)
        model.put("paid", item)
        return rules.fee_succeeded(**fee_facts(step))
    if step.what == "overpaid":
        model.spread(clearing(step), step)
        model.move(clearing(step), held("overpaid", step), step.extra)
        model.put("overpaid", Item(step, step.extra))
        paid = Money(step.total + step.extra, step.currency)
        return rules.overpayment(**fee_facts(step), paid=paid)
    model.move(clearing(step), held(step.what, step), step.total)
    model.put(step.what, item)
    rule = rules.late_success if step.what == "late" else rules.duplicate
    return rule(**sum_facts(step, item))


def accept_late(model: Model, step: Step) -> Transaction | None:
    """Late money pays its bill."""
    item = model.take("late", step.pick)
    if item is None:
        return None
    model.spread(held("late", item.step), item.step)
    model.put("paid", item)
    return rules.late_accept(**fee_facts(item.step))


def give_back(kind: str, rule: Callable[..., Transaction]) -> Any:
    """Waiting money of a kind is to be refunded."""

    def step_of(model: Model, step: Step) -> Transaction | None:
        item = model.take(kind, step.pick)
        if item is None:
            return None
        model.move(held(kind, item.step), held("refund", item.step), item.amount)
        model.put("refund", item)
        return rule(**sum_facts(step, item))

    return step_of


def refund_fee(model: Model, step: Step) -> Transaction | None:
    """A paid fee is to be refunded whole."""
    item = model.take("paid", step.pick)
    if item is None:
        return None
    model.spread(held("refund", item.step), item.step, sign=-1)
    model.put("refund", item)
    return rules.refund_full(**fee_facts(item.step))


def end_refund(model: Model, step: Step) -> Transaction | None:
    """The operator pays a refund, or rejects it."""
    item = model.take("refund", step.pick)
    if item is None:
        return None
    if step.what == "confirm":
        model.move(held("refund", item.step), clearing(item.step), item.amount)
        return rules.refund_confirmed(**sum_facts(step, item))
    model.move(held("refund", item.step), held("failed", item.step), item.amount)
    return rules.refund_rejected(**sum_facts(step, item))


HAPPENINGS: dict[str, Callable[[Model, Step], Transaction | None]] = {
    "fee": enter,
    "overpaid": enter,
    "late": enter,
    "duplicate": enter,
    "accept": accept_late,
    "late back": give_back("late", rules.late_refund),
    "duplicate back": give_back("duplicate", rules.duplicate_refund),
    "excess back": give_back("overpaid", rules.overpayment_refund),
    "refund": refund_fee,
    "confirm": end_refund,
    "reject": end_refund,
}
NOISE = ("repeat", "other body", "taken id", "malformed", "reverse", "reverse again")


def disturb(model: Model, step: Step) -> tuple[Transaction, Told] | None:
    """Something that must change nothing, except for a reversal; with the result it must have."""
    if step.what.startswith("reverse"):
        return reverse(model, step)
    if not model.sent:
        return None
    old = model.sent[step.pick % len(model.sent)]
    first = model.ids[old.key]
    if step.what == "repeat":
        return dataclasses.replace(old, id=IDS.new()), replayed(first)
    if step.what == "other body":
        changed = dataclasses.replace(old, id=IDS.new(), postings=old.postings * 2)
        return changed, Refused(LedgerRefusal.KEY_REUSED, "postings")
    if step.what == "taken id":
        changed = dataclasses.replace(old, key=f"{old.key} again", reverses=None)
        return changed, Refused(LedgerRefusal.ID_TAKEN)
    changed = dataclasses.replace(old, id=IDS.new(), key=f"{old.key} bad", postings=())
    return changed, Refused(LedgerRefusal.MALFORMED, "postings")


def reverse(model: Model, step: Step) -> tuple[Transaction, Told] | None:
    """An entry of an earlier batch is undone; the second time that is refused."""
    if not model.reversible:
        return None
    old = model.reversible[step.pick % len(model.reversible)]
    key = f"reverse {old.key} {step.what} {len(model.sent)}"
    mirror = rules.reversal(old, id=IDS.new(), key=key, occurred_at=MORNING)
    if old.id in model.reversed:
        return mirror, Refused(LedgerRefusal.ALREADY_REVERSED)
    model.reversed.add(old.id)
    for posting in old.postings:
        model.move(posting.credit, posting.debit, posting.amount.minor)
    return mirror, posted(mirror.id)


def expect(model: Model, step: Step) -> tuple[Transaction, Told] | None:
    """What a step submits and what must come of it."""
    if step.what in NOISE:
        found = disturb(model, step)
    else:
        made = HAPPENINGS[step.what](model, step)
        found = (made, posted(made.id)) if made else None
    if found and not isinstance(found[1], Refused) and found[1][0] == "posted":
        model.sent.append(found[0])
        model.ids[found[0].key] = found[0].id
    return found


async def run_batch(connection: Connection, model: Model, steps: list[Step]) -> None:
    """Submit a batch; compare results with the model's, then every account."""
    expected = [found for step in steps if (found := expect(model, step))]
    results = told(await journal.submit(connection, [each for each, _ in expected]))
    for (_, wanted), result in zip(expected, results, strict=True):
        if isinstance(wanted, Refused) and isinstance(result, Refused) and not wanted.detail:
            result = dataclasses.replace(result, detail="")
        assert result == wanted
    model.reversible = list(model.sent)
    await compare(connection, model)


async def compare(connection: Connection, model: Model) -> None:
    """Every account holds what the model says; debits equal credits in every currency."""
    trial = await reports.trial_balance(connection)
    found = {account.path: turnover.balance.minor for account, turnover in trial.accounts.items()}
    assert {path: minor for path, minor in found.items() if minor} == {
        path: minor for path, minor in model.balances.items() if minor
    }
    assert trial.is_balanced
    assert await reports.is_balanced(connection)


@asynccontextmanager
async def undone(database: Database) -> AsyncIterator[Connection]:
    """A database transaction that never commits, so that each example starts with empty books."""
    async with database.read() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            yield connection
        finally:
            await transaction.rollback()


part = st.integers(0, 10**12)
parts = st.fixed_dictionaries(dict.fromkeys(PARTS, part) | {"principal": st.integers(1, 10**12)})


def steps(*kinds: str) -> st.SearchStrategy[Step]:
    """Steps of some kinds."""
    return st.builds(
        Step,
        what=st.sampled_from(kinds),
        pick=st.integers(0, 1000),
        currency=st.sampled_from(["JOD", "ILS", "LBP"]),
        wallet=st.sampled_from(["demo", "other"]),
        parts=parts,
        extra=st.integers(1, 10**9),
    )


unhurried = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@unhurried
@given(st.lists(st.lists(steps(*HAPPENINGS, *HAPPENINGS, *NOISE), max_size=12), max_size=8))
async def test_every_account_holds_what_the_model_says_after_every_batch(
    database: Database, batches: list[list[Step]]
) -> None:
    model = Model()
    async with undone(database) as connection:
        for batch in batches:
            await run_batch(connection, model, batch)


@unhurried
@given(st.lists(steps(*HAPPENINGS), max_size=40))
async def test_when_all_is_settled_nothing_waits_and_clearing_is_what_came_in_less_what_went_out(
    database: Database, happened: list[Step]
) -> None:
    model = Model()
    entered = Counter[str]()
    for step in happened:
        if step.what in ("fee", "late", "duplicate", "overpaid"):
            entered[clearing(step)] += step.total + step.extra * (step.what == "overpaid")
    async with undone(database) as connection:
        await run_batch(connection, model, happened)
        for kind, settle in [
            ("late", "late back"),
            ("duplicate", "duplicate back"),
            ("overpaid", "excess back"),
            ("refund", "confirm"),
        ]:
            while waiting := model.waiting.get(kind):
                step = dataclasses.replace(waiting[0].step, what=settle, pick=0)
                await run_batch(connection, model, [step])
        trial = await reports.trial_balance(connection)
    found = {account.path: turnover.balance.minor for account, turnover in trial.accounts.items()}
    went_out = Counter[str]()
    for sent in model.sent:
        if sent.rule == "REFUND_CONFIRMED":
            went_out[sent.postings[0].credit] += sent.postings[0].amount.minor
    for path, minor in found.items():
        if path.startswith("Assets:Clearing"):
            assert minor == entered[path] - went_out[path]
        if any(word in path for word in ("LateSuccess", "Duplicate", "Overpayment", "RefundPay")):
            assert minor == 0, path


@unhurried
@given(st.lists(steps(*HAPPENINGS), min_size=1, max_size=12), st.randoms())
async def test_submitting_everything_again_in_any_order_changes_nothing(
    database: Database, happened: list[Step], order: Any
) -> None:
    model = Model()
    async with undone(database) as connection:
        await run_batch(connection, model, happened)
        again = [dataclasses.replace(each, id=IDS.new()) for each in model.sent * 2]
        order.shuffle(again)
        results = await journal.submit(connection, again)
        assert told(results) == [replayed(model.ids[each.key]) for each in again]
        await compare(connection, model)
