"""A payment's way from yes to receipt, and every way it can end otherwise."""

import asyncio
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from kernel import work
from kernel.database import Database
from kernel.work import LeaseLost, Work
from payments import receipt, send
from payments.states import EDGES, TERMINAL, Event, PublicState, State, mermaid, next_state
from payments.steps import Step, heard, take
from payments.view import payment, payments_of, transitions
from tests.unit.payments.conftest import CITIZEN, Counter
from tests.unit.payments.scripted_wallet import (
    NO_ANSWER,
    NO_FUNDS,
    NO_TRACE,
    NOT_SENT,
    OTHER_AMOUNT,
    PENDING,
    SUCCESS,
)
from wallets.port import Claim, CollectionRequest, NotNow, Outcome, Verdict


async def claimed(counter: Counter, item: Work) -> tuple[str, CollectionRequest] | None:
    """What a sender does before its call."""
    step = Step(UUID(item.key), partial(send._claim, counter.desk, item), held=item)
    return await take(counter.desk, step)


async def answered(counter: Counter, item: Work, verdict: Verdict) -> None:
    """What a sender does after its call."""
    decide = partial(send._apply, counter.desk, item, verdict)
    said = heard(counter.desk, verdict)
    await take(counter.desk, Step(UUID(item.key), decide, held=item, heard=said))


async def waiting(counter: Counter) -> UUID:
    """A payment that the operator has taken, and about which it says nothing but "pending"."""
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [PENDING]
    await counter.work()
    return pid


async def ask_on_schedule(counter: Counter) -> None:
    """Time passes until the schedule of questions is over."""
    for offset in (90, 510, 5400):
        await counter.later(offset)
        await counter.work()


async def test_asked_pending_called_back_confirmed_booked_and_receipted(counter: Counter) -> None:
    pid, bill = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [SUCCESS]
    assert await counter.work() == ["payments.collect"]
    assert await counter.state(pid) == "pending"
    await counter.callback(pid)
    assert await counter.work() == ["wallets.callback"]
    assert await counter.state(pid) == "collected"
    assert await counter.told() == ["receipt"]
    assert await counter.balance("Assets:Clearing:SANDBOX:JOD") == 50_000
    assert await counter.balance("Liabilities:Agency:JO-CSPD:PASSPORT:JOD") == -49_850
    assert await counter.balance("Income:ServiceFee:JOD") == -150
    (seen,) = await payments_of(counter.desk, CITIZEN)
    assert (seen.public_state, seen.control_number) == (PublicState.PAID, bill.control_number)
    checked = await receipt.check(counter.desk, seen.receipt_code or "")
    assert checked is not None
    assert (checked.number, checked.amount.plain()) == (seen.receipt_number, "50.000")


async def test_the_operator_is_asked_for_the_right_money_without_naming_the_citizen(
    counter: Counter,
) -> None:
    pid, bill = await counter.started()
    counter.wallet.collects = [PENDING]
    await counter.work()
    (asked,) = counter.wallet.asked
    assert (asked.payer, asked.amount.plain()) == (CITIZEN, "50.000")
    assert asked.description == f"JO-CSPD {bill.control_number}"
    assert asked.callback_url.startswith("https://gateway.example/callbacks/")
    assert str(pid) not in asked.callback_url


