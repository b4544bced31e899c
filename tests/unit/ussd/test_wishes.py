"""What a citizen wants beside paying a bill that is at hand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from kernel.money import Money
from kernel.valkey import Valkey
from payments.tickets import REASONS, TicketKind, TicketRefusal
from tests.unit.ussd.conftest import Exchange
from ussd.fake_gateway import COPIES, pseudonym

TEN = Money(10_000, "JOD")
ME = "+962790000000"
SISTER = "+962790000001"
CODE = "123456789012345"


async def a_paid_bill(exchange: Exchange) -> str:
    """A bill that the subscriber has paid, with its receipt."""
    number = exchange.gateway.issue(TEN)
    await exchange.phone().dials(f"*789*{number}#").sends("1").hangs_up()
    exchange.gateway.settle(number, state="paid", receipt=CODE)
    return number


async def test_a_service_is_reached_by_its_short_code_from_the_first_screen(
    exchange: Exchange,
) -> None:
    first, second = exchange.english(), exchange.english(SISTER)
    await first.dials("*789#").sends("101").sees("Passport renewal", "Total 5.000 JOD")
    await second.dials("*789#").sends("٢١٢").sees("Same day").sends("1").sees("Driving test")
    await first.sends("00", "8").sees("code").sends("102").sees("How many?")
    await first.sends("00", "999").sees("No service has this code", "Travel")


async def test_a_service_is_found_by_what_it_is_about(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("8").sees("1. Driving", "2. Travel").sends("1")
    await phone.sees("201. Traffic fine", "212. Driving test").misses("Passport")
    await phone.sends("212").sees("Same day").sends("0").sees("201. Traffic fine")


async def test_a_long_topic_is_listed_agency_by_agency(exchange: Exchange) -> None:
    fine = exchange.gateway.catalogue["JO-ROAD"][0]
    exchange.gateway.catalogue["JO-ROAD"] = [replace(fine, number=at) for at in range(20, 30)]
    exchange.gateway.categories["JO-PASS"] = "driving"
    phone = exchange.english()
    await phone.dials("*789#").sends("8", "1").sees("1. Passports", "2. Vehicle licensing")
    await phone.sends("1").sees("101. Passport renewal").misses("201.")


async def test_bills_in_my_name_are_listed_and_paid(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("6").sees("no bills in your name")
    exchange.gateway.issue(TEN, payer=SISTER)
    number = exchange.gateway.issue(TEN, payer=ME)
    await phone.dials("*789#").sends("6").sees("1. 10.000 JOD Passport renewal").misses("2.")
    await phone.sends("1").sees("Total 10.000 JOD").sends("1").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert intent.control_number == number


async def test_a_stranger_sees_of_a_bill_whom_to_pay_and_how_much(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN, stamp=TEN, payer=SISTER)
    await exchange.english().dials(f"*789*{number}#").sees("Passports", "Total 20.000 JOD")
    phone = await exchange.english().dials(f"*789*{number}#").misses("renewal", "Stamp", "Fee")
    await phone.sends("1").hangs_up()
    await exchange.english(SISTER).dials(f"*789*{number}#").misses("Passport renewal")


async def test_the_receipt_goes_to_another_number_too_which_no_session_keeps(
    exchange: Exchange, valkey: Valkey
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("2").sees("1. I pay for somebody else").sends("1")
    await phone.sees("phone number").sends("12").sees("no phone number").sends("nonsense")
    await phone.sees("no phone number").sends("٠٧٩٠٠٠٠٠٠١")
    await phone.sees("number ending in 001", "Total 10.000 JOD")
    kept = await everything_in(valkey)
    assert pseudonym(SISTER) in kept
    assert "790000001" not in kept
    await phone.sends("1").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert (intent.payer.e164, intent.beneficiary) == (ME, pseudonym(SISTER))


async def test_whom_a_bill_was_issued_to_is_told_without_typing_the_number(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(TEN, payer=SISTER)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("2", "1").sees("1. Whom the bill is for")
    await phone.sends("1").sees("Receipt also to whom the bill is for").sends("1").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert intent.beneficiary == pseudonym(SISTER)


async def test_another_bill_does_not_inherit_whom_the_last_one_was_paid_for(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials("*789#").sends("1", number, "2", "1", SISTER).sees("Receipt also")
    await phone.sends("0", number).misses("Receipt also").sends("1").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert intent.beneficiary == ""


async def test_another_service_does_not_inherit_it_either(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("2", "1", "1", "2", "1", SISTER).sees("Receipt also")
    await phone.sends("0", "1").sees("Total 5.000 JOD").misses("Receipt also")


async def test_of_two_tickets_each_number_shows_its_own(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("2", "2", "1", "1").hangs_up()
    await phone.dials(f"*789*{number}#").sends("2", "4", "1", "1").hangs_up()
    first, second = exchange.gateway.requests
    await phone.dials(f"*789*{first}#").sees(f"Complaint {first}").misses(second)
    await exchange.english().dials(f"*789*{second}#").sees(f"Correct a bill {second}")


@pytest.mark.parametrize("kind", TicketKind)
async def test_something_is_asked_about_a_bill_without_typing_a_word(
    exchange: Exchange, kind: TicketKind
) -> None:
    number = exchange.gateway.issue(TEN)
    key = str([*TicketKind].index(kind) + 1)
    phone = exchange.english()
    await phone.dials("*789#").sends("7", key).sees("control number").sends(number, "2", "1")
    await phone.sees("The agency has your request").hangs_up()
    ((ticket, request),) = exchange.gateway.requests.items()
    assert ticket in phone.screen
    assert (request.kind, request.reason, request.note) == (kind, REASONS[kind][1], "")
    assert (request.control_number, request.citizen.e164) == (number, ME)


async def test_words_about_it_go_to_the_agency_and_stay_in_no_session(
    exchange: Exchange, valkey: Valkey
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.phone()
    await phone.dials(f"*789*{number}#").sends("2", "2").sees("ما المشكلة").sends("5")
    await phone.sees("بإيجاز").sends("دفعت أمس * ولم يصل شيء").sees("وصل طلبك").hangs_up()
    (request,) = exchange.gateway.requests.values()
    assert request.note == "دفعت أمس * ولم يصل شيء"
    assert "أمس" not in await everything_in(valkey)


async def test_the_answer_is_read_by_ussd_by_whoever_asked(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("2", "4", "1", "1").hangs_up()
    (ticket,) = exchange.gateway.requests
    await phone.dials("*789#").sends("7", "4").sees(f"1. {ticket} open").sends("1")
    await phone.sees(f"Correct a bill {ticket}", "Passports", "open")
    exchange.gateway.answers[ticket] = "The amount is right"
    await phone.dials(f"*789*{ticket}#").sees("answered", "Answer: The amount is right")
    await exchange.english(SISTER).dials(f"*789*{ticket}#").sees("no request with this number")


async def test_asking_the_same_again_gives_the_same_number(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    for told in ("has your request", "asked this before"):
        await phone.dials(f"*789*{number}#").sends("2", "2", "1", "1").sees(told).hangs_up()
    assert len(exchange.gateway.requests) == 1
    exchange.gateway.ticket_refusal = TicketRefusal.TOO_MANY
    await phone.dials(f"*789*{number}#").sends("2", "3", "1", "1").sees("enough").hangs_up()


async def test_nothing_can_be_asked_about_a_bill_that_does_not_exist(exchange: Exchange) -> None:
    absent = exchange.gateway.issue(TEN)
    del exchange.gateway.bills[absent]
    phone = exchange.english()
    await phone.dials("*789#").sends("7", "1", absent).sees("no bill with this number", "digits")
    await phone.sends("123").sees("Digits typed: 3")


async def test_of_a_fee_that_is_no_bill_yet_nothing_is_asked(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("101", "2").sees("somebody else").misses("Complaint")
    await phone.sends("2").sees("choose a number")


async def test_a_receipt_is_sent_again_until_it_was_enough(exchange: Exchange) -> None:
    number = await a_paid_bill(exchange)
    phone = exchange.english()
    for _ in range(COPIES):
        await phone.dials("*789#").sends("3", "1", "1").sees("on its way").repeats().hangs_up()
    assert exchange.gateway.copies == [number] * COPIES
    await phone.dials("*789#").sends("3", "1", "1").sees("often enough").hangs_up()


async def test_a_paid_service_is_rated_once_with_one_digit(exchange: Exchange) -> None:
    number = await a_paid_bill(exchange)
    phone = exchange.english()
    await phone.dials("*789#").sends("3", "1").sees("3. Rate the service").sends("3")
    await phone.sees("from 1 (bad) to 5").sends("6").sees("choose a number")
    await phone.sends("²").sees("choose a number").sends("٤")
    await phone.sees("Thank you").hangs_up()
    assert exchange.gateway.scores == {number: 4}
    await phone.dials("*789#").sends("3", "1").sees("1. Send").misses("Rate").sends("3")
    await phone.sees("choose a number")


async def test_of_two_payments_of_one_bill_each_is_shown_as_it_went(
    exchange: Exchange, clock: ManualClock
) -> None:
    number, phone = exchange.gateway.issue(TEN), exchange.english()
    await phone.dials(f"*789*{number}#").sends("1").hangs_up()
    exchange.gateway.settle(number, state="refused")
    clock.forward(timedelta(minutes=20))
    exchange.gateway.bills[number].refused = None
    await phone.dials(f"*789*{number}#").sends("1").hangs_up()
    await phone.dials("*789#").sends("3").sees("1. 10.000 JOD under way", "2. 10.000 JOD not paid")
    await phone.sends("2").sees("10.000 JOD not paid").sends("0", "1").sees("10.000 JOD under way")


async def test_nobody_is_asked_back_to_a_request_that_was_looked_at(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("2", "4", "1", "1").hangs_up()
    await phone.dials("*789#").sends("7", "4", "1").sees("Correct a bill")
    await phone.dials("*789#").sees("1. Pay a bill").misses("Continue")


async def test_a_payment_that_is_not_made_has_no_receipt_to_send_and_nothing_to_rate(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("1").dials("*789#").sends("3", "1")
    await phone.sees("2. Request, complaint").misses("Send the receipt", "Rate")
    await phone.sends("2", "1").sees("What is wrong?")


async def everything_in(valkey: Valkey) -> str:
    """All that Valkey holds, as one text."""
    kept = []
    keys = await valkey.call("KEYS", "*")
    assert isinstance(keys, list)
    for key in keys:
        value = await valkey.call("GET", key)
        assert isinstance(value, bytes)
        kept.append(value.decode(errors="replace"))
    return json.dumps(kept, ensure_ascii=False)
