"""Payments that start at the same moment: one commit, an answer each, one refusal each."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from kernel.group_commit import Busy
from kernel.money import Money
from payments.offer import Refused
from payments.refusals import Refusal
from payments.start import Order, Started, StartRequest, start
from tests.unit.commit_gate import CuttableDatabase, gate_at_commit
from tests.unit.payments.conftest import NEIGHBOUR, Counter

PASSPORT = {
    "control_number": None,
    "order": Order(agency="JO-CSPD", service="PASSPORT"),
    "agreed_total": Money(50_000, "JOD"),
}


async def together(
    counter: Counter, *requests: StartRequest
) -> list[Started | Refused | BaseException]:
    """Start all in one batch."""
    answers = await asyncio.gather(
        *(start(counter.desk, request) for request in requests), return_exceptions=True
    )
    assert counter.desk.groups.made["starts"].batches >= 1
    return answers


async def other_process(counter: Counter, url: str) -> tuple[Counter, CuttableDatabase]:
    """A desk over the same database with group commits and a pool of its own."""
    database = CuttableDatabase(url)
    await database.open()
    return replace(counter, desk=replace(counter.desk, database=database)), database


@pytest.fixture
async def cuttable(counter: Counter, database_url: str) -> AsyncIterator[Counter]:
    other, database = await other_process(counter, database_url)
    yield other
    await other.desk.groups.close()
    await database.close()


async def count(counter: Counter, table: str) -> int:
    return int(await counter.value(f"SELECT count(*) FROM {table}"))


async def test_a_hundred_starts_at_once_are_few_commits_and_a_payment_each(
    counter: Counter,
) -> None:
    requests = [counter.request(await counter.bill()) for _ in range(100)]
    answers = await together(counter, *requests)
    assert answers == [Started(each.id, each.control_number or "") for each in requests]
    assert await counter.value("SELECT count(DISTINCT xmin::text) FROM payments.payment") <= 2
    for table in ("wallets.collection", "payments.transition", "kernel.work"):
        assert await count(counter, table) == 100


async def test_of_two_payers_in_one_batch_the_first_starts_and_the_second_is_told_by_whom(
    counter: Counter,
) -> None:
    bill = await counter.bill()
    first, second = counter.request(bill, payer=NEIGHBOUR), counter.request(bill)
    one, other = await together(counter, first, second)
    assert counter.desk.groups.made["starts"].largest == 2
    assert one == Started(first.id, bill.control_number)
    assert isinstance(other, Refused)
    assert (other.refusal, other.payment) == (Refusal.PAYMENT_IN_FLIGHT, first.id)
    assert other.at == counter.clock.now()


async def test_a_payer_who_is_refused_leaves_the_bill_to_the_next_in_the_batch(
    counter: Counter,
) -> None:
    bill = await counter.bill()
    first = counter.request(bill, agreed_total=Money(1, "JOD"))
    second = counter.request(bill, payer=NEIGHBOUR)
    one, other = await together(counter, first, second)
    assert isinstance(one, Refused)
    assert one.refusal is Refusal.TOTAL_CHANGED
    assert other == Started(second.id, bill.control_number)


async def test_every_refusal_in_a_batch_is_its_owners_and_the_others_start(
    counter: Counter,
) -> None:
    good = [counter.request(await counter.bill(), **changes) for changes in ({}, PASSPORT)]
    bad = [
        counter.request(await counter.bill(), wallet="nobody"),
        counter.request(await counter.bill(), agreed_total=Money(1, "LBP")),
        counter.request(await counter.bill(), control_number="123456789092"),
        counter.request(
            await counter.bill(), **{**PASSPORT, "order": Order(agency="JO-CSPD", service="NO")}
        ),
        counter.request(await counter.bill(), **{**PASSPORT, "agreed_total": Money(1, "JOD")}),
    ]
    answers = await together(counter, bad[0], good[0], *bad[1:4], good[1], bad[4])
    assert [isinstance(each, Started) for each in answers] == [
        False,
        True,
        False,
        False,
        False,
        True,
        False,
    ]
    refusals = [each.refusal for each in answers if isinstance(each, Refused)]
    assert refusals == [
        Refusal.WALLET_UNAVAILABLE,
        Refusal.CURRENCY_NOT_SUPPORTED,
        Refusal.BILL_NOT_FOUND,
        Refusal.SERVICE_UNAVAILABLE,
        Refusal.TOTAL_CHANGED,
    ]
    assert await count(counter, "fees.bill WHERE payer IS NOT NULL") == 1
    assert await count(counter, "payments.payment") == 2


async def test_one_id_twice_in_a_batch_is_one_payment_and_in_anothers_name_a_fault_of_its_own(
    counter: Counter,
) -> None:
    for changes in ({}, PASSPORT):
        request = counter.request(await counter.bill(), **changes)
        answers = await together(counter, request, replace(request, payer=NEIGHBOUR), request)
        assert isinstance(answers[0], Started)
        assert answers[2] == answers[0]
        assert isinstance(answers[1], ValueError)
    assert await count(counter, "payments.payment") == 2


@pytest.mark.parametrize("first_by_payer", [True, False])
async def test_others_in_one_batch_send_no_second_prompt_to_a_phone(
    counter: Counter, first_by_payer: bool
) -> None:
    first = counter.request(await counter.bill(), by_payer=first_by_payer)
    second = counter.request(await counter.bill(), by_payer=False)
    elsewhere = counter.request(await counter.bill(), by_payer=False, payer=NEIGHBOUR)
    answers = await together(counter, first, second, elsewhere)
    assert [type(each) for each in answers] == [Started, Refused, Started]
    assert isinstance(answers[1], Refused)
    assert answers[1].refusal is Refusal.PAYER_BEING_ASKED


async def test_a_start_that_cannot_be_written_fails_alone(counter: Counter) -> None:
    requests = [counter.request(await counter.bill()) for _ in range(7)]
    requests[3] = replace(requests[3], language="\0")
    answers = await together(counter, *requests)
    failed = [at for at, each in enumerate(answers) if isinstance(each, asyncpg.PostgresError)]
    assert failed == [3]
    assert await count(counter, "payments.payment") == 6


async def test_two_processes_start_one_order_and_one_bill_once(
    counter: Counter, cuttable: Counter
) -> None:
    bill = await counter.bill()
    for _ in range(5):
        order = counter.request(bill, **PASSPORT)
        bill = await counter.bill()
        one, other = counter.request(bill), counter.request(bill, payer=NEIGHBOUR)
        answers = await asyncio.gather(
            together(counter, order, one), together(cuttable, other, order)
        )
        assert answers[0][0] == answers[1][1]
        assert isinstance(answers[0][0], Started)
        assert {type(answers[0][1]), type(answers[1][0])} == {Started, Refused}
    assert await count(counter, "payments.payment") == 10
    assert await count(counter, "wallets.collection") == 10
    assert await count(counter, "fees.bill WHERE payer IS NOT NULL") == 5


async def test_who_hangs_up_has_started_once_at_most(counter: Counter, database_url: str) -> None:
    request = counter.request(await counter.bill())
    async with gate_at_commit(database_url, "payments.payment") as gate:
        call = asyncio.create_task(start(counter.desk, request))
        await gate.stand()
        call.cancel()
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], BaseException)
        await gate.let()
        assert await start(counter.desk, request) == Started(
            request.id, request.control_number or ""
        )
    assert await count(counter, "payments.payment") == await count(counter, "kernel.work") == 1


@pytest.mark.parametrize("changes", [{}, PASSPORT], ids=["bill", "order"])
@pytest.mark.parametrize("committed", [False, True])
async def test_when_the_connection_is_lost_in_commit_there_is_one_payment_and_a_true_answer(
    cuttable: Counter, database_url: str, changes: dict[str, object], committed: bool
) -> None:
    request = cuttable.request(await cuttable.bill(), **changes)
    database = cuttable.desk.database
    assert isinstance(database, CuttableDatabase)
    async with gate_at_commit(database_url, "payments.payment") as gate:
        call = asyncio.create_task(start(cuttable.desk, request))
        await gate.stand()
        if committed:
            database.cut()  # the session goes on and commits
        else:
            await gate.kill()
        await gate.let()
        answer = await call
    assert isinstance(answer, Started)
    number = await cuttable.value("SELECT control_number FROM payments.payment")
    assert answer == Started(request.id, number)
    assert await count(cuttable, "fees.bill WHERE payer IS NOT NULL") == bool(changes)
    assert await count(cuttable, "wallets.collection") == 1
    assert cuttable.desk.groups.made["starts"].in_doubt == 1


async def test_a_desk_that_closes_takes_no_more(counter: Counter) -> None:
    request = counter.request(await counter.bill())
    assert isinstance(await start(counter.desk, counter.request(await counter.bill())), Started)
    await counter.desk.groups.close()
    with pytest.raises(Busy):
        await start(counter.desk, request)
    assert await count(counter, "payments.payment") == 1
