"""What a citizen is told of a ticket, and whom else a receipt goes to."""

from __future__ import annotations

from datetime import date

import pytest

from fees import bills, catalogue
from fees.bills import Bill
from kernel import subscribers, work
from kernel.clock import ManualClock
from kernel.config import PaymentsConfig
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.texts import LANGUAGES
from payments import tickets
from payments.desk import Desk
from payments.tickets import MAX_ANSWER, Opened, TicketKind, TicketRequest
from sms.compose import LONGER, PARTS
from sms.desk import SmsDesk
from sms.tickets import about_ticket, tell
from tests.unit.sms.correspondence import desk as make_desk

CITIZEN = Msisdn("+962790000000")


async def a_ticket(
    database: Database, keys: Keys, clock: ManualClock, language: str = "en"
) -> tickets.Ticket:
    """A complaint on file about a passport."""
    ids = RandomIds()
    desk = Desk(
        database=database,
        keys=keys,
        clock=clock,
        ids=ids,
        config=PaymentsConfig(),
        wallets={},
        wallet_configs={},
        public_url="https://gw.example.gov.jo",
    )
    async with database.transaction() as connection:
        await catalogue.load_demo(connection, at=clock.now())
        bill = await bills.issue(
            connection,
            ids,
            agency="JO-CSPD",
            service="PASSPORT",
            at=clock.now(),
            due_on=date(2027, 1, 1),
        )
    assert isinstance(bill, Bill)
    request = TicketRequest(
        id=ids.new(),
        citizen=CITIZEN,
        kind=TicketKind.COMPLAINT,
        reason="slow",
        note="",
        control_number=bill.control_number,
        channel="sandbox",
        language=language,
    )
    assert isinstance(await tickets.open_ticket(desk, request), Opened)
    async with database.read() as connection:
        found = await tickets.find(connection, request.id)
    assert found is not None
    return found


async def written(desk: SmsDesk) -> list[tuple[str, str]]:
    """Purpose and text of all messages."""
    async with desk.database.read() as connection:
        rows = await connection.fetch("SELECT purpose, body FROM sms.message ORDER BY id")
    return [(row["purpose"], row["body"]) for row in rows]


async def test_the_number_and_then_the_answer_go_out_once(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    ticket = await a_ticket(database, keys, clock)
    desk = make_desk(database, keys, clock)
    (item,) = await work.claim(database, kinds=["sms.ticket"])
    await tell(desk, item)
    ((purpose, body),) = await written(desk)
    assert purpose == "ticket_open"
    assert f"*789*{ticket.number}#" in body

    async with database.transaction() as connection:
        await tickets.end(connection, ticket.id, answer="Come on Sunday", by="r", at=clock.now())
    (item,) = await work.claim(database, kinds=["sms.ticket"])
    await tell(desk, item)
    (_, (purpose, body)) = await written(desk)
    assert purpose == "ticket_answered"
    assert body.endswith(f"on your request {ticket.number}: Come on Sunday")
    assert await work.claim(database, kinds=["sms.ticket"]) == []


async def test_a_ticket_nobody_knows_is_left_for_a_person(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    async with database.transaction() as connection:
        await work.enqueue(connection, "sms.ticket", "not-an-id:open")
    (item,) = await work.claim(database)
    desk = make_desk(database, keys, clock)
    await tell(desk, item)
    assert await written(desk) == []
    async with database.read() as connection:
        assert await connection.fetchval("SELECT parked_at IS NOT NULL FROM kernel.work")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_longest_answer_fits_the_parts_we_pay_for(
    database: Database, keys: Keys, clock: ManualClock, language: str
) -> None:
    ticket = await a_ticket(database, keys, clock, language)
    desk = make_desk(database, keys, clock)
    words = "كلمة " * 40 if language == "ar" else "word " * 40
    object.__setattr__(ticket, "answer", words[:MAX_ANSWER])
    for state in ("open", "answered", "closed"):
        composed = about_ticket(desk, ticket, state)
        most = LONGER.get(f"ticket.{state}", PARTS[language])
        assert composed.segments.count <= most, composed.text
        assert ticket.number in composed.text


async def test_a_subscriber_is_named_by_pseudonym_only(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    ticket = await a_ticket(database, keys, clock)
    async with database.read() as connection:
        known = await subscribers.find(connection, keys, ticket.citizen)
        kept = await connection.fetchval("SELECT ticket::text FROM payments.ticket")
    assert known is not None
    assert known.msisdn == CITIZEN
    assert "790000000" not in kept