async def test_the_timeline_has_every_step_with_its_evidence(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [SUCCESS]
    await counter.work()
    await counter.later(90)
    await counter.work()
    async with counter.desk.database.read() as connection:
        steps = await transitions(connection, pid)
        detail = await payment(connection, pid)
    assert [step.event for step in steps] == ["started", "sending", "accepted", "confirmed"]
    assert [step.evidence_id is not None for step in steps] == [False, False, True, True]
    assert detail is not None
    assert detail.receipt_code is not None


async def test_an_explicit_refusal_ends_it_and_frees_the_bill(counter: Counter) -> None:
    pid, bill = await counter.started()
    counter.wallet.collects = [NO_FUNDS]
    await counter.work()
    assert await counter.state(pid) == "refused"
    assert await counter.told() == ["refused"]
    assert await counter.value("SELECT reason FROM payments.payment") == "insufficient_funds"
    assert await counter.balance("") == 0
    again = counter.request(bill)
    counter.wallet.collects = [PENDING]
    assert type(await send_again(counter, again)).__name__ == "Started"


async def send_again(counter: Counter, request: object) -> object:
    from payments.start import StartRequest, start

    assert isinstance(request, StartRequest)
    return await start(counter.desk, request)


async def test_no_answer_is_not_no(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [NO_ANSWER], [SUCCESS]
    await counter.work()
    assert await counter.state(pid) == "unknown"
    assert await counter.told() == []
    await counter.later(90)
    await counter.work()
    assert await counter.state(pid) == "collected"
    assert len(counter.wallet.asked) == 1


async def test_what_was_never_sent_is_tried_again_under_the_same_id(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects = [NOT_SENT, PENDING]
    await counter.work()
    assert await counter.state(pid) == "created"
    await counter.later(5)
    await counter.work()
    assert await counter.state(pid) == "pending"
    assert len({asked.id for asked in counter.wallet.asked}) == 1


async def test_what_cannot_be_sent_while_the_citizen_waits_expires(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects = [NOT_SENT]
    await counter.work()
    await counter.later(121)
    await counter.work()
    assert await counter.state(pid) == "expired"
    assert await counter.told() == ["expired"]


async def test_a_sender_that_died_is_asked_about_and_sent_again_only_without_trace(
    counter: Counter,
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [NO_TRACE]
    (item,) = await work.claim(counter.desk.database)
    assert await claimed(counter, item) is not None
    await counter.later(40)
    assert await counter.work() == ["payments.collect"]
    assert await counter.state(pid) == "unknown"
    assert await counter.work() == ["payments.query"]
    assert await counter.state(pid) == "created"
    assert await counter.work() == ["payments.collect"]
    assert await counter.state(pid) == "pending"
    assert len(counter.wallet.asked) == 1


async def test_a_sender_that_lost_its_lease_changes_nothing_but_leaves_its_evidence(
    counter: Counter,
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [NO_FUNDS], [PENDING]
    (stale,) = await work.claim(counter.desk.database)
    request = await claimed(counter, stale)
    assert request is not None
    await counter.later(40)
    await counter.work()
    verdict = await counter.wallet.collect(request[1])
    with pytest.raises(LeaseLost):
        await answered(counter, stale, verdict)
    assert await counter.state(pid) == "unknown"


async def test_at_most_three_questions_then_a_person(counter: Counter) -> None:
    pid = await waiting(counter)
    for offset in (90, 510, 5400, 600, 86_400):
        await counter.later(offset)
        await counter.work()
    assert await counter.state(pid) == "review"
    assert len(counter.wallet.questions) == 3
    assert await counter.told() == []


async def test_a_person_may_ask_once_more_about_a_payment_in_review(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [OTHER_AMOUNT, SUCCESS]
    await counter.work()
    await counter.later(90)
    await counter.work()
    assert await counter.state(pid) == "review"
    async with counter.desk.database.transaction() as connection:
        await work.enqueue(connection, "payments.query", str(pid))
    await counter.work()
    assert await counter.state(pid) == "collected"


async def test_a_persons_question_waits_until_the_budget_allows_it(counter: Counter) -> None:
    pid = await waiting(counter)
    await ask_on_schedule(counter)
    assert await counter.state(pid) == "review"
    counter.wallet.queries = [SUCCESS]
    async with counter.desk.database.transaction() as connection:
        await work.enqueue(connection, "payments.query", str(pid))
    await counter.work()
    assert await counter.state(pid) == "review"
    await counter.later(7200)
    await counter.work()
    assert await counter.state(pid) == "collected"
    assert await counter.work() == []


async def test_a_callback_after_the_last_question_is_followed_when_the_budget_allows_it(
    counter: Counter,
) -> None:
    pid = await waiting(counter)
    await ask_on_schedule(counter)
    counter.wallet.queries = [SUCCESS]
    await counter.callback(pid)
    await counter.work()
    assert len(counter.wallet.questions) == 3
    await counter.later(7200)
    await counter.work()
    assert await counter.state(pid) == "collected"


async def test_a_schedule_whose_budget_callbacks_spent_asks_once_more_at_its_end(
    counter: Counter,
) -> None:
    pid = await waiting(counter)
    for number in range(3):
        await counter.callback(pid, body=b"%d" % number)
        await counter.work()
    await ask_on_schedule(counter)
    assert await counter.state(pid) == "review"
    assert len(counter.wallet.questions) == 3
    counter.wallet.queries = [SUCCESS]
    await counter.later(1200)
    await counter.work()
    assert await counter.state(pid) == "collected"


async def test_a_callback_between_two_attempts_to_send_waits_for_the_second(
    counter: Counter,
) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [NOT_SENT, PENDING], [SUCCESS]
    await counter.work()
    assert await counter.state(pid) == "created"
    await counter.callback(pid)
    assert await counter.work() == ["wallets.callback"]
    assert (await counter.state(pid), counter.wallet.questions) == ("created", [])
    await counter.make_due()
    await counter.work()
    await counter.make_due()
    await counter.work()
    assert await counter.state(pid) == "collected"
    assert len(counter.wallet.questions) == 1


async def test_fifty_callbacks_do_not_break_the_promise_of_three_questions(
    counter: Counter,
) -> None:
    pid = await waiting(counter)
    for number in range(50):
        await counter.callback(pid, body=b'{"n": %d}' % number)
        await counter.work()
    assert len(counter.wallet.questions) == 3
    assert await counter.state(pid) == "pending"


async def test_a_callback_that_overtakes_the_answer_is_enough(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.queries = [SUCCESS]
    (item,) = await work.claim(counter.desk.database)
    request = await claimed(counter, item)
    assert request is not None
    await counter.callback(pid)
    await counter.work()
    assert await counter.state(pid) == "collected"
    await answered(counter, item, PENDING)
    assert await counter.state(pid) == "collected"
    assert await counter.told() == ["receipt"]


async def test_the_same_callback_in_parallel_pays_once(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [SUCCESS]
    await counter.work()
    for number in range(5):
        await counter.callback(pid, body=b"%d" % number)
    await asyncio.gather(*(counter.work() for _ in range(5)))
    assert await counter.state(pid) == "collected"
    assert await counter.balance("Assets:Clearing") == 50_000
    assert await counter.value("SELECT count(*) FROM payments.receipt") == 1


async def test_money_after_a_refusal_waits_in_suspense_and_is_told(counter: Counter) -> None:
    pid, bill = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [NO_FUNDS], [SUCCESS]
    await counter.work()
    await counter.callback(pid)
    await counter.work()
    assert await counter.state(pid) == "refused"
    assert await counter.told() == ["refused", "late"]
    assert await counter.balance("Liabilities:Suspense:LateSuccess:SANDBOX:JOD") == -50_000
    assert await counter.value("SELECT state FROM payments.late_money") == "open"
    (seen,) = await payments_of(counter.desk, CITIZEN)
    assert seen.public_state is PublicState.REVIEW
    assert (
        await counter.value(
            "SELECT state FROM fees.bill WHERE control_number = $1", bill.control_number
        )
        == "open"
    )
    await counter.callback(pid, body=b"again")
    await counter.work()
    assert await counter.balance("Liabilities:Suspense") == -50_000


async def test_after_the_end_a_claim_of_failure_asks_nobody(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects = [NO_FUNDS]
    counter.wallet.claim = Claim(outcome=Outcome.REFUSED)
    await counter.work()
    await counter.callback(pid)
    await counter.work()
    assert counter.wallet.questions == []


async def test_a_second_payment_of_a_paid_bill_is_the_citizens_money(counter: Counter) -> None:
    pid, bill = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [SUCCESS]
    await counter.work()
    await counter.run(
        "UPDATE fees.bill SET state = 'paid', paid_at = now(), paid_by = gen_random_uuid()"
        " WHERE control_number = $1",
        bill.control_number,
    )
    await counter.callback(pid)
    await counter.work()
    assert await counter.state(pid) == "refused"
    assert await counter.balance("Liabilities:Duplicate:SANDBOX:JOD") == -50_000
    assert await counter.told() == ["late"]


async def test_evidence_of_another_amount_goes_to_a_person(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [OTHER_AMOUNT]
    await counter.work()
    await counter.callback(pid)
    await counter.work()
    assert await counter.state(pid) == "review"
    assert await counter.balance("") == 0


async def test_a_question_that_may_not_be_asked_now_costs_nothing(counter: Counter) -> None:
    pid, _ = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [NotNow(5.0), SUCCESS]
    await counter.work()
    await counter.later(90)
    await counter.work()
    assert await counter.state(pid) == "pending"
    await counter.later(5)
    await counter.work()
    assert await counter.state(pid) == "collected"


async def test_a_code_that_is_not_ours_proves_nothing(counter: Counter) -> None:
    for typed in ("123456789012345", "12345", "", "x" * 15, "١٢٣٤٥٦٧٨٩٠١٢٣٤٥"):
        assert await receipt.check(counter.desk, typed) is None


async def test_the_database_refuses_what_the_table_of_edges_does_not_have(
    counter: Counter, owner: Database
) -> None:
    pid, _ = await counter.started()
    for sql in (
        "UPDATE payments.payment SET state = 'collected' WHERE id = $1",
        "UPDATE payments.payment SET total = 1, principal = 1 WHERE id = $1",
        "DELETE FROM payments.payment WHERE id = $1",
        "DELETE FROM payments.transition WHERE payment_id = $1",
    ):
        async with owner.read() as connection:
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.execute(sql, pid)


async def test_the_database_knows_the_same_edges(counter: Counter) -> None:
    async with counter.desk.database.read() as connection:
        rows = await connection.fetch("SELECT from_state, event, to_state FROM payments.edge")
    stored = {(row["from_state"], row["event"]): row["to_state"] for row in rows}
    assert stored == {(str(start), str(step)): str(end) for (start, step), end in EDGES.items()}


def test_terminal_states_have_no_way_out() -> None:
    assert not any(next_state(state, event) for state in TERMINAL for event in Event)
    assert {start for start, _ in EDGES} == set(State) - TERMINAL


def test_the_diagram_has_every_edge() -> None:
    drawn = mermaid()
    assert all(f"{start} --> {end}: {event}" in drawn for (start, event), end in EDGES.items())
