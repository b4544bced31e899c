"""Paying for somebody else, asking something of an agency, and what comes after a receipt."""

from __future__ import annotations

import re

from kernel.clock import SystemClock
from kernel.database import Database
from payments import tickets
from tests.journeys.town import Town, citizen, code_in


async def test_who_pays_and_for_whom_it_is_paid_both_get_the_receipt(town: Town) -> None:
    me, mother = citizen("01"), citizen("00")
    bill = await town.bill()
    phone = town.phone(me).dials(f"*789*{bill.control_number}#").sends("2", "1", mother)
    await phone.sees(mother[-3:]).sends("1", "1").hangs_up()
    mine, hers = await town.message(me, "receipt"), await town.message(mother, "beneficiary")
    assert code_in(mine) == code_in(hers)
    assert "عنك" in hers
    assert await town.debits(me) == 1
    assert await town.debits(mother) == 0


async def test_a_receipt_comes_again_by_sms_and_the_service_is_rated(town: Town) -> None:
    me = citizen("01")
    bill = await town.bill()
    await town.says_yes(me, bill)
    first = await town.message(me, "receipt")
    phone = town.phone(me).dials("*789#").sends("1", "3", "1").sees("50.000").sends("99", "1")
    await phone.hangs_up()
    assert await town.message(me, "again-1") == first
    await town.phone(me).dials("*789#").sends("3", "1", "3", "5").hangs_up()
    score = await town.stack.value(
        "SELECT score FROM payments.rating JOIN payments.payment ON id = payment_id"
        " WHERE control_number = $1",
        bill.control_number,
    )
    assert score == 5


async def test_a_complaint_has_a_number_and_its_answer_comes_by_sms_and_by_ussd(
    town: Town,
) -> None:
    me = citizen("01")
    bill = await town.bill()
    phone = town.phone(me).dials(f"*789*{bill.control_number}#").sends("2", "2", "5")
    await phone.sends("المبلغ ليس صحيحا").sees("وصل طلبك").hangs_up()
    text = await town.message(me, "ticket_open")
    found = re.search(r"\b\d{9}\b", text)
    assert found, text
    await _answered(town, found[0], "صححنا المبلغ، اطلب فاتورة جديدة")
    assert "صححنا المبلغ" in await town.message(me, "ticket_answered")
    status = town.phone(me).dials(f"*789*{found[0]}#").sees("شكوى", found[0], "تم الرد")
    await status.sends("99").sees("صححنا المبلغ")
    stranger = citizen("00")
    await town.phone(stranger).dials(f"*789*{found[0]}#").misses("صححنا", "شكوى")


async def test_a_bill_in_my_name_is_found_without_its_number(town: Town) -> None:
    me = citizen("01")
    await town.phone(me).dials("*789#").sends("1", "101").sees("50.000").sends("1").hangs_up()
    await town.message(me, "receipt")
    phone = town.phone(me).dials("*789#").sends("6").sees("لا توجد فواتير")
    await phone.sends("0", "8").sees("1. ")


async def _answered(town: Town, number: str, answer: str) -> None:
    """What somebody at the agency does in the console."""
    database = await Database.connect(town.stack.servers.urls.database_url, size=1)
    try:
        async with database.transaction() as connection:
            ticket = await connection.fetchval(
                "SELECT id FROM payments.ticket WHERE number = $1", number
            )
            at = SystemClock().now()
            assert await tickets.end(connection, ticket, answer=answer, by="rana", at=at)
    finally:
        await database.close()
