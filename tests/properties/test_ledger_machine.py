"""The ledger beside a slow model: submits, repeats, guards, seals, and reads of every kind.

MIZAN_LEDGER_OPERATIONS is how many operations a run does (5,000; the nightly run does 100,000).
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Coroutine
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import Money
from kernel.privacy import Keys
from ledger import guards, reports
from ledger.engine import Ledger
from ledger.guards import Guard
from ledger.journal import Posting, Transaction
from ledger.reports import TrialBalance
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
    for name in ("Assets:Bank:A", "Assets:Bank:B", "Liabilities:Agency:X:Y", "Income:ServiceFee")
)
ZONES = ("UTC", "Asia/Amman", "Asia/Beirut")

picks = st.integers(0, 10_000)
days = st.integers(0, 4)
amounts = st.one_of(st.integers(1, 60), st.integers(10**8, 10**16))
moves = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), amounts), min_size=1, max_size=4)
entries = st.tuples(moves, st.booleans(), days, st.sampled_from(ZONES))
kinds = st.sampled_from(["new"] * 6 + ["repeat", "other body", "taken id", "reverse", "unknown"])


class LedgerMachine(RuleBasedStateMachine):
    """Rules are operations; every read is compared with the model."""

    database: Database
    runner: asyncio.Runner
    databases: TestDatabases

    @initialize()
    def begin(self) -> None:
        """Empty books."""
        self.model = ModelLedger()
        self.clock = ManualClock(MORNING)
        self.signer = Signer(Keys(SECRET))
        url = self.do(self.databases.take())
        self.pool = self.do(Database.connect(url, size=4))
        self.ledger = Ledger(self.pool)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end in the machine's loop."""
        return self.runner.run(work)

    def teardown(self) -> None:
        """Whatever happened, all of it can be proved."""
        if hasattr(self, "pool"):
            self.do(self._end())

    async def _end(self) -> None:
        while await seal_once(self.pool, self.signer, self.clock):
            self.model.sealed = len(self.model.batches)
        async with self.pool.read() as connection:
            found = await verify(connection, key=self.signer.public)
        assert found.bad is None
        assert found.transactions == len(self.model.entries())
        await self.ledger.close()
        await self.pool.close()
        await self.databases.give_back()

    @rule(wanted=st.lists(st.tuples(kinds, entries, picks), min_size=1, max_size=8))
    def submit(self, wanted: list[tuple[str, Any, int]]) -> None:
        """Callers at once share a commit; each gets what it would have got in its turn."""
        batch = [self.make(*each) for each in wanted]

        async def together() -> list[Any]:
            return await asyncio.gather(*(self.ledger.submit(each) for each in batch))

        results = told(self.do(together()))
        assert without_detail(results) == without_detail(self.model.submit(batch))

    def make(self, kind: str, entry: Any, pick: int) -> Transaction:
        """A transaction of a kind, or a new one if that kind needs an older one."""
        movements, is_foreign, back, zone = entry
        accounts = ACCOUNTS[4:] if is_foreign else ACCOUNTS[:4]
        postings = tuple(
            Posting(accounts[at], accounts[(at + step) % 4], Money(minor, accounts[at][-3:]))
            for at, step, minor in movements
        )
        occurred: datetime = MORNING - timedelta(days=back)
        new = Transaction(IDS.new(), "TEST", str(IDS.new()), postings, occurred, zone=zone)
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

    @rule()
    def seal(self) -> None:
        """The sealer comes by."""
        self.do(seal_once(self.pool, self.signer, self.clock))
        self.clock.forward(timedelta(minutes=7))
        self.model.sealed = len(self.model.batches)

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
        inside = [each for each in self.model.entries() if first <= each.business_date <= last]
        inside.sort(key=lambda each: each.business_date)
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

    @invariant()
    def balances_agree(self) -> None:
        """After every operation, what is there now."""
        if hasattr(self, "pool"):
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
