"""Prompts on a phone that somebody else asked for: few in an hour and a day, one at a time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from uuid import UUID

import pytest

from payments.offer import Refused
from payments.refusals import Refusal
from payments.start import Order, Started, StartRequest, start
from tests.unit.payments.conftest import NEIGHBOUR, Counter
from tests.unit.payments.scripted_wallet import NO_FUNDS, PENDING

HOUR = 3600.0


async def asked(counter: Counter, **changes: object) -> Started | Refused:
    """Somebody else asks the citizen to pay a new bill."""
    request = counter.request(await counter.bill(), **{"by_payer": False, **changes})
    return await start(counter.desk, request)


async def declined(counter: Counter, payment: UUID) -> None:
    counter.wallet.collects = [NO_FUNDS]
    await counter.work()
    assert await counter.state(payment) == "refused"


async def asked_and_declined(counter: Counter, **changes: object) -> Started | Refused:
    answer = await asked(counter, **changes)
    if isinstance(answer, Started):
        await declined(counter, answer.payment_id)
    return answer


def reason(answer: Started | Refused) -> Refusal | None:
    return answer.refusal if isinstance(answer, Refused) else None


async def test_others_may_send_a_few_prompts_an_hour_and_the_payer_is_never_locked_out(
    counter: Counter, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(4):  # what the payer asks for is not counted against others
        assert isinstance(await asked_and_declined(counter, by_payer=True), Started)
    with caplog.at_level(logging.INFO, logger="mizan"):
        answers = [await asked_and_declined(counter) for _ in range(4)]
    assert [reason(answer) for answer in answers] == [None] * 3 + [Refusal.PAYER_ASKED_TOO_OFTEN]
    [reached] = [record for record in caplog.records if record.msg == "limit.reached"]
    assert reached.__dict__["fields"] == {"limit": "prompts_by_others"}
    for _ in range(5):
        assert isinstance(await asked(counter, by_payer=True), Started)


async def test_whoever_and_whatever_channel_asks_the_phone_is_the_same(counter: Counter) -> None:
    channels = ("api", "sms", "ussd-one", "ussd-two")
    answers = [await asked_and_declined(counter, channel=channel) for channel in channels]
    assert reason(answers[-1]) is Refusal.PAYER_ASKED_TOO_OFTEN
    assert isinstance(await asked(counter, payer=NEIGHBOUR), Started)


async def test_never_while_a_prompt_is_open_on_the_phone_whoever_asked_for_it(
    counter: Counter,
) -> None:
    for by_payer in (True, False):
        own = await asked(counter, by_payer=by_payer)
        assert isinstance(own, Started)
        assert reason(await asked(counter)) is Refusal.PAYER_BEING_ASKED
        counter.wallet.collects = [PENDING]
        await counter.work(kinds=("payments.collect",))
        assert await counter.state(own.payment_id) == "pending"
        assert reason(await asked(counter)) is Refusal.PAYER_BEING_ASKED
        await counter.run(
            "UPDATE payments.payment SET state = 'refused' WHERE id = $1", own.payment_id
        )
        await counter.run("DELETE FROM kernel.work")


async def test_of_many_at_once_one_reaches_the_phone(counter: Counter) -> None:
    answers = await asyncio.gather(*(asked(counter) for _ in range(8)))
    assert [reason(answer) for answer in answers].count(None) == 1
    assert {reason(answer) for answer in answers} == {None, Refusal.PAYER_BEING_ASKED}


async def test_the_same_request_again_is_the_same_payment_and_no_second_prompt(
    counter: Counter,
) -> None:
    request = counter.request(await counter.bill(), by_payer=False)
    answers = await asyncio.gather(*(start(counter.desk, request) for _ in range(6)))
    assert set(answers) == {Started(request.id, request.control_number or "")}


async def test_an_hour_later_there_is_room_again_and_a_day_has_a_limit_too(
    counter: Counter,
) -> None:
    started = 0
    for _ in range(8):
        answers = [await asked_and_declined(counter) for _ in range(3)]
        started += sum(isinstance(answer, Started) for answer in answers)
        await counter.later(HOUR + 1)
    assert started == counter.desk.config.prompts_by_others_a_day
    await counter.later(24 * HOUR)
    assert isinstance(await asked(counter), Started)


async def test_what_is_refused_writes_nothing_not_even_a_bill(counter: Counter) -> None:
    assert isinstance(await asked(counter), Started)
    before = await counter.value("SELECT count(*) FROM fees.bill")
    request: StartRequest = replace(
        counter.request(await counter.bill(), by_payer=False),
        control_number=None,
        order=Order(agency="JO-CSPD", service="PASSPORT"),
    )
    assert reason(await start(counter.desk, request)) is Refusal.PAYER_BEING_ASKED
    assert await counter.value("SELECT count(*) FROM fees.bill") == before + 1
    assert await counter.value("SELECT count(*) FROM payments.payment") == 1
