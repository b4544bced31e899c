"""A citizen pays over USSD."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from kernel.clock import ManualClock
from kernel.digits import grouped
from kernel.money import Money
from payments.refusals import Refusal
from tests.unit.ussd.conftest import Exchange
from ussd.fake_gateway import genuine, offer_of
from ussd.gateway import Refused

TEN = Money(10_000, "JOD")
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


async def test_a_dialled_control_number_is_paid_with_one_key(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.phone()
    await phone.dials(f"*789*{number}#").sees("دائرة الجوازات", "10.000 د.أ", "1. ادفع")
    await phone.sends("1").sees("وافق").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert (intent.control_number, intent.agreed_total) == (number, TEN)
    assert (intent.wallet, intent.channel, intent.language) == ("sandbox", "sandbox", "ar")


async def test_the_first_dial_asks_for_the_language_and_the_next_one_remembers_it(
    exchange: Exchange,
) -> None:
    phone = exchange.phone()
    exchange.gateway.languages.clear()
    await phone.dials("*789#").sees("العربية", "English", "Français").misses("0.")
    await phone.sends("9").sees("اختر رقما").sends("2").sees("Pay a bill")
    assert exchange.gateway.languages == {"+962790000000": "en"}
    await phone.dials("*789#").sees("Pay a bill").misses("العربية")


async def test_a_dialled_number_skips_the_language_and_speaks_arabic_without_remembering_it(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.phone()
    exchange.gateway.languages.clear()
    await phone.dials(f"*789*{number}#").sees("ادفع")
    assert exchange.gateway.languages == {}
    await exchange.english().dials(f"*789*{number}#").sees("Pay")


async def test_the_language_can_be_changed_from_help(exchange: Exchange) -> None:
    await (
        exchange.phone()
        .dials("*789#")
        .sends("5", "99", "99")
        .sees("Language")
        .sends("1", "3")
        .sees("Payer une facture")
    )


@pytest.mark.parametrize("write", ["plain", "grouped", "arabic", "persian"])
async def test_a_control_number_is_read_however_it_is_typed(exchange: Exchange, write: str) -> None:
    number = exchange.gateway.issue(TEN)
    typed = {
        "plain": number,
        "grouped": grouped(number, 4),
        "arabic": number.translate(ARABIC_DIGITS),
        "persian": number.translate(PERSIAN_DIGITS),
    }[write]
    await exchange.english().dials("*789#").sends("1", typed).sees("Total 10.000 JOD")


async def test_choices_are_read_in_arabic_digits(exchange: Exchange) -> None:
    await exchange.english().dials("*789#").sends("١").sees("control number")
    await exchange.english().dials("*789#").sends("۲", "۱").sees("Choose the service")


async def test_the_home_screen_takes_a_control_number_at_once(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    await exchange.english().dials("*789#").sends(number).sees("Total 10.000 JOD")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("12AB56789012", "Digits only"),
        ("12345", "Digits typed: 5"),
        ("", "Digits only"),
        ("123456789012", "typing mistake"),
    ],
)
async def test_a_wrong_control_number_is_explained_without_asking_the_database(
    exchange: Exchange, typed: str, told: str
) -> None:
    phone = await exchange.english().dials("*789#").sends("1")
    exchange.gateway.calls.clear()
    await phone.sends(typed).sees(told, "12 digits")
    assert exchange.gateway.calls == []


async def test_a_mistyped_dial_argument_lands_on_the_question_with_the_reason(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(TEN)
    await (
        exchange.english()
        .dials("*789*123456789012#")
        .sees("typing mistake")
        .sends(number)
        .sees("Total 10.000 JOD")
    )
    await exchange.english().dials("*789*1234567#").sees("Digits typed: 7")


async def test_an_unknown_bill_can_be_typed_again(exchange: Exchange) -> None:
    absent = exchange.gateway.issue(TEN)
    del exchange.gateway.bills[absent]
    number = exchange.gateway.issue(TEN, stamp=TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{absent}#").sees("no bill with this number").sends(number)
    await phone.sees("Total 20.000 JOD").sends("0").sees("12 digits").sends("0").sees("Help")


@pytest.mark.parametrize(
    ("refused", "told"),
    [
        (Refused(Refusal.BILL_ALREADY_PAID, date(2026, 11, 20)), "paid on 20/11/2026"),
        (Refused(Refusal.BILL_ALREADY_PAID), "has been paid"),
        (Refused(Refusal.BILL_EXPIRED, date(2026, 11, 1)), "until 01/11/2026"),
        (Refused(Refusal.BILL_EXPIRED), "can no longer be paid"),
        (Refused(Refusal.BILL_CANCELLED), "cancelled"),
        (Refused(Refusal.PAYMENT_IN_FLIGHT), "right now"),
    ],
)
async def test_a_bill_that_cannot_be_paid_says_why_and_starts_nothing(
    exchange: Exchange, refused: Refused, told: str
) -> None:
    number = exchange.gateway.issue(TEN)
    exchange.gateway.bills[number].refused = refused
    await exchange.english().dials(f"*789*{number}#").sees(told).hangs_up()
    assert exchange.gateway.intents == {}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (Refusal.WALLET_UNAVAILABLE, "does not answer"),
        (Refusal.CURRENCY_NOT_SUPPORTED, "this currency"),
        (Refusal.BOOKS_UNBALANCED, "paused"),
        (Refusal.SERVICE_UNAVAILABLE, "not available"),
    ],
)
async def test_a_refused_start_says_that_nothing_was_charged(
    exchange: Exchange, refusal: Refusal, told: str
) -> None:
    number = exchange.gateway.issue(TEN)
    exchange.gateway.start_refusal = refusal
    await exchange.english().dials(f"*789*{number}#").sends("1").sees(told).hangs_up()


async def test_a_fee_of_parts_is_itemised(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN, stamp=Money(500, "JOD"))
    await (
        exchange.english()
        .dials(f"*789*{number}#")
        .sees("Fee 10.000", "Stamp duty 0.500", "Total 10.500 JOD")
        .misses("penalty", "Service fee")
    )


async def test_a_plain_fee_shows_only_its_total(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    await exchange.english().dials(f"*789*{number}#").misses("Fee")


async def test_a_key_typed_before_the_total_was_shown_pays_nothing(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN, stamp=TEN)
    phone = exchange.phone()
    await phone.dials(f"*789*{number}#").sees("99. المزيد").misses("المجموع")
    await phone.sends("1").sees("المجموع 20.000 د.أ", "1. ادفع")
    assert exchange.gateway.intents == {}
    await phone.sends("1").sees("وافق").hangs_up()
    assert len(exchange.gateway.intents) == 1


async def test_a_changed_total_is_shown_and_agreed_to_anew(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    dearer = offer_of(Money(11_000, "JOD"))

    def rise() -> None:
        exchange.gateway.bills[number].offer = dearer

    phone = exchange.english()
    await phone.dials(f"*789*{number}#").does(rise).sends("1").sees("changed", "Total 11.000 JOD")
    assert exchange.gateway.intents == {}
    await phone.sends("1").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert intent.agreed_total == Money(11_000, "JOD")


async def test_several_wallets_are_offered_and_the_chosen_one_pays(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    exchange.gateway.languages["+962790000000"] = "en"
    # The network code names the sandbox's wallet only on channels that map it.
    phone = exchange.phone(path="/ussd/two")
    await phone.dials(f"*789*{number}#").sees("which wallet", "1. sandbox wallet").sends("2")
    await phone.sees("Total").sends("0").sees("which wallet").sends("2", "1").hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert intent.wallet == "other"


async def test_a_currency_that_no_wallet_holds_is_said_before_the_question(
    exchange: Exchange,
) -> None:
    number = exchange.gateway.issue(Money(100, "USD"))
    await exchange.english().dials(f"*789*{number}#").sees("this currency").hangs_up()


async def test_a_fee_is_found_by_agency_and_service(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("2").sees("1. Passports", "2. Vehicle licensing")
    await phone.misses("General Security").sends("1").sees("1. Passport renewal")
    await phone.sends("1").sees("Passports", "Passport renewal", "Total 5.000 JOD").sends("1")
    await phone.hangs_up()
    (intent,) = exchange.gateway.intents.values()
    assert intent.order is not None
    assert (intent.order.agency, intent.order.service) == ("JO-PASS", "RENEW")
    assert intent.control_number is None


async def test_a_quantity_multiplies_the_price(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("2", "1", "2").sees("How many?").sends("100")
    await phone.sees("from 1 to 99").sends("٣").sees("Quantity 3", "Total 15.000 JOD")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("12.5", "Total 12.500 JOD"),
        ("١٢٫٥", "Total 12.500 JOD"),
        ("12.5005", "At most 3 digits"),
        ("1,5", "with a point"),
        ("abc", "with a point"),
        ("0.000", "with a point"),
        ("-5", "with a point"),
        ("1e9", "with a point"),
        ("9" * 30, "with a point"),
    ],
)
async def test_an_amount_is_read_exactly_or_asked_again(
    exchange: Exchange, typed: str, told: str
) -> None:
    await exchange.english().dials("*789#").sends("2", "2", "1", typed).sees(told)


async def test_a_band_is_chosen_and_shown_on_the_confirm_screen(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("2", "2").sees("12. Driving test").sends("12")
    await phone.sees("1. Same day").sends("2").sees("Driving test", "Next day").sends("1")
    (intent,) = exchange.gateway.intents.values()
    assert intent.order is not None
    assert intent.order.band == "NEXT"


async def test_answers_for_another_service_do_not_price_this_one(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("2", "1", "2", "3").sees("Quantity 3").sends("0", "0")
    await phone.sees("Passport renewal").sends("1").sees("Total 5.000 JOD").misses("Quantity")


async def test_back_and_home_lead_where_they_say(exchange: Exchange) -> None:
    phone = exchange.english()
    await phone.dials("*789#").sends("2", "1", "2").sees("How many").sends("0")
    await phone.sees("Choose the service").sends("0").sees("Choose the agency").sends("0")
    await phone.sees("government fees").sends("2", "1", "2", "00").sees("government fees")


async def test_other_countries_see_every_agency(exchange: Exchange) -> None:
    await (
        exchange.english("+254711000000")
        .dials("*789#")
        .sends("2")
        .sees("Passports", "General Security")
    )
    await (
        exchange.english("+96171888000")
        .dials("*789#")
        .sends("2")
        .sees("General Security")
        .misses("Passports")
    )


async def test_a_payment_under_way_is_told_first_on_the_next_dial(
    exchange: Exchange, clock: ManualClock
) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials(f"*789*{number}#").sends("1").dials("*789#")
    await phone.sees("under way: 10.000 JOD").dials(f"*789*{number}#").sees("right now").hangs_up()
    exchange.gateway.settle(number, state="paid", receipt="123456789012345")
    await phone.dials("*789#").sees("Paid: 10.000 JOD")
    clock.forward(timedelta(hours=1))
    await phone.dials("*789#").sees("government fees").misses("Paid")
    assert len(exchange.gateway.intents) == 1


async def test_my_last_payments_show_state_amount_and_receipt(exchange: Exchange) -> None:
    number = exchange.gateway.issue(TEN)
    phone = exchange.english()
    await phone.dials("*789#").sends("3").sees("no payments yet")
    await phone.dials(f"*789*{number}#").sends("1").dials("*789#").sends("3")
    await phone.sees("1. 10.000 JOD under way")
    exchange.gateway.settle(number, state="paid", receipt="123456789012345")
    await phone.dials("*789#").sends("3").sees("1. 10.000 JOD paid").sends("1")
    await phone.sees("Passport renewal", "10.000 JOD paid", "21/11/2026", "12345 67890 12345")
    await exchange.english("+962790000001").dials("*789#").sends("3").sees("no payments yet")


async def test_a_receipt_is_checked_by_its_code(exchange: Exchange) -> None:
    receipt = replace(genuine(TEN, date(2026, 11, 20)), number="10000000175")
    exchange.gateway.receipts["123456789012345"] = receipt
    phone = exchange.english()
    await phone.dials("*789#").sends("4").sees("15 digits").sends("123").sees("has 15 digits")
    await phone.sends("12345 67890 12346").sees("No receipt has this code")
    await phone.sends("١٢٣٤٥ ٦٧٨٩٠ ١٢٣٤٥").sees("genuine", "10.000 JOD 20/11/2026").hangs_up()
    await phone.dials("*789*123456789012345#").sees("genuine")


async def test_help_names_the_code_to_dial_and_pages_to_its_end(exchange: Exchange) -> None:
    phone = exchange.phone()
    await phone.dials("*789#").sends("5").sees("*789#", "99. المزيد").sends("99", "99")
    await phone.sees("السري").misses("99.").sends("0").sees("99. المزيد")
