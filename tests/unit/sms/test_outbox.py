"""Messages on their way out, on a real database with a scripted carrier."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from kernel import subscribers, work
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.work import Work
from sms import inbound, outbox
from sms.desk import SmsDesk
from sms.outbox import Message
from sms.port import Delivery, Failure, Handover, Outgoing, Refused, Report, Sent, Unknown
from tests.unit.sms.correspondence import PAYER, PAYMENT, FixedPayments, ScriptedCarrier, payment
from tests.unit.sms.correspondence import desk as make_desk


class Story:
    """One payer, one payment, and the steps of telling them."""

    def __init__(self, database: Database, keys: Keys, clock: ManualClock, *said: Handover) -> None:
        self.database, self.keys, self.clock = database, keys, clock
        self.desk: SmsDesk = make_desk(database, keys, clock, *said)

    @property
    def carrier(self) -> ScriptedCarrier:
        carrier = self.desk.channels["sandbox"].carrier
        assert isinstance(carrier, ScriptedCarrier)
        return carrier

    async def begins(self, **payment_differs: object) -> Story:
        async with self.database.transaction() as connection:
            payer = await subscribers.remember(connection, self.keys, PAYER)
        assert isinstance(self.desk.payments, FixedPayments)
        self.desk.payments.payments[PAYMENT] = payment(payer=payer, **payment_differs)
        return self

    async def told(self, what: str = "receipt") -> Message:
        async with self.database.transaction() as connection:
            await work.enqueue(connection, "sms.tell", f"{PAYMENT}:{what}")
        await outbox.tell(self.desk, await self.claimed())
        return (await self.messages())[-1]

    async def sent(self) -> Message:
        await outbox.send(self.desk, await self.claimed())
        return (await self.messages())[-1]

    async def claimed(self) -> Work:
        [item] = await work.claim(self.database)
        return item

    async def messages(self) -> list[Message]:
        async with self.database.read() as connection:
            return await outbox.messages_of(connection, PAYMENT)

    async def reported(self, message: UUID, state: Delivery, **more: object) -> None:
        told = Report(message=message, state=state, word=str(state), **more)  # type: ignore[arg-type]  # checked by the class
        await inbound.report(self.desk, "sandbox", told)

    async def due(self) -> list[tuple[str, float]]:
        async with self.database.read() as connection:
            rows = await connection.fetch(
                "SELECT kind, extract(epoch FROM due_at - now())::float8 AS s FROM kernel.work"
            )
        return [(row["kind"], row["s"]) for row in rows]


@pytest.fixture
async def story(database: Database, keys: Keys, clock: ManualClock) -> Story:
    return await Story(database, keys, clock).begins()


async def test_a_receipt_is_written_once_and_handed_over_with_its_report_address(
    story: Story,
) -> None:
    message = await story.told()
    assert (message.state, message.purpose, message.segments) == (Delivery.QUEUED, "receipt", 2)

    message = await story.sent()

    assert message.state is Delivery.SENT
    assert message.carrier_reference == str(message.id)
    [handed] = story.carrier.handed_over
    assert handed == Outgoing(
        id=message.id,
        to=PAYER,
        text=message.body,
        status_url="https://gw.example.gov.jo/sms/sandbox/status",
    )
    assert await story.due() == []


async def test_telling_the_same_thing_again_writes_no_second_message(story: Story) -> None:
    first = await story.told()
    await story.sent()

    again = await story.told()

    assert again.id == first.id
    assert len(await story.messages()) == 1
    assert await story.due() == []


async def test_each_thing_told_of_a_payment_is_a_message_of_its_own(story: Story) -> None:
    await story.told("late")
    await story.sent()

    assert [message.purpose for message in [*await story.messages(), await story.told()]] == [
        "late",
        "receipt",
    ]


async def test_a_payment_or_purpose_nobody_knows_is_parked_for_a_person(story: Story) -> None:
    for key in (f"{PAYMENT}:gossip", f"{UUID(int=5)}:receipt", "nonsense", ""):
        async with story.database.transaction() as connection:
            await work.enqueue(connection, "sms.tell", key)

        await outbox.tell(story.desk, await story.claimed())

        async with story.database.read() as connection:
            assert await connection.fetchval(
                "SELECT bool_and(parked_at IS NOT NULL) FROM kernel.work"
            )
    assert await work.claim(story.database) == []


async def test_an_unknown_outcome_is_tried_again_later_and_later_then_fails_visibly(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    story = await Story(database, keys, clock, Unknown("ReadTimeout")).begins()
    await story.told()
    waits = []
    for _ in story.desk.send_again_after_s:
        message = await story.sent()
        assert message.state is Delivery.SENDING
        [(_, seconds)] = await story.due()
        waits.append(round(seconds))
        async with database.transaction() as connection:
            await connection.execute("UPDATE kernel.work SET due_at = now()")

    message = await story.sent()

    assert waits == [5, 30, 120, 600]
    assert (message.state, message.failure) == (Delivery.FAILED, Failure.NO_ANSWER)
    assert message.attempts == 5
    assert {sent.text for sent in story.carrier.handed_over} == {message.body}
    assert await story.due() == []


async def test_a_refused_message_fails_with_its_reason_and_the_carriers_code(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    story = await Story(database, keys, clock, Refused(Failure.UNSUBSCRIBED, "21610")).begins()
    await story.told()

    message = await story.sent()

    assert message.state is Delivery.FAILED
    assert (message.failure, message.failure_code) == (Failure.UNSUBSCRIBED, "21610")
    assert await story.due() == []


async def test_the_hand_over_tells_how_old_the_message_is(
    story: Story, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    await story.told()
    clock.forward(timedelta(seconds=4))

    with caplog.at_level("INFO", "mizan"):
        await story.sent()

    [handed] = [entry.__dict__["fields"] for entry in caplog.records if "handed" in entry.msg]
    assert (handed["purpose"], handed["outcome"], handed["age_s"]) == ("receipt", "sent", 4.0)


async def test_a_report_that_comes_before_the_answer_keeps_its_state(story: Story) -> None:
    await story.told()
    story.carrier.before_answering = lambda handed: story.reported(handed.id, Delivery.DELIVERED)

    message = await story.sent()

    assert message.state is Delivery.DELIVERED
    assert message.carrier_reference == str(message.id)
    assert message.sent_at is not None


async def test_after_a_report_nothing_is_sent_again_though_the_answer_was_lost(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    story = await Story(database, keys, clock, Unknown("ReadTimeout")).begins()
    message = await story.told()
    await story.sent()
    await story.reported(message.id, Delivery.SENT)
    async with database.transaction() as connection:
        await connection.execute("UPDATE kernel.work SET due_at = now()")

    message = await story.sent()

    assert message.state is Delivery.SENT
    assert len(story.carrier.handed_over) == 1


ORDERS = [
    ([Delivery.SENT, Delivery.DELIVERED], Delivery.DELIVERED),
    ([Delivery.DELIVERED, Delivery.SENT], Delivery.DELIVERED),
    ([Delivery.DELIVERED, Delivery.FAILED], Delivery.DELIVERED),
    ([Delivery.UNDELIVERED, Delivery.FAILED], Delivery.UNDELIVERED),
    ([Delivery.FAILED, Delivery.DELIVERED], Delivery.DELIVERED),
    ([Delivery.FAILED, Delivery.SENT, Delivery.SENDING], Delivery.FAILED),
    ([Delivery.DELIVERED, Delivery.DELIVERED], Delivery.DELIVERED),
    ([Delivery.SENDING, Delivery.QUEUED], Delivery.SENT),
]


async def test_reports_in_any_order_only_move_a_message_forward(story: Story) -> None:
    for reports, end in ORDERS:
        await story.told()
        message = await story.sent()

        for state in reports:
            await story.reported(message.id, state, reference="other-reference")

        [message] = await story.messages()
        assert message.state is end, reports
        assert message.carrier_reference == str(message.id)
        async with story.database.transaction() as connection:
            await connection.execute("DELETE FROM sms.message")


async def test_a_repeated_report_does_not_move_the_time_of_a_state(
    story: Story, clock: ManualClock
) -> None:
    await story.told()
    message = await story.sent()
    await story.reported(message.id, Delivery.DELIVERED)
    clock.forward(timedelta(minutes=5))

    await story.reported(message.id, Delivery.DELIVERED)

    [after] = await story.messages()
    assert after.state_at == message.state_at


async def test_the_database_itself_refuses_a_step_back(story: Story) -> None:
    await story.told()
    message = await story.sent()

    with pytest.raises(asyncpg.CheckViolationError, match="cannot go back"):
        async with story.database.transaction() as connection:
            await connection.execute(
                "UPDATE sms.message SET state = 'queued' WHERE id = $1", message.id
            )


async def test_after_stop_only_what_their_money_calls_for_is_sent(story: Story) -> None:
    async with story.database.transaction() as connection:
        await subscribers.set_sms_stopped(connection, story.keys, PAYER, stopped=True)

    for what in ("refused", "receipt", "expired", "late"):
        await story.told(what)
        await story.sent()

    sent = {message.purpose: (message.state, message.failure) for message in await story.messages()}
    assert sent == {
        "refused": (Delivery.FAILED, Failure.STOPPED),
        "receipt": (Delivery.SENT, None),
        "expired": (Delivery.FAILED, Failure.STOPPED),
        "late": (Delivery.SENT, None),
    }
    assert len(story.carrier.handed_over) == 2


async def test_a_message_whose_channel_was_removed_fails_instead_of_waiting_for_ever(
    story: Story,
) -> None:
    await story.told()
    async with story.database.transaction() as connection:
        await connection.execute("UPDATE sms.message SET carrier = 'gone'")

    assert (await story.sent()).state is Delivery.FAILED


async def test_no_phone_number_is_stored_with_a_message(story: Story) -> None:
    await story.told()
    await story.sent()

    async with story.database.read() as connection:
        rows = await connection.fetch("SELECT to_jsonb(message)::text AS row FROM sms.message")
    assert rows
    assert all(PAYER.e164.lstrip("+") not in row["row"] for row in rows)
    assert isinstance(PAYER, Msisdn)


def test_hand_over_results_are_three_and_closed() -> None:
    assert {kind.__name__ for kind in Handover.__args__} == {"Sent", "Refused", "Unknown"}
    assert Sent("x").reference == "x"
