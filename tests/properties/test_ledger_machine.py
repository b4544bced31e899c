"""The ledger beside a slow model: submits of one engine or two at once, repeats, guards, closings,
seals, and reads of every kind after them.

MIZAN_LEDGER_OPERATIONS is how many operations a run does (5,000; the nightly run does 100,000).
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Coroutine
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import Money
from kernel.privacy import Keys
from ledger import guards, periods, reports
from ledger.ageing import Ageing, ageing
from ledger.engine import Ledger
from ledger.guards import Guard
from ledger.journal import Posted, Posting, Result, Transaction
from ledger.periods import Order, PeriodKind
from ledger.reports import JournalPage, TrialBalance
from ledger.seal import Signer
from ledger.sealer import seal_once
from ledger.verify import verify
from tests.conftest import SECRET
from tests.databases import TestDatabases
from tests.properties.ledger_model import ModelLedger, without_detail
from tests.unit.ledger.makers import IDS, MORNING, told

T = TypeVar("T")

STEPS = 50
OPERATIONS = int(os.environ.get("MIZAN_LEDGER_OPERATIONS", "5000"))
ACCOUNTS = tuple(
    f"{name}:{currency}"
    for currency in ("JOD", "ILS")
    for name in (
        "Assets:Bank:A",
        "Liabilities:Suspense:Unallocated:Bank",
        "Liabilities:Agency:X:Y",
        "Income:ServiceFee",
    )
)
PAYMENTS = (None, *(UUID(int=7 << 124 | n) for n in range(3)))
YESTERDAY = MORNING.date() - timedelta(days=1)
MARK_EVERY = 5
"""Totals are marked this often here, so that looks back start from all kinds of places."""

ZONES = ("UTC", "Asia/Amman", "Asia/Beirut")

picks = st.integers(0, 10_000)
days = st.integers(0, 4)
amounts = st.one_of(st.integers(1, 60), st.integers(10**8, 10**16))
moves = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), amounts), min_size=1, max_size=4)
entries = st.tuples(moves, st.booleans(), days, st.sampled_from(ZONES), st.sampled_from(PAYMENTS))
kinds = st.sampled_from(["new"] * 6 + ["repeat", "other body", "taken id", "reverse", "unknown"])
batches = st.lists(st.tuples(kinds, entries, picks), min_size=1, max_size=8)


class LedgerMachine(RuleBasedStateMachine):
    """Rules are operations; every read is compared with the model."""

    database: Database
    runner: asyncio.Runner
    databases: TestDatabases
    pools: ClassVar[dict[str, Database]]
    """Of databases; a pool is warm from the second life on, as in production."""
    is_written = False

    @initialize(wanted=st.lists(batches, min_size=1, max_size=4))
    def begin(self, wanted: list[Any]) -> None:
        """Books with a few entries."""
        self.model = ModelLedger()
        self.clock = ManualClock(MORNING)
        self.signer = Signer(Keys(SECRET))
        url = self.databases.take()
        if url not in self.pools:
            self.pools[url] = self.do(Database.connect(url, size=4))
        self.pool = self.pools[url]
        self.ledger, self.other = Ledger(self.pool), Ledger(self.pool)
        for each in wanted:
            self.submit(each)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end in the machine's loop."""
        return self.runner.run(work)

    def teardown(self) -> None:
        """Whatever happened, all of it can be proved."""
        if hasattr(self, "pool"):
            try:
                self.do(self._end())
            finally:
                self.databases.give_back()

    async def _end(self) -> None:
        try:
            while await self.seal_once():
                pass
            async with self.pool.read() as connection:
                found = await verify(
                    connection, trusted=[self.signer.public], mark_every=MARK_EVERY
                )
            assert found.bad is None
            assert found.transactions == len(self.model.entries())
        finally:
            await self.ledger.close()
            await self.other.close()

    async def seal_once(self, limit: int = 10_000) -> bool:
        """One seal; whether there was something."""
        sealed = await seal_once(
            self.pool, self.signer, self.clock, limit=limit, mark_every=MARK_EVERY
        )
        return sealed is not None

    # More than one rule submits, or what reads would crowd it out.
    @rule(wanted=batches)
    def submit_first(self, wanted: Any) -> None:
        """Callers at once."""
        self.submit(wanted)

    @rule(wanted=batches)
    def submit_next(self, wanted: Any) -> None:
        """Callers at once."""
        self.submit(wanted)

    @rule(wanted=batches)
    def submit_then(self, wanted: Any) -> None:
        """Callers at once, and whatever is sealed by then."""
        self.submit(wanted)
        self.seal(3)

    def submit(self, wanted: list[tuple[str, Any, int]]) -> None:
        """Callers at once share a commit; each gets what it would have got in its turn."""
        batch = [self.make(*each) for each in wanted]
        self.is_written = True
        results = self.do(together(self.ledger, batch))
        assert without_detail(told(results)) == without_detail(self.model.submit(batch))
        self.check_days(results)

    @rule(wanted=batches, others=batches, is_shared=st.booleans())
    def submit_at_once(self, wanted: Any, others: Any, is_shared: bool) -> None:
        """Two engines at once: it comes out as if one had come behind the other."""
        one = [self.make(*each) for each in wanted]
        two = [self.make(*each) for each in others]
        if is_shared:
            two += [dataclasses.replace(each, id=IDS.new()) for each in reversed(one)]

        async def race() -> tuple[list[Result], list[Result]]:
            return await asyncio.gather(together(self.ledger, one), together(self.other, two))

        results = self.do(race())
        found = [without_detail(told(each)) for each in results]
        for is_swapped in (False, True):
            model = self.model.copy()
            batches = (two, one) if is_swapped else (one, two)
            expected = [without_detail(model.submit(each)) for each in batches]
            if found == (expected[::-1] if is_swapped else expected):
                break
        else:
            raise AssertionError(f"{found} comes out in no order, the last expected: {expected}")
        before, self.model, self.is_written = len(self.model.batches), model, True
        # Of two that do not meet, the numbers say which comes first.
        firsts = {each: each.transactions[0].id for each in model.batches[before:]}
        numbers = self.do(self.numbers(list(firsts.values())))
        model.batches[before:] = sorted(firsts, key=lambda each: numbers[firsts[each]])
        for each in results:
            self.check_days(each)

    async def numbers(self, ids: list[UUID]) -> dict[UUID, int]:
        """In which places of the journal some entries stand."""
        async with self.pool.read() as connection:
            rows = await connection.fetch(
                "SELECT id, seq FROM ledger.transaction WHERE id = ANY ($1)", ids
            )
        return {row["id"]: row["seq"] for row in rows}

    def check_days(self, results: list[Result]) -> None:
        """What is booked stands on its day, or on the first that was open then."""
        for each in results:
            if isinstance(each, Posted):
                assert each.business_date == self.model.stands[each.id]

    def make(self, kind: str, entry: Any, pick: int) -> Transaction:
        """A transaction of a kind, or a new one if that kind needs an older one."""
        movements, is_foreign, back, zone, payment = entry
        accounts = ACCOUNTS[4:] if is_foreign else ACCOUNTS[:4]
        postings = tuple(
            Posting(accounts[at], accounts[(at + step) % 4], Money(minor, accounts[at][-3:]))
            for at, step, minor in movements
        )
        occurred: datetime = MORNING - timedelta(days=back)
        new = Transaction(
            IDS.new(),
            "ODD" if len(postings) % 2 else "EVEN",
            str(IDS.new()),
            postings,
            occurred,
            zone=zone,
            reference=payment,
        )
        old = self.model.entries()
        if kind == "unknown":
            return dataclasses.replace(new, reverses=IDS.new())
        if kind == "new" or not old:
            return new
        chosen = old[pick % len(old)]
        match kind:
            case "repeat":
                return dataclasses.replace(chosen, id=new.id)
            case "other body":
                return dataclasses.replace(chosen, id=new.id, note="other")
            case "taken id":
                return dataclasses.replace(new, id=chosen.id)
        mirrored = tuple(Posting(p.credit, p.debit, p.amount) for p in chosen.postings)
        return dataclasses.replace(new, postings=mirrored, reverses=chosen.id)

    @rule(at=st.integers(0, 7), low=st.integers(-80, 0), high=st.integers(0, 80), kind=picks)
    def guard(self, at: int, low: int, high: int, kind: int) -> None:
        """Limits change, a closed account opens again."""
        account = ACCOUNTS[at]
        minimum, maximum = Money(low, account[-3:]), Money(high, account[-3:])
        wanted = (
            Guard(account, minimum, maximum),
            Guard(account, minimum=minimum),
            Guard(account, maximum=maximum),
            Guard(account, is_closed=True),
            Guard(account),
            Guard(account),
        )[kind % 6]

        async def put() -> None:
            async with self.pool.transaction() as connection:
                await guards.guard(connection, wanted)

        self.do(put())
        self.model.guards[account] = wanted

    @rule(limit=st.sampled_from([1, 3, 10, 10_000]))
    def comes_to_seal(self, limit: int) -> None:
        """The sealer comes by."""
        self.seal(limit)

    def seal(self, limit: int) -> None:
        """One seal."""
        self.is_written = True
        self.do(self.seal_once(limit))
        self.clock.forward(timedelta(minutes=7))
        self.model.seal(limit)

    @rule(back=st.sampled_from([4, 4, 3, 3, 2, 1, 0]))
    def close(self, back: int) -> None:
        """Days are shut, and the snapshot says how they stand."""
        until = MORNING.date() - timedelta(days=back)
        order = Order(
            kind=PeriodKind.DAY, until=until, latest=YESTERDAY, by="Amal", at=self.clock.now()
        )

        async def put() -> periods.Closing | periods.Refused:
            async with self.pool.read() as connection:
                return await periods.close(connection, order, {})

        made = self.do(put())
        refused = self.model.close(until, YESTERDAY)
        if isinstance(made, periods.Refused):
            assert made.reason == refused
            return
        assert refused is None
        turnovers = sorted(self.model.turnovers(day=until).items())
        assert made.balances.splitlines() == [f"{p} {d} {c} {d - c}" for p, (d, c) in turnovers]

    @precondition(lambda self: self.model.closed)
    @rule()
    def reopen(self) -> None:
        """Two people take the last closing back."""

        async def ask() -> object:
            async with self.pool.read() as connection:
                asked = await periods.request_reopening(
                    connection, by="Amal", at=self.clock.now(), reason="a deposit was forgotten"
                )
                if isinstance(asked, periods.Refused):
                    return asked.reason
                return await periods.approve_reopening(
                    connection, asked.number, by="Basim", at=self.clock.now()
                )

        answer = self.do(ask())
        assert isinstance(answer, periods.Closing)
        assert answer.until == self.model.closed.pop()

    @rule(back=days)
    def read_day(self, back: int) -> None:
        """The trial balance up to a business date."""
        day = MORNING.date() - timedelta(days=back)
        self.compare(day, self.model.turnovers(day=day))

    @rule(pick=picks)
    def read_position(self, pick: int) -> None:
        """The trial balance up to a position, which never changes any more."""
        position = pick % (self.model.last_position() + 1)
        self.compare(position, self.model.turnovers(position=position))

    @rule(at=st.integers(0, 7), back=days, length=days)
    def read_statement(self, at: int, back: int, length: int) -> None:
        """An account between two business dates."""
        first = MORNING.date() - timedelta(days=back)
        last = first + timedelta(days=length)
        stands = self.model.stands
        inside = [each for each in self.model.entries() if first <= stands[each.id] <= last]
        inside.sort(key=lambda each: stands[each.id])
        before = self.model.turnovers(day=first - timedelta(days=1))

        async def read() -> reports.Statement | None:
            async with self.pool.read() as connection:
                return await reports.statement(connection, ACCOUNTS[at], since=first, until=last)

        self.check(self.do(read()), ACCOUNTS[at], inside, before)

    @rule(at=st.integers(0, 7), since=picks, until=picks)
    def read_statement_at(self, at: int, since: int, until: int) -> None:
        """An account between two positions."""
        end = self.model.last_position()
        if not end:
            return
        first, last = sorted((since % end + 1, until % end + 1))
        inside = self.model.entries(last)[first - 1 :]
        before = self.model.turnovers(position=first - 1)

        async def read() -> reports.Statement | None:
            async with self.pool.read() as connection:
                return await reports.statement_at(connection, ACCOUNTS[at], since=first, until=last)

        self.check(self.do(read()), ACCOUNTS[at], inside, before)

    def check(
        self,
        found: reports.Statement | None,
        account: str,
        inside: list[Transaction],
        before: dict[str, tuple[int, int]],
    ) -> None:
        """A statement holds exactly these entries, and its sums lead from one end to the other."""
        if found is None:  # never touched, never guarded
            assert account not in self.model.turnovers()
            return
        lines = self.model.lines(account, inside)
        assert [(line.transaction, line.amount.minor) for line in found.lines] == lines
        debits, credits = before.get(account, (0, 0))
        assert found.opening.minor == debits - credits
        assert found.closing.minor == debits - credits + sum(minor for _, minor in lines)
        if found.lines:
            assert found.lines[-1].balance == found.closing

    @rule(at=st.integers(0, 7), back=st.integers(-2, 4))
    def read_ageing(self, at: int, back: int) -> None:
        """How old what stands on an account is."""
        day = MORNING.date() - timedelta(days=back)

        async def read() -> Ageing | None:
            async with self.pool.read() as connection:
                return await ageing(connection, ACCOUNTS[at], at=day)

        found = self.do(read())
        items = found.items if found else ()
        assert [
            (item.reference, item.since, item.amount.minor) for item in items
        ] == self.model.open_items(ACCOUNTS[at], day)
        assert all(item.days == (day - item.since).days for item in items)
        assert not found or sum(each.amount.minor for each in found.buckets) == found.balance.minor

    @rule(
        account=st.sampled_from([None, *ACCOUNTS]),
        since=st.sampled_from([None, 4, 3, 1]),
        until=st.sampled_from([None, 3, 1, 0]),
        name=st.sampled_from([None, None, "ODD", "EVEN"]),
        payment=st.sampled_from(PAYMENTS),
        limit=st.integers(1, 9),
    )
    def read_journal(self, since: int | None, until: int | None, limit: int, **asked: Any) -> None:
        """The journal by account, days, rule and payment, from page to page."""
        account, name, payment = asked["account"], asked["name"], asked["payment"]
        first = MORNING.date() - timedelta(days=since) if since else None
        last = MORNING.date() - timedelta(days=until) if until else None

        async def read(after: UUID | None) -> JournalPage:
            async with self.pool.read() as connection:
                return await reports.journal(
                    connection,
                    after=after,
                    limit=limit,
                    since=first,
                    until=last,
                    rule=name,
                    reference=payment,
                    account=account,
                )

        page = self.do(read(None))
        found = list(page.items)
        while page.next:
            assert len(page.items) == limit
            page = self.do(read(page.next))
            found += page.items
        expected = [
            each
            for each in reversed(self.model.entries())
            if (first or date.min) <= self.model.stands[each.id] <= (last or date.max)
            and name in (None, each.rule)
            and payment in (None, each.reference)
            and (account is None or self.model.lines(account, [each]))
        ]
        assert [item.transaction for item in found] == expected
        assert [item.business_date for item in found] == [
            self.model.stands[each.id] for each in expected
        ]

    @invariant()
    def balances_agree(self) -> None:
        """After every operation that writes, what is there now."""
        if self.is_written:
            self.is_written = False
            self.compare(None, self.model.turnovers())

    def compare(self, as_of: date | int | None, expected: dict[str, tuple[int, int]]) -> None:
        """The trial balance against the model's."""

        async def read() -> TrialBalance:
            async with self.pool.read() as connection:
                return await reports.trial_balance(connection, as_of)

        trial = self.do(read())
        found = {
            account.path: (turnover.debits.minor, turnover.credits.minor)
            for account, turnover in trial.accounts.items()
        }
        assert found == expected
        assert trial.is_balanced


async def together(ledger: Ledger, batch: list[Transaction]) -> list[Result]:
    """Callers at once."""
    return await asyncio.gather(*(ledger.submit(each) for each in batch))


@pytest.fixture
def runner() -> Any:
    """A loop for the machine."""
    with asyncio.Runner() as runner:
        yield runner


def test_the_books_say_what_the_model_says(
    test_databases: TestDatabases, runner: asyncio.Runner
) -> None:
    class Machine(LedgerMachine):
        databases = test_databases
        pools: ClassVar[dict[str, Database]] = {}

    Machine.runner = runner
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(1, OPERATIONS // STEPS),
            stateful_step_count=STEPS,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for pool in Machine.pools.values():
        runner.run(pool.close())
