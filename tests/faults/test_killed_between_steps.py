"""SIGKILL between the steps of a payment: web, worker, operator, each at its worst moment."""

from __future__ import annotations

import asyncio
import contextlib

import httpx

from fees.bills import Bill
from launch.rehearsal import PROGRAMS
from tests.faults import oracle
from tests.faults.traps import traps
from tests.faults.wreck import ACTORS, Wreck
from tests.journeys.town import citizen
from tests.unit.ussd.phone import Handset

REQUESTS_OF = (
    "SELECT count(*) FROM payments.payment JOIN wallets.collection"
    " ON collection.id = collection_id WHERE control_number = $1"
)


async def ends_well(wreck: Wreck, *bills: Bill) -> None:
    """Everything runs again: each bill is collected, and all books agree."""
    await wreck.mend()
    assert [await wreck.town.payment_ended(bill) for bill in bills] == ["collected"] * len(bills)
    await oracle.settle(wreck)
    await oracle.agree(wreck)


async def test_web_killed_while_it_writes_the_yes_leaves_nothing_and_the_citizen_dials_again(
    wreck: Wreck,
) -> None:
    first, last = citizen("01"), citizen("01")
    bills = {first: await wreck.town.bill(), last: await wreck.town.bill()}
    async with traps(wreck) as held:
        phones = [
            await wreck.town.phone(who).dials(f"*789*{bill.control_number}#")
            for who, bill in bills.items()
        ]
        await held.hold(
            "its first write: the subscriber",
            "INSERT INTO kernel.subscriber (pseudonym, sealed_msisdn) VALUES ($1, 'trap')",
            wreck.pseudonym(first),
        )
        # One after the other: citizens who come together share a transaction.
        yeses = [asyncio.create_task(_yes(phones[0]))]
        await held.all_caught()
        await held.hold(
            "its last write: the work", "LOCK TABLE kernel.work IN SHARE ROW EXCLUSIVE MODE"
        )
        yeses.append(asyncio.create_task(_yes(phones[1])))
        await held.all_caught()
        wreck.kill("web")
        await asyncio.gather(*yeses)
    await wreck.mend()
    for bill in bills.values():
        assert await wreck.stack.value(REQUESTS_OF, bill.control_number) == 0
    for who, bill in bills.items():
        await wreck.town.says_yes(who, bill)
    await ends_well(wreck, *bills.values())


async def _yes(phone: Handset) -> None:
    """Press 1; the line may die under it."""
    with contextlib.suppress(httpx.HTTPError):
        await phone.sends("1")


async def test_web_killed_after_the_yes_was_written_and_the_same_hop_again_is_the_same_payment(
    wreck: Wreck,
) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    wreck.pause(*ACTORS)
    phone = await wreck.town.phone(me).dials(f"*789*{bill.control_number}#")
    await phone.sends("1")
    wreck.kill("web", *ACTORS)
    wreck.restart("web")
    await phone.comes_again().hangs_up()
    await wreck.flush()
    await phone.comes_again()
    assert await wreck.stack.value(REQUESTS_OF, bill.control_number) == 1
    await ends_well(wreck, bill)


async def test_web_killed_while_it_stores_a_callback_acknowledges_nothing_and_a_question_finds_out(
    wreck: Wreck,
) -> None:
    me, bill = citizen("00"), await wreck.town.bill()
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "pending")
    wreck.pause(*ACTORS)
    async with traps(wreck) as held:
        await held.hold(
            "the collection the callback belongs to",
            "SELECT FROM wallets.collection WHERE id ="
            " (SELECT collection_id FROM payments.payment WHERE control_number = $1) FOR UPDATE",
            bill.control_number,
        )
        await wreck.town.approve(me)
        await held.all_caught()
        wreck.kill("web")
    await ends_well(wreck, bill)


