"""Steps that come together: one commit, each with its own end, and none of them done twice."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from kernel import work
from kernel.work import LeaseLost, Work
from payments import advance, send, verify
from payments.moving import Moving
from payments.states import Event
from payments.steps import Step, heard, take
from tests.unit.commit_gate import CuttableDatabase, gate_at_commit
from tests.unit.payments.conftest import Counter
from tests.unit.payments.scripted_wallet import NO_FUNDS, PENDING, SUCCESS
from wallets.port import Evidence, Verdict


@pytest.fixture
async def cuttable(counter: Counter, database_url: str) -> AsyncIterator[Counter]:
    database = CuttableDatabase(database_url)
    await database.open()
    desk = replace(counter.desk, database=database)
    yield replace(counter, desk=desk)
    await desk.groups.close()
    await database.close()


async def count(counter: Counter, table: str) -> int:
    return int(await counter.value(f"SELECT count(*) FROM {table}"))


async def work_together(counter: Counter) -> None:
    """Do all that is due about money, all at once."""
    handlers = {
        "payments.collect": send.send,
        "payments.query": verify.query,
        "wallets.callback": verify.on_callback,
    }
    items = [item for item in await work.claim(counter.desk.database) if item.kind in handlers]
    await asyncio.gather(*(handlers[item.kind](counter.desk, item) for item in items))


async def sent(counter: Counter, *, times: int) -> list[UUID]:
    """Payments that the operator works on."""
    counter.wallet.collects = [PENDING]
    payments = [(await counter.started())[0] for _ in range(times)]
    await work_together(counter)
    return payments


def answer(counter: Counter, payment: UUID, verdict: Verdict) -> Step[None]:
    """An answer of the operator, as a step."""
    told = Evidence(kind="query", at=counter.clock.now(), method="GET", url_path="/x", body=b"{}")
    verdict = replace(verdict, evidence=(told, *verdict.evidence))
    return Step(
        payment,
        lambda moving: advance.apply(counter.desk, moving, verdict),
        heard=heard(counter.desk, verdict),
    )


async def together(counter: Counter, *steps: Step[None]) -> list[BaseException | None]:
    return await asyncio.gather(
        *(take(counter.desk, step) for step in steps), return_exceptions=True
    )


async def test_forty_payments_that_come_together_share_their_commits(counter: Counter) -> None:
    payments = await sent(counter, times=40)
    counter.wallet.queries = [SUCCESS]
    for payment in payments:
        await counter.callback(payment)
    advances = counter.desk.groups.made["advances"]
    before = advances.batches
    await work_together(counter)
    assert await count(counter, "payments.payment WHERE state = 'collected'") == 40
    assert await count(counter, "payments.receipt") == 40
    assert await counter.balance("Assets:Clearing:SANDBOX:JOD") == 40 * 50_000
    assert await count(counter, "kernel.work WHERE kind LIKE 'wallets%'") == 0
    assert sorted(await counter.told()) == ["receipt"] * 40
    # Forty questions come back at forty moments, but far fewer commits.
    assert advances.batches - before <= 20
    assert await counter.value("SELECT count(DISTINCT xmin::text) FROM payments.receipt") <= 15


async def test_a_decision_that_fails_fails_alone(counter: Counter) -> None:
    payments = await sent(counter, times=5)
    steps = [answer(counter, payment, SUCCESS) for payment in payments]

    def poison(moving: Moving) -> None:
        moving.move(Event.ACCEPTED)
        moving.move(Event.SENDING)

    steps[2] = Step(payments[2], poison)
    ends = await together(counter, *steps)
    assert [type(end).__name__ for end in ends] == [
        "NoneType", "NoneType", "IllegalMove", "NoneType", "NoneType",
    ]  # fmt: skip
    assert [await counter.state(payment) for payment in payments] == [
        "collected", "collected", "pending", "collected", "collected",
    ]  # fmt: skip


async def test_an_answer_that_cannot_be_written_fails_alone(counter: Counter) -> None:
    payments = await sent(counter, times=5)
    steps = [answer(counter, payment, SUCCESS) for payment in payments]
    steps[2] = answer(counter, payments[2], replace(SUCCESS, reference="\0"))
    ends = await together(counter, *steps)
    assert [isinstance(end, asyncpg.PostgresError) for end in ends] == [
        False, False, True, False, False,
    ]  # fmt: skip
    assert await count(counter, "payments.receipt") == 4
    assert await counter.balance("Assets:Clearing:SANDBOX:JOD") == 4 * 50_000
    assert await counter.state(payments[2]) == "pending"


async def test_a_lost_lease_stops_its_own_step_only(counter: Counter) -> None:
    counter.wallet.collects = [PENDING]
    payments = [(await counter.started())[0] for _ in range(3)]
    items = {UUID(item.key): item for item in await work.claim(counter.desk.database)}
    await counter.run(
        "UPDATE kernel.work SET token = token + 1000 WHERE key = $1", str(payments[1])
    )

    def closing(item: Work, moving: Moving) -> None:
        advance.expire(moving)
        moving.finish(item)

    steps = [Step(id, partial(closing, items[id]), held=items[id]) for id in payments]
    ends = await together(counter, *steps)
    assert [isinstance(end, LeaseLost) for end in ends] == [False, True, False]
    assert [await counter.state(id) for id in payments] == ["expired", "created", "expired"]
    assert await count(counter, "kernel.work WHERE kind = 'payments.collect'") == 1


async def test_two_answers_about_one_payment_in_one_batch_are_heard_in_order(
    counter: Counter,
) -> None:
    one, other = await sent(counter, times=2)
    ends = await together(
        counter,
        answer(counter, one, NO_FUNDS),
        answer(counter, one, SUCCESS),
        answer(counter, other, SUCCESS),
        answer(counter, other, SUCCESS),
    )
    assert ends == [None] * 4
    assert counter.desk.groups.made["advances"].largest == 4
    assert [await counter.state(one), await counter.state(other)] == ["refused", "collected"]
    assert sorted(await counter.told()) == ["late", "receipt", "refused"]
    assert await count(counter, "payments.late_money") == await count(counter, "payments.receipt")


@pytest.mark.parametrize("committed", [False, True])
async def test_when_the_connection_is_lost_in_commit_the_money_is_booked_once(
    cuttable: Counter, database_url: str, committed: bool
) -> None:
    payments = await sent(cuttable, times=3)
    database = cuttable.desk.database
    assert isinstance(database, CuttableDatabase)
    async with gate_at_commit(database_url, "payments.receipt") as gate:
        steps = [answer(cuttable, payment, SUCCESS) for payment in payments]
        call = asyncio.create_task(together(cuttable, *steps))
        await gate.stand()
        if committed:
            database.cut()  # the session goes on and commits
        else:
            await gate.kill()
        await gate.let()
        assert await call == [None] * 3
    assert cuttable.desk.groups.made["advances"].in_doubt == 3
    assert [await cuttable.state(payment) for payment in payments] == ["collected"] * 3
    assert await cuttable.balance("Assets:Clearing:SANDBOX:JOD") == 3 * 50_000
    assert await count(cuttable, "payments.receipt") == 3
    assert await count(cuttable, "wallets.evidence WHERE kind = 'query'") == 3


async def test_a_sending_whose_commit_nobody_heard_of_is_asked_about_and_not_sent(
    cuttable: Counter, database_url: str
) -> None:
    pid, _ = await cuttable.started()
    cuttable.wallet.collects, cuttable.wallet.queries = [PENDING], [PENDING]
    (item,) = await work.claim(cuttable.desk.database)
    database = cuttable.desk.database
    assert isinstance(database, CuttableDatabase)
    async with gate_at_commit(database_url, "payments.transition") as gate:
        call = asyncio.create_task(send.send(cuttable.desk, item))
        await gate.stand()
        database.cut()
        await gate.let()
        await call
    assert cuttable.wallet.asked == []
    assert await cuttable.state(pid) == "unknown"
    await work_together(cuttable)
    assert len(cuttable.wallet.questions) == 1


async def test_the_budget_holds_at_most_so_many_questions_in_its_window(counter: Counter) -> None:
    (payment,) = await sent(counter, times=1)

    def ask(moving: Moving) -> bool:
        return moving.reserve_query(budget=3, window_s=7200)

    answers = []
    for step_s in (0, 90, 600, 10, 6490, 20, 7200):
        counter.clock.forward(timedelta(seconds=step_s))
        answers.append(await take(counter.desk, Step(payment, ask)))
    # at 0, 90, 690 | 700: full | 7190: full | 7210: the first has left | 14410: all have left
    assert answers == [True, True, True, False, False, True, True]
    kept = await counter.value("SELECT cardinality(queried_at) FROM wallets.collection")
    assert kept == 1, "what has left the window is forgotten"


async def test_two_processes_that_ask_at_once_stay_within_the_budget(
    counter: Counter, cuttable: Counter
) -> None:
    (payment,) = await sent(counter, times=1)

    def ask(moving: Moving) -> bool:
        return moving.reserve_query(budget=3, window_s=7200)

    desks = [counter.desk, cuttable.desk] * 6
    answers = await asyncio.gather(*(take(desk, Step(payment, ask)) for desk in desks))
    assert sum(answers) == 3


async def test_a_question_that_was_never_put_goes_back_into_the_budget(counter: Counter) -> None:
    (payment,) = await sent(counter, times=1)

    async def ask() -> bool:
        counter.clock.forward(timedelta(seconds=1))
        step = Step(payment, lambda moving: moving.reserve_query(budget=2, window_s=7200))
        return await take(counter.desk, step)

    assert [await ask(), await ask(), await ask()] == [True, True, False]
    unsaid = counter.clock.now() - timedelta(seconds=1)
    await take(counter.desk, Step(payment, lambda moving: moving.release_query(unsaid)))
    assert [await ask(), await ask()] == [True, False]


async def test_who_waits_for_a_payment_that_another_holds_waits_alone(counter: Counter) -> None:
    held, *others = await sent(counter, times=4)
    async with counter.desk.database.transaction() as other:
        await other.execute("SELECT FROM payments.payment WHERE id = $1 FOR UPDATE", held)
        steps = [answer(counter, payment, SUCCESS) for payment in (held, *others)]
        calls = [asyncio.create_task(take(counter.desk, step)) for step in steps]
        await asyncio.gather(*calls[1:])
        assert not calls[0].done()
    await calls[0]
    assert await count(counter, "payments.payment WHERE state = 'collected'") == 4


async def test_a_payment_that_is_not_there_is_said_so(counter: Counter) -> None:
    with pytest.raises(LookupError):
        await take(counter.desk, Step(counter.desk.ids.new(), lambda _: None))
