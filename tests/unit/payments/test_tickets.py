"""Tickets: on file once, forward only, told; and what comes after a payment."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from kernel import subscribers
from kernel.digits import check_digits_hold
from payments import afterwards, tickets
from payments.start import Started, start
from payments.tickets import (
    A_DAY,
    MAX_ANSWER,
    MAX_NOTE,
    Opened,
    Ticket,
    TicketKind,
    TicketRefusal,
    TicketRequest,
    TicketState,
)
from tests.unit.payments.conftest import CITIZEN, NEIGHBOUR, Counter
from tests.unit.payments.scripted_wallet import NO_FUNDS, SUCCESS


async def asked(counter: Counter, **changes: object) -> TicketRequest:
    """A complaint about a fresh bill."""
    values: dict[str, Any] = {
        "id": counter.desk.ids.new(),
        "citizen": CITIZEN,
        "kind": TicketKind.COMPLAINT,
        "reason": "slow",
        "note": "",
        "control_number": (await counter.bill()).control_number,
        "channel": "sandbox",
        "language": "ar",
    }
    return TicketRequest(**(values | changes))


async def opened(counter: Counter, **changes: object) -> Ticket:
    """The same, on file."""
    request = await asked(counter, **changes)
    assert isinstance(await tickets.open_ticket(counter.desk, request), Opened)
    async with counter.desk.database.read() as connection:
        found = await tickets.find(connection, request.id)
    assert found is not None
    return found


async def paid(counter: Counter, **changes: object) -> tuple[UUID, str]:
    """A payment that was collected, and its control number."""
    bill = await counter.bill()
    answer = await start(counter.desk, counter.request(bill, **changes))
    assert isinstance(answer, Started)
    counter.wallet.collects = [SUCCESS]
    await counter.work()
    assert await counter.state(answer.payment_id) == "collected"
    return answer.payment_id, bill.control_number


async def due(counter: Counter, kind: str) -> list[str]:
    """What is to be told after the id."""
    async with counter.desk.database.read() as connection:
        sql = "SELECT key FROM kernel.work WHERE kind = $1 ORDER BY id"
        rows = await connection.fetch(sql, kind)
    return [row["key"].partition(":")[2] for row in rows]


async def test_a_ticket_has_a_number_with_check_digits_and_is_told(counter: Counter) -> None:
    ticket = await opened(counter, note="  too\n slow\t" + "x" * 300)
    assert (ticket.state, ticket.agency, ticket.service) == ("open", "JO-CSPD", "PASSPORT")
    assert check_digits_hold(ticket.number)
    assert ticket.note.startswith("too slow x")
    assert len(ticket.note) == MAX_NOTE
    assert await due(counter, "sms.ticket") == ["open"]


async def test_the_same_call_twice_at_once_is_one_ticket(counter: Counter) -> None:
    request = await asked(counter)
    answers = await asyncio.gather(*(tickets.open_ticket(counter.desk, request) for _ in range(4)))
    numbers = {answer.number for answer in answers if isinstance(answer, Opened)}
    assert len(numbers) == 1
    assert sorted(answer.is_new for answer in answers if isinstance(answer, Opened)) == [
        False, False, False, True,
    ]  # fmt: skip
    assert len(await tickets.tickets_of(counter.desk, CITIZEN)) == 1


async def test_the_same_wish_about_a_bill_is_one_ticket_until_it_is_ended(
    counter: Counter,
) -> None:
    first = await opened(counter)
    again = await asked(counter, control_number=first.control_number)
    assert await tickets.open_ticket(counter.desk, again) == Opened(first.number, is_new=False)
    other = await asked(
        counter, control_number=first.control_number, kind=TicketKind.CORRECTION, reason="paid"
    )
    answer = await tickets.open_ticket(counter.desk, other)
    assert isinstance(answer, Opened)
    assert answer.is_new
    await ended(counter, first)
    answer = await tickets.open_ticket(counter.desk, again)
    assert isinstance(answer, Opened)
    assert answer.is_new


async def test_a_citizen_opens_a_limited_number_a_day(counter: Counter) -> None:
    for _ in range(A_DAY):
        await opened(counter)
    refused = await tickets.open_ticket(counter.desk, await asked(counter))
    assert refused is TicketRefusal.TOO_MANY
    await opened(counter, citizen=NEIGHBOUR)
    counter.clock.forward(timedelta(hours=25))
    await opened(counter)


async def test_no_ticket_about_a_bill_that_does_not_exist_or_for_an_invented_reason(
    counter: Counter,
) -> None:
    request = await asked(counter, control_number="999999999940")
    refused = await tickets.open_ticket(counter.desk, request)
    assert refused is TicketRefusal.BILL_NOT_FOUND
    with pytest.raises(ValueError, match="no reason"):
        await tickets.open_ticket(counter.desk, await asked(counter, reason="boredom"))


async def test_a_ticket_is_answered_once_and_then_stays_so(counter: Counter) -> None:
    ticket = await opened(counter)
    assert await ended(counter, ticket, "We are sorry. " + "x" * 300)
    assert not await ended(counter, ticket, "second thoughts")
    (seen,) = await tickets.tickets_of(counter.desk, CITIZEN)
    assert (seen.state, seen.answered_by) == (TicketState.ANSWERED, "rana")
    assert len(seen.answer) == MAX_ANSWER
    assert await due(counter, "sms.ticket") == ["open", "answered"]


async def test_a_ticket_without_words_is_closed_and_told(counter: Counter) -> None:
    ticket = await opened(counter)
    assert await ended(counter, ticket, " \n")
    (seen,) = await tickets.tickets_of(counter.desk, CITIZEN)
    assert (seen.state, seen.answer) == (TicketState.CLOSED, "")
    assert await due(counter, "sms.ticket") == ["open", "closed"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE payments.ticket SET state = 'open', answered_by = NULL",
        "UPDATE payments.ticket SET answer = 'another'",
        "DELETE FROM payments.ticket",
    ],
)
async def test_the_database_takes_nothing_back(counter: Counter, change: str) -> None:
    ticket = await opened(counter)
    await ended(counter, ticket)
    with pytest.raises(asyncpg.CheckViolationError):
        await counter.run(change)


async def test_what_was_asked_cannot_be_changed(counter: Counter) -> None:
    await opened(counter)
    with pytest.raises(asyncpg.CheckViolationError, match="cannot be changed"):
        await counter.run(
            "UPDATE payments.ticket SET note = 'x', state = 'closed', answered_by = 'rana'"
        )


async def test_a_paid_service_is_rated_once_by_who_paid(counter: Counter) -> None:
    payment, number = await paid(counter)
    assert not await afterwards.rate(counter.desk, NEIGHBOUR, number, 1)
    assert await afterwards.rate(counter.desk, CITIZEN, number, 5)
    assert not await afterwards.rate(counter.desk, CITIZEN, number, 1)
    score = await counter.value("SELECT score FROM payments.rating WHERE payment_id = $1", payment)
    assert score == 5
    with pytest.raises(ValueError, match="no score"):
        await afterwards.rate(counter.desk, CITIZEN, number, 6)


async def test_what_was_not_collected_is_neither_rated_nor_receipted_again(
    counter: Counter,
) -> None:
    _, bill = await counter.started()
    counter.wallet.collects = [NO_FUNDS]
    await counter.work()
    assert not await afterwards.rate(counter.desk, CITIZEN, bill.control_number, 5)
    assert not await afterwards.send_receipt_again(counter.desk, CITIZEN, bill.control_number)


async def test_a_receipt_is_sent_three_times_again_and_only_to_who_paid(counter: Counter) -> None:
    _, number = await paid(counter)
    assert not await afterwards.send_receipt_again(counter.desk, NEIGHBOUR, number)
    sent = [await afterwards.send_receipt_again(counter.desk, CITIZEN, number) for _ in range(4)]
    assert sent == [True, True, True, False]
    assert await counter.told() == ["receipt", "again-1", "again-2", "again-3"]


async def test_five_receipts_a_day_are_sent_again_to_one_subscriber(counter: Counter) -> None:
    first, second = (await paid(counter))[1], (await paid(counter))[1]
    sent = [
        await afterwards.send_receipt_again(counter.desk, CITIZEN, number)
        for number in (first, first, first, second, second, second)
    ]
    assert sent == [True] * 5 + [False]
    counter.clock.forward(timedelta(hours=25))
    assert await afterwards.send_receipt_again(counter.desk, CITIZEN, second)


async def test_whom_it_was_paid_for_is_kept_unless_it_is_the_payer(counter: Counter) -> None:
    async with counter.desk.database.transaction() as connection:
        neighbour = await subscribers.remember(connection, counter.desk.keys, NEIGHBOUR)
        await subscribers.set_language(connection, counter.desk.keys, NEIGHBOUR, "fr")
        me = await subscribers.remember(connection, counter.desk.keys, CITIZEN)
    theirs, _ = await paid(counter, beneficiary=neighbour)
    own, _ = await paid(counter, beneficiary=me)
    async with counter.desk.database.read() as connection:
        found = await afterwards.beneficiary(connection, theirs)
        assert found == afterwards.Beneficiary(neighbour, "fr")
        assert await afterwards.beneficiary(connection, own) is None


async def ended(counter: Counter, ticket: Ticket, answer: str = "Done") -> bool:
    """An answer by somebody at the agency."""
    async with counter.desk.database.transaction() as connection:
        return await tickets.end(
            connection, ticket.id, answer=answer, by="rana", at=counter.clock.now()
        )