async def test_everything_killed_after_a_callback_was_acknowledged(wreck: Wreck) -> None:
    me, bill = citizen("00"), await wreck.town.bill()
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "pending")
    wreck.pause(*ACTORS)
    await wreck.town.approve(me)
    await wreck.stack.until(
        "SELECT count(*) FROM wallets.evidence JOIN payments.payment"
        " ON collection = collection_id WHERE kind = 'callback' AND control_number = $1",
        bill.control_number,
    )
    wreck.kill(*PROGRAMS)
    assert await wreck.state(bill) == "pending"
    await ends_well(wreck, bill)


async def test_worker_killed_after_sent_was_committed_and_the_operator_never_got_it(
    wreck: Wreck,
) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    wreck.pause("sweeper", "sandbox")  # its port still takes connections, and nobody reads
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "sent")
    wreck.kill("worker", "sandbox")  # what was in the pipe is gone with it
    assert await wreck.state(bill) == "sent"
    await ends_well(wreck, bill)
    sent = await wreck.stack.value(
        "SELECT count(*) FROM payments.transition JOIN payments.payment"
        " ON payment.id = payment_id WHERE control_number = $1 AND event = 'sending'",
        bill.control_number,
    )
    assert sent == 2


async def test_worker_killed_after_sent_was_committed_and_the_operator_reads_it_later(
    wreck: Wreck,
) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    wreck.pause("sweeper", "sandbox")
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "sent")
    wreck.kill("worker")
    assert await wreck.state(bill) == "sent"
    await ends_well(wreck, bill)


async def test_worker_killed_while_the_operator_has_accepted_and_does_not_answer(
    wreck: Wreck,
) -> None:
    me, bill = citizen("12"), await wreck.town.bill()
    wreck.pause("sweeper")
    await wreck.town.says_yes(me, bill)
    await wreck.operator_took(me)
    wreck.kill("worker")
    await ends_well(wreck, bill)


async def test_worker_killed_while_it_hands_the_receipt_over(wreck: Wreck) -> None:
    me, bill = citizen("00"), await wreck.town.bill()
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "pending")
    async with traps(wreck) as held:
        await held.hold(
            "the message",
            "INSERT INTO kernel.work (kind, key) SELECT 'sms.tell', id || ':receipt'"
            " FROM payments.payment WHERE control_number = $1",
            bill.control_number,
        )
        await wreck.town.approve(me)
        await held.all_caught()
        wreck.pause("sweeper", "sandbox")  # from here on the carrier takes and does not answer
    await wreck.stack.until(
        "SELECT sms.message.id FROM sms.message JOIN payments.payment ON payment.id = payment_id"
        " WHERE control_number = $1 AND sms.message.state = 'sending'",
        bill.control_number,
    )
    wreck.kill("worker")
    await ends_well(wreck, bill)


async def test_operator_killed_before_it_took_after_it_took_and_while_it_asks(
    wreck: Wreck,
) -> None:
    asked, hung, unread = citizen("00"), citizen("12"), citizen("01")
    bills = {who: await wreck.town.bill() for who in (asked, hung, unread)}
    for who in (asked, hung):
        await wreck.town.says_yes(who, bills[who])
    await wreck.reaches(bills[asked], "pending")
    await wreck.operator_took(hung)
    wreck.pause("sandbox")
    await wreck.town.says_yes(unread, bills[unread])
    await wreck.reaches(bills[unread], "sent")
    wreck.kill("sandbox")
    await wreck.mend()
    await wreck.town.approve(asked)
    await ends_well(wreck, *bills.values())


async def test_operator_killed_between_collected_and_the_receipt(wreck: Wreck) -> None:
    me, bill = citizen("00"), await wreck.town.bill()
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "pending")
    async with traps(wreck) as held:
        await held.hold(
            "the message",
            "INSERT INTO kernel.work (kind, key) SELECT 'sms.tell', id || ':receipt'"
            " FROM payments.payment WHERE control_number = $1",
            bill.control_number,
        )
        await wreck.town.approve(me)
        await held.all_caught()
        wreck.kill("sandbox")
    await wreck.reaches(bill, "collected")
    await ends_well(wreck, bill)
