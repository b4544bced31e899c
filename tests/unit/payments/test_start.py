"""Starting a payment: one per id, one per bill, or a refusal that says why."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from fees import bills
from kernel.digits import with_check_digits
from kernel.money import Money
from payments import books
from payments.offer import Offer, Refused, offer
from payments.refusals import INFO, Refusal
from payments.start import Order, Started, start
from tests.unit.payments.conftest import NEIGHBOUR, Counter
from tests.unit.payments.scripted_wallet import PENDING, SUCCESS


async def refusal(counter: Counter, **changes: object) -> Refusal:
    bill = await counter.bill()
    answer = await start(counter.desk, counter.request(bill, **changes))
    assert isinstance(answer, Refused)
    return answer.refusal


async def test_a_yes_writes_payment_collection_timeline_and_work(counter: Counter) -> None:
    payment, bill = await counter.started()
    assert await counter.state(payment) == "created"
    assert await counter.value("SELECT key FROM kernel.work") == str(payment)
    assert await counter.value("SELECT event FROM payments.transition") == "started"
    assert await counter.value("SELECT amount FROM wallets.collection") == 50_000
    assert isinstance(await offer(counter.desk, bill.control_number), Refused)


async def test_the_same_yes_twice_is_one_payment(counter: Counter) -> None:
    request = counter.request(await counter.bill())
    answers = await asyncio.gather(*(start(counter.desk, request) for _ in range(8)))
    assert set(answers) == {Started(request.id, request.control_number or "")}
    assert await counter.value("SELECT count(*) FROM wallets.collection") == 1


async def test_of_two_citizens_paying_one_bill_at_once_one_starts(counter: Counter) -> None:
    bill = await counter.bill()
    answers = await asyncio.gather(
        start(counter.desk, counter.request(bill)),
        start(counter.desk, counter.request(bill, payer=NEIGHBOUR)),
    )
    started = [answer for answer in answers if isinstance(answer, Started)]
    (refused,) = [answer for answer in answers if isinstance(answer, Refused)]
    assert len(started) == 1
    assert refused.refusal is Refusal.PAYMENT_IN_FLIGHT
    assert refused.payment == started[0].payment_id


async def test_somebody_elses_payment_id_is_a_fault(counter: Counter) -> None:
    request = counter.request(await counter.bill())
    await start(counter.desk, request)
    with pytest.raises(ValueError, match="another subscriber"):
        await start(counter.desk, replace(request, payer=NEIGHBOUR))


async def test_an_order_is_billed_and_paid_in_one_go_and_once(counter: Counter) -> None:
    request = counter.request(
        await counter.bill(),
        control_number=None,
        order=Order(agency="JO-CSPD", service="PASSPORT"),
        agreed_total=Money(50_000, "JOD"),
    )
    first, again = await start(counter.desk, request), await start(counter.desk, request)
    assert isinstance(first, Started)
    assert first == again
    assert await counter.value("SELECT count(*) FROM fees.bill WHERE payer IS NOT NULL") == 1


async def test_a_refused_order_leaves_no_bill(counter: Counter) -> None:
    order = Order(agency="JO-CSPD", service="PASSPORT")
    before = await counter.value("SELECT count(*) FROM fees.bill")
    wrong = await refusal(counter, control_number=None, order=order, agreed_total=Money(1, "JOD"))
    assert wrong is Refusal.TOTAL_CHANGED
    assert await counter.value("SELECT count(*) FROM fees.bill") == before + 1


async def test_an_unknown_service_is_refused(counter: Counter) -> None:
    order = Order(agency="JO-CSPD", service="NOWHERE")
    assert await refusal(counter, control_number=None, order=order) is Refusal.SERVICE_UNAVAILABLE


async def test_a_price_that_changed_is_shown_again(counter: Counter) -> None:
    bill = await counter.bill()
    answer = await start(counter.desk, counter.request(bill, agreed_total=Money(49_000, "JOD")))
    assert isinstance(answer, Refused)
    assert answer.refusal is Refusal.TOTAL_CHANGED
    assert answer.offer is not None
    assert answer.offer.charge.total == Money(50_000, "JOD")


async def test_a_wallet_that_is_not_connected_is_refused(counter: Counter) -> None:
    assert await refusal(counter, wallet="nobody") is Refusal.WALLET_UNAVAILABLE


async def test_a_currency_the_wallet_does_not_hold_is_refused(counter: Counter) -> None:
    assert await refusal(counter, agreed_total=Money(1, "LBP")) is Refusal.CURRENCY_NOT_SUPPORTED


async def test_when_the_books_do_not_balance_no_debit_starts(counter: Counter) -> None:
    async with counter.desk.database.transaction() as connection:
        await books.halt(counter.desk, connection, "a test says so")
    assert await refusal(counter) is Refusal.BOOKS_UNBALANCED
    async with counter.desk.database.transaction() as connection:
        await books.resume(connection)
    assert isinstance(await start(counter.desk, counter.request(await counter.bill())), Started)


@pytest.mark.parametrize("typed", ["123456789012", "12345", "", "abc", "1234 5678 9012"])
async def test_a_mistyped_control_number_is_caught_by_its_check_digits(
    counter: Counter, typed: str
) -> None:
    answer = await offer(counter.desk, typed)
    assert answer == Refused(Refusal.CONTROL_NUMBER_MISTYPED)


async def test_a_number_nobody_issued_is_not_found(counter: Counter) -> None:
    assert await offer(counter.desk, with_check_digits("9876543210")) == Refused(
        Refusal.BILL_NOT_FOUND
    )


async def test_a_bill_is_priced_by_its_number_in_any_digits(counter: Counter) -> None:
    bill = await counter.bill()
    arabic = bill.control_number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
    answer = await offer(counter.desk, arabic)
    assert isinstance(answer, Offer)
    assert answer.charge.total == Money(50_000, "JOD")


async def test_a_paid_bill_says_when_and_by_which_payment(counter: Counter) -> None:
    payment, bill = await counter.started()
    counter.wallet.collects, counter.wallet.queries = [PENDING], [SUCCESS]
    await counter.work()
    await counter.later(90)
    await counter.work()
    answer = await offer(counter.desk, bill.control_number)
    assert isinstance(answer, Refused)
    assert (answer.refusal, answer.payment) == (Refusal.BILL_ALREADY_PAID, payment)
    assert answer.at is not None


async def test_cancelled_and_expired_bills_each_say_so(counter: Counter) -> None:
    cancelled = await counter.bill()
    async with counter.desk.database.transaction() as connection:
        await bills.cancel(
            connection, cancelled.control_number, at=counter.clock.now(), because="a test says so"
        )
        expired = await bills.issue(
            connection,
            counter.desk.ids,
            agency="JO-CSPD",
            service="PASSPORT",
            at=counter.clock.now(),
            due_on=date(2026, 11, 22),
            expires_on=date(2026, 11, 23),
        )
    assert isinstance(expired, bills.Bill)
    await counter.later(5 * 86_400)
    answers = [
        await offer(counter.desk, number)
        for number in (cancelled.control_number, expired.control_number)
    ]
    assert [answer.refusal for answer in answers if isinstance(answer, Refused)] == [
        Refusal.BILL_CANCELLED,
        Refusal.BILL_EXPIRED,
    ]


def test_every_refusal_is_explained() -> None:
    assert set(INFO) == set(Refusal)
    assert all(info.meaning.endswith(".") for info in INFO.values())
