"""Questions answered too late or not at all: what was proved counts, and money is not forgotten."""

from dataclasses import replace

import pytest

from kernel import work
from kernel.work import LeaseLost
from payments import verify
from tests.unit.payments.conftest import WALLET, Counter
from tests.unit.payments.scripted_wallet import (
    NO_ANSWER,
    NO_FUNDS,
    OTHER_AMOUNT,
    PENDING,
    SUCCESS,
)
from wallets.port import Verdict


@pytest.mark.parametrize(
    ("answer", "state"),
    [(SUCCESS, "collected"), (NO_FUNDS, "refused"), (PENDING, "pending"), (NO_ANSWER, "pending")],
    ids=["success", "refusal", "pending", "no answer"],
)
async def test_proof_that_comes_after_the_lease_was_lost_still_counts_once(
    counter: Counter, answer: Verdict, state: str
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [answer]
    await counter.work()
    await counter.later(90)
    (slow,) = await work.claim(counter.desk.database)
    await counter.make_due()
    (quick,) = await work.claim(counter.desk.database)
    with pytest.raises(LeaseLost):
        await verify.query(counter.desk, slow)
    assert await counter.state(pid) == state
    assert await counter.value("SELECT count(*) FROM wallets.evidence WHERE kind = 'query'") == 1
    await verify.query(counter.desk, quick)
    assert await counter.state(pid) == state
    assert len(counter.wallet.questions) == (1 if answer.final else 2)
    assert await counter.balance("Assets:Clearing") == (50_000 if state == "collected" else 0)


@pytest.mark.parametrize("silence", [NO_ANSWER, PENDING], ids=["no answer", "pending"])
async def test_a_question_about_money_after_the_end_is_asked_until_somebody_answers(
    counter: Counter, silence: Verdict
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [NO_FUNDS], [silence, SUCCESS]
    await counter.work()
    await counter.callback(pid)
    await counter.work()
    assert await counter.told() == ["refused"]
    assert await counter.work() == []
    await counter.later(300)
    await counter.work()
    assert await counter.told() == ["refused", "late"]
    assert await counter.balance("Assets:Clearing") == 50_000
    await counter.later(300)
    assert await counter.work() == []


async def test_a_callback_about_a_payment_in_review_is_asked_about_until_somebody_answers(
    counter: Counter,
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [OTHER_AMOUNT, NO_ANSWER, SUCCESS]
    await counter.work()
    await counter.later(90)
    await counter.work()
    assert await counter.state(pid) == "review"
    await counter.callback(pid)
    await counter.work()
    assert await counter.state(pid) == "review"
    await counter.later(300)
    await counter.work()
    assert await counter.state(pid) == "collected"


async def test_an_operator_that_never_answers_about_late_money_leaves_it_to_a_person(
    counter: Counter,
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [NO_FUNDS], [NO_ANSWER]
    await counter.work()
    await counter.callback(pid)
    looks = 0
    while await counter.work():
        looks += 1
        await counter.later(300)
    assert 100 <= looks < 150
    assert await counter.value(
        "SELECT last_error FROM kernel.work WHERE parked_at IS NOT NULL"
    ) == ("no verdict: no_answer")


@pytest.mark.parametrize("sent", [PENDING, NO_ANSWER], ids=["pending", "no answer"])
async def test_what_is_sent_after_the_last_scheduled_question_is_asked_about_once(
    counter: Counter, sent: Verdict
) -> None:
    impatient = {"sandbox": replace(WALLET, poll_schedule_s=(1.0,))}
    counter.desk = replace(counter.desk, wallet_configs=impatient)
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [sent], [PENDING]
    await counter.later(2)
    assert await counter.work() == ["payments.collect"]
    await counter.later(20)
    assert await counter.work() == ["payments.query"]
    assert await counter.state(pid) == "review"
    assert len(counter.wallet.questions) == 1
