"""From the first dial to a receipt that anybody can check, in the citizen's language."""

import re

from tests.journeys.town import Town, citizen, code_in


async def test_a_citizen_reads_arabic_approves_on_the_phone_and_gets_a_receipt(town: Town) -> None:
    me = citizen("00")
    bill = await town.bill()
    phone = town.phone(me).dials("*789#").sees("العربية").sends("1").sees("دفع فاتورة")
    await phone.sends("1", bill.control_number).sees("50.000", "جواز سفر").sends("1").hangs_up()
    await town.approve(me)
    assert await town.payment_ended(bill) == "collected"
    text = await town.message(me, "receipt")
    assert "50.000" in text
    assert await town.debits(me) == 1
    assert await town.booked(bill) == 50_000
    assert await town.balances()


async def test_the_same_in_english_and_the_language_is_remembered(town: Town) -> None:
    me = citizen("00")
    bill = await town.bill()
    await town.phone(me).dials("*789#").sends("2").sees("Pay a bill")
    phone = town.phone(me).dials(f"*789*{bill.control_number}#").sees("Passport", "50.000")
    await phone.sends("1").hangs_up()
    await town.approve(me)
    assert await town.payment_ended(bill) == "collected"
    assert "Passport" in await town.message(me, "receipt")


async def test_a_fee_chosen_from_the_menu_is_billed_and_paid(town: Town) -> None:
    me = citizen("01")
    phone = town.phone(me).dials("*789#").sends("1", "2").sees("الأحوال المدنية")
    await phone.sends("1").sees("جواز سفر").sends("1").sees("50.000").sends("1").hangs_up()
    assert "جواز سفر" in await town.message(me, "receipt")
    assert await town.debits(me) == 1


async def test_a_receipt_can_be_checked_by_ussd_on_the_web_and_by_sms(town: Town) -> None:
    me, anybody = citizen("01"), citizen("00")
    bill = await town.bill()
    await town.says_yes(me, bill)
    code = code_in(await town.message(me, "receipt"))
    await town.phone(anybody).dials("*789#").sends("1", "4", code).sees("50.000")
    page = await town.line.get(f"/verify/{code}")
    assert page.status_code == 200
    assert "50.000" in page.text
    wrong = f"{(int(code) + 1) % 10**15:015d}"
    assert "50.000" not in (await town.line.get(f"/verify/{wrong}")).text
    inbound = {"id": f"in-{code}", "from": anybody, "to": "Mizan", "text": f"تحقق {code}"}
    assert (await town.line.post("/sms/sandbox/inbound", data=inbound)).status_code < 300
    await town.stack.until(
        "SELECT body FROM sms.message WHERE body LIKE '%50.000%' AND purpose LIKE '%verify%'"
        " OR template LIKE '%verify%' AND body LIKE '%50.000%' LIMIT 1"
    )


async def test_my_payments_show_what_was_paid(town: Town) -> None:
    me = citizen("01")
    bill = await town.bill()
    await town.says_yes(me, bill)
    await town.message(me, "receipt")
    await town.phone(me).dials("*789#").sends("1", "3").sees("50.000")


async def test_a_paid_bill_says_when_it_was_paid_and_costs_nothing_more(town: Town) -> None:
    me, neighbour = citizen("01"), citizen("01")
    bill = await town.bill()
    await town.says_yes(me, bill)
    await town.payment_ended(bill)
    phone = await town.phone(neighbour).dials(f"*789*{bill.control_number}#")
    assert re.search(r"\d{1,2}/\d{1,2}|20\d\d", phone.screen), phone.screen
    assert await town.debits(neighbour) == 0


async def test_a_bill_in_flight_starts_no_second_debit(town: Town) -> None:
    me, neighbour = citizen("00"), citizen("01")
    bill = await town.bill()
    await town.says_yes(me, bill)
    phone = await town.phone(neighbour).dials(f"*789*{bill.control_number}#")
    assert "1. ادفع" not in phone.screen, phone.screen
    await town.approve(me)
    assert await town.payment_ended(bill) == "collected"
    assert await town.debits(neighbour) == 0


async def test_a_mistyped_number_is_caught_with_help(town: Town) -> None:
    bill = await town.bill()
    last = str((int(bill.control_number[-1]) + 1) % 10)
    phone = await town.phone(citizen("00")).dials(f"*789*{bill.control_number[:-1]}{last}#")
    assert "50.000" not in phone.screen


async def test_arabic_digits_are_digits(town: Town) -> None:
    bill = await town.bill()
    arabic = bill.control_number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    await town.phone(citizen("00")).dials("*789#").sends("١", "١", arabic).sees("50.000")


async def test_every_country_pays_in_its_own_money(town: Town) -> None:
    for me, agency_money in (
        (f"+961718{citizen('01')[-5:]}", "LBP"),
        (f"+973363{citizen('01')[-5:]}", "BHD"),
        (f"+9705900{citizen('01')[-5:]}", "ILS"),
        (f"+9639300{citizen('01')[-5:]}", "SYP"),
    ):
        phone = await town.phone(me).dials("*789#").sends("1", "2", "1", "1")
        while phone.screen and "ادفع" not in phone.screen and not phone.ended:
            await phone.sends("1")
        assert not phone.ended, phone.screen
        await phone.sends("1").hangs_up()
        await town.message(me, "receipt")
        (request,) = await town.book(me)
        assert request["currency"] == agency_money
