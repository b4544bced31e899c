"""Random lives of payments beside a model: starts, answers, callbacks, repeats, dead workers, time.

The rules call the use cases on the real database, with a wallet that behaves like an operator: it
takes money at most once for an attempt, refuses repeated ids, and may answer wrongly late or not at
all. The model is the wallet's own truth; after every step our books must agree with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
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

from fees import catalogue
from fees.bills import Bill
from kernel import work
from kernel.clock import ManualClock
from kernel.config import PaymentsConfig
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.work import LeaseLost, Work
from launch.embedded import Urls
from payments import send, verify
from payments.desk import Desk
from payments.offer import Refused
from payments.refusals import Refusal
from payments.start import Started, StartRequest, start
from payments.states import EDGES, OPEN, Event, State
from tests.conftest import NINE_O_CLOCK, SECRET, with_database
from tests.unit.payments.conftest import WALLET, Counter
from tests.unit.payments.scripted_wallet import (
    NO_ANSWER,
    NO_FUNDS,
    NO_TRACE,
    NOT_SENT,
    PENDING,
    SUCCESS,
    ScriptedWallet,
)
from wallets.port import Attempt, Claim, CollectionRequest, Known, Outcome, Verdict

T = TypeVar("T")

PRICE = 50_000
PEOPLE = tuple(Msisdn(f"+96279000000{n}") for n in range(3))
BILLS = 4
WINDOW = timedelta(seconds=WALLET.query_window_s)

Handler = Callable[[Desk, Work], Awaitable[None]]
HANDLERS: Mapping[str, Handler] = {
    "payments.collect": send.send,
    "payments.query": verify.query,
    "wallets.callback": verify.on_callback,
}


class Died(Exception):
    """The worker is gone in the middle of its call."""


@dataclass
class Operator(ScriptedWallet):
    """The model: who was debited, in truth.

    ``answers`` and ``meanwhile`` say how the next calls go, ``decides`` what comes of new attempts.
    """

    answers: str = "truth"
    decides: str = "open"
    meanwhile: Callable[[], Awaitable[None]] | None = None
    decided: dict[UUID, str] = field(default_factory=dict)
    """Every attempt taken: ``open``, ``refused`` or ``debited``, which is for good."""
    asked_at: dict[UUID, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    async def collect(self, request: CollectionRequest) -> Verdict:
        """Take an attempt once; a repeated id is looked up and never taken again."""
        answers = self.answers
        if request.id in self.decided:
            verdict = replace(self._truth(request.id), resend_safe=False)
        elif answers == "turned away":
            verdict = NOT_SENT
        elif answers == "lost":
            verdict = NO_ANSWER
        else:
            self.decided[request.id] = self.decides
            verdict = self._truth(request.id)
        await self._take_time()
        silent = answers == "silence" and verdict is not NOT_SENT
        return self._with_evidence(NO_ANSWER if silent else verdict, "collect")

    async def query(self, request: Attempt, known: Known) -> Verdict:
        """Tell the truth, or nothing."""
        del known
        self.asked_at[request.id].append(self.clock.now())
        verdict = self._truth(request.id) if self.answers == "truth" else NO_ANSWER
        await self._take_time()
        return self._with_evidence(verdict, "query")

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Claim:
        """A callback's body begins with what it claims."""
        del headers
        return Claim(outcome=Outcome(body.split(b" ")[0].decode()))

    def _truth(self, attempt: UUID) -> Verdict:
        states = {"open": PENDING, "refused": NO_FUNDS, "debited": SUCCESS}
        known = self.decided.get(attempt)
        return states[known] if known else NO_TRACE

    async def _take_time(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()


CROWDS = (*((who,) for who in PEOPLE), PEOPLE[:2])
answering = st.sampled_from(["truth"] * 6 + ["silence", "lost", "turned away"])
decisions = st.sampled_from(["open", "debited", "refused"])
claiming = st.sampled_from([outcome.value for outcome in Outcome])
fates = st.sampled_from(["", "", "dies", "is overtaken"])
picks = st.integers(0, 1000)
waits = st.sampled_from([0, 5, 40, 90, 600, 7300])


class Lives(RuleBasedStateMachine):
    """Payments of a few bills by three people, and everything that can happen to them."""

    loop: asyncio.Runner
    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(NINE_O_CLOCK)
        self.operator = Operator(self.clock)
        self.requests: list[StartRequest] = []
        self.attempts: dict[UUID, UUID] = {}

    def do(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something on the event loop of all lives."""
        return self.loop.run(coroutine)

    @initialize()
    def open_shop(self) -> None:
        """A counter with a few bills; work of former lives is gone."""
        self.do(self._open_shop())

    async def _open_shop(self) -> None:
        desk = Desk(
            database=self.database,
            keys=Keys(SECRET),
            clock=self.clock,
            ids=RandomIds(),
            config=PaymentsConfig(poll_jitter=0.0, send_retry_s=30.0),
            wallets={"sandbox": self.operator},
            wallet_configs={"sandbox": WALLET},
            public_url="https://gateway.example",
        )
        self.counter = Counter(desk, self.operator, self.clock)
        async with self.database.transaction() as connection:
            await catalogue.load_demo(connection, at=self.clock.now())
            await connection.execute("DELETE FROM kernel.work")
        self.bills: list[Bill] = [await self.counter.bill() for _ in range(BILLS)]

    def teardown(self) -> None:
        """Faults off: the operator tells the truth and says it again; everything must end."""
        if hasattr(self, "counter"):
            self.do(self._calm_down())

    # What people do

    @rule(bill=st.integers(0, BILLS - 1), people=st.sampled_from(CROWDS))
    def says_yes(self, bill: int, people: tuple[Msisdn, ...]) -> None:
        """One starts exactly when nobody holds the bill and it is not paid (I2, I8)."""
        requests = [self.counter.request(self.bills[bill], payer=who) for who in people]
        holding = self._states(self.bills[bill]) & (OPEN | {State.COLLECTED})
        answers = self.do(self._start_at_once(requests))
        started = [
            request
            for request, answer in zip(requests, answers, strict=True)
            if isinstance(answer, Started)
        ]
        assert len(started) == (0 if holding else 1)
        paid = State.COLLECTED in holding
        wanted = Refusal.BILL_ALREADY_PAID if paid else Refusal.PAYMENT_IN_FLIGHT
        assert all(each.refusal is wanted for each in answers if isinstance(each, Refused))
        for request in started:
            self.do(self._remember(request))

    @rule(pick=picks)
    def says_the_same_yes_again(self, pick: int) -> None:
        """It is the same payment; in another's name it is a fault (I8)."""
        request = self._one(pick)
        if request is None:
            return
        again = self.do(start(self.counter.desk, request))
        assert again == Started(request.id, request.control_number or "")
        stranger = next(who for who in PEOPLE if who != request.payer)
        with pytest.raises(ValueError, match="another subscriber"):
            self.do(start(self.counter.desk, replace(request, payer=stranger)))

    # What the operator and the workers do

    @rule(pick=picks, decision=decisions, claims=claiming, times=st.sampled_from([1, 0, 2]))
    def decides_and_calls_back(self, pick: int, decision: str, claims: str, times: int) -> None:
        """Money moves or not, or after a refusal yet; callbacks are true or false, or repeat."""
        request = self._one(pick)
        if request is None:
            return
        attempt = self.attempts[request.id]
        if self.operator.decided.get(attempt, "debited") != "debited":
            self.operator.decided[attempt] = decision
        for _ in range(times):
            self.do(self.counter.callback(request.id, claims.encode()))

    @rule(answers=answering, decision=decisions, fate=fates, after_s=waits)
    def works(self, answers: str, decision: str, fate: str, after_s: int) -> None:
        """What is due is done; after a while what was planned is due, and leases have run out.

        A worker may be killed while the operator thinks, or be so slow that another takes over.
        """
        self.operator.answers, self.operator.decides = answers, decision
        meanwhile = {"": None, "dies": self._die, "is overtaken": self._take_over}[fate]
        self.do(self._work(meanwhile))
        self.do(self.counter.later(after_s))

    # What must hold after every step

    @invariant()
    def books_agree(self) -> None:
        """I1 to I7, payment by payment."""
        if self.requests:
            self.do(self._books_agree())

    async def _books_agree(self) -> None:
        for row in await self._payments():
            self._check_payment(row)
        unbalanced = await self.counter.value(
            "SELECT count(*) FROM (SELECT currency FROM ledger.entry"
            " JOIN ledger.account ON account.id = entry.account"
            " GROUP BY currency HAVING sum(signed) <> 0) unbalanced"
        )
        assert unbalanced == 0
        paid = await self.counter.value(
            "SELECT max(times) FROM (SELECT count(*) AS times FROM payments.payment"
            " WHERE state = 'collected' GROUP BY control_number) bills"
        )
        assert (paid or 0) <= 1
        for times in self.operator.asked_at.values():
            for at in times:
                recent = [each for each in times if at - WINDOW < each <= at]
                assert len(recent) <= WALLET.query_budget, "asked too often"

    def _check_payment(self, row: asyncpg.Record) -> None:
        state, debited = State(row["state"]), self._is_debited(row["id"])
        collected = state is State.COLLECTED
        booked = collected + row["late_cases"]
        assert row["cleared"] == booked * PRICE
        assert booked <= debited, "booked what the operator did not debit"
        assert row["late_cases"] == 0 or state in (State.REFUSED, State.EXPIRED)
        assert row["receipts"] == collected
        assert ("receipt" in row["told"]) == collected
        assert ("late" in row["told"]) == (row["late_cases"] > 0)
        at: State | None = None
        for step in row["steps"]:
            event, _, target = step.partition(" ")
            at = State.CREATED if at is None else EDGES[at, Event(event)]
            assert at == target
        assert at is state

    async def _payments(self) -> list[asyncpg.Record]:
        async with self.counter.desk.database.read() as connection:
            rows: list[asyncpg.Record] = await connection.fetch(
                PAYMENTS, [request.id for request in self.requests]
            )
        return rows

    # How it is done

    async def _work(self, meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
        due = await work.claim(self.counter.desk.database)
        for item in sorted(due, key=lambda item: item.id):
            if item.kind in HANDLERS:
                self.operator.meanwhile = meanwhile
                # A dead worker, or one that came back too late, writes nothing more.
                with contextlib.suppress(Died, LeaseLost):
                    await HANDLERS[item.kind](self.counter.desk, item)
                self.operator.meanwhile = None

    async def _die(self) -> None:
        raise Died

    async def _take_over(self) -> None:
        answers, self.operator.answers = self.operator.answers, "truth"
        await self.counter.later(40)
        await self._work()
        self.operator.answers = answers

    async def _start_at_once(self, requests: list[StartRequest]) -> list[Started | Refused]:
        return await asyncio.gather(*(start(self.counter.desk, request) for request in requests))

    async def _remember(self, request: StartRequest) -> None:
        self.requests.append(request)
        self.attempts[request.id] = await self.counter.value(
            "SELECT collection_id FROM payments.payment WHERE id = $1", request.id
        )

    async def _calm_down(self) -> None:
        """Nothing is undecided, every debit is called back; after two windows all is over."""
        self.operator.answers = "truth"
        for round_ in range(3):
            for attempt, decision in list(self.operator.decided.items()):
                if decision == "open":
                    self.operator.decided[attempt] = "refused"
            for request in self.requests:
                if self._is_debited(request.id):
                    await self.counter.callback(request.id, f"accepted again {round_}".encode())
            for _ in range(3):
                await self.counter.later(WALLET.query_window_s / 2 + 1)
                await self._work()
        for row in await self._payments():
            self._check_payment(row)
            state, debited = State(row["state"]), self._is_debited(row["id"])
            booked = (state is State.COLLECTED) + row["late_cases"]
            assert booked == debited, f"money that nobody booked: {state}"
            assert state not in OPEN - {State.REVIEW}, f"no end: {state}"

    def _is_debited(self, payment: UUID) -> bool:
        return self.operator.decided.get(self.attempts[payment]) == "debited"

    def _one(self, pick: int) -> StartRequest | None:
        """A payment; none yet is no reason to draw another rule: drawing must not depend on us."""
        return self.requests[pick % len(self.requests)] if self.requests else None

    def _states(self, bill: Bill) -> set[State]:
        async def read() -> set[State]:
            async with self.counter.desk.database.read() as connection:
                rows = await connection.fetch(
                    "SELECT state FROM payments.payment WHERE control_number = $1",
                    bill.control_number,
                )
            return {State(row["state"]) for row in rows}

        return self.do(read())


PAYMENTS = """
SELECT payment.id, payment.state,
       (SELECT count(*) FROM payments.receipt WHERE payment_id = payment.id) AS receipts,
       (SELECT count(*) FROM payments.late_money WHERE payment_id = payment.id) AS late_cases,
       ARRAY(SELECT split_part(key, ':', 2) FROM kernel.work
             WHERE kind = 'sms.tell' AND key LIKE payment.id || ':%') AS told,
       ARRAY(SELECT event || ' ' || to_state FROM payments.transition
             WHERE payment_id = payment.id ORDER BY n) AS steps,
       (SELECT COALESCE(sum(signed), 0)::bigint FROM ledger.entry
        JOIN ledger.account ON account.id = entry.account
        JOIN ledger.transaction ON transaction.seq = entry.seq
        WHERE reference = payment.id AND path LIKE 'Assets:Clearing:%') AS cleared
FROM payments.payment WHERE id = ANY($1)
"""


def test_whatever_happens_our_books_say_what_the_operator_did(
    servers: Urls, template_database: str
) -> None:
    async def make() -> Database:
        admin = await asyncpg.connect(with_database(servers.database_url, "postgres"))
        await admin.execute(f"CREATE DATABASE lives TEMPLATE {template_database}")
        await admin.close()
        return await Database.connect(with_database(servers.database_url, "lives"), size=6)

    with asyncio.Runner() as runner:
        pool = runner.run(make())
        run_state_machine_as_test(
            type("Lives", (Lives,), {"loop": runner, "database": pool}),
            settings=settings(
                max_examples=50,
                stateful_step_count=60,
                deadline=None,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
            ),
        )
        runner.run(pool.close())
