"""Bills: exact quotes, lateness, expiry, one payment each, and repeats that change nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from fees import bills, catalogue
from fees.bills import BillOrder, Issued
from fees.refusals import FeeRefusal
from kernel.database import Connection, Database
from kernel.digits import with_check_digits
from kernel.ids import RandomIds
from kernel.money import Money
from tests.unit.fees.makers import NINE_O_CLOCK, PASSPORT, ScriptedIds, issued

REGISTRATION = BillOrder(
    agency="BH-GDT", service="REGISTRATION", band="T2-5", due_on=date(2026, 11, 1)
)
IDS = RandomIds()


async def refusal(connection: Connection, order: BillOrder) -> FeeRefusal:
    [answer] = await bills.issue_many(connection, IDS, [order], at=NINE_O_CLOCK)
    assert isinstance(answer, FeeRefusal)
    return answer


async def test_a_bill_is_found_as_it_was_issued(connection: Connection) -> None:
    order = replace(PASSPORT, payer=b"p" * 16, reference="CASE/7")
    bill = await issued(connection, order)
    assert await bills.find(connection, bill.control_number, at=NINE_O_CLOCK) == bill
    assert bill.state == "open"
    assert bill.agency.names["ar"] == "دائرة الأحوال المدنية والجوازات"
    assert bill.service.code == "PASSPORT"
    assert str(bill.charge(date(2026, 11, 21)).total) == "50.000 JOD"
    assert str(bill.charge(date(2026, 11, 21)).agency_fee) == "0.150 JOD"


async def test_issue_takes_plain_keywords_and_returns_the_bill(connection: Connection) -> None:
    bill = await bills.issue(
        connection, IDS, agency="JO-MFA", service="ATTEST-FOREIGN", at=NINE_O_CLOCK, quantity=2
    )
    assert isinstance(bill, bills.Bill)
    assert str(bill.charge(bill.due_on).total) == "10.000 JOD"


async def test_issue_returns_a_refusal_as_a_value(connection: Connection) -> None:
    answer = await bills.issue(
        connection, IDS, agency="JO-NONE", service="PASSPORT", at=NINE_O_CLOCK
    )
    assert answer is FeeRefusal.AGENCY_UNKNOWN


async def test_an_unknown_control_number_finds_nothing(connection: Connection) -> None:
    assert await bills.find(connection, "123456789092") is None


async def test_a_control_number_that_is_taken_is_drawn_again(connection: Connection) -> None:
    ids = ScriptedIds("1111111111", "1111111111", "2222222222")
    await bills.issue_many(connection, ids, [PASSPORT], at=NINE_O_CLOCK)
    [second] = await bills.issue_many(connection, ids, [PASSPORT], at=NINE_O_CLOCK)
    assert isinstance(second, Issued)
    assert second.bill.control_number == with_check_digits("2222222222")


async def test_one_batch_never_uses_a_control_number_twice(connection: Connection) -> None:
    ids = ScriptedIds("3333333333", "3333333333", "4444444444")
    answers = await bills.issue_many(connection, ids, [PASSPORT, PASSPORT], at=NINE_O_CLOCK)
    numbers = [each.bill.control_number for each in answers if isinstance(each, Issued)]
    assert numbers == [with_check_digits("3333333333"), with_check_digits("4444444444")]


async def test_a_quote_stays_when_the_tariff_changes(connection: Connection) -> None:
    bill = await issued(connection)
    await connection.execute("UPDATE fees.tariff SET amount_minor = 99000 WHERE agency = 'JO-CSPD'")
    found = await bills.find(connection, bill.control_number)
    assert found is not None
    assert str(found.charge(date(2026, 11, 21)).total) == "50.000 JOD"


async def test_the_penalty_is_that_of_the_day_of_payment(connection: Connection) -> None:
    bill = await issued(connection, REGISTRATION)
    assert str(bill.charge(date(2026, 11, 1)).penalty) == "0.000 BHD"
    assert str(bill.charge(date(2026, 11, 2)).penalty) == "0.500 BHD"
    assert str(bill.charge(date(2026, 11, 13)).total) == "21.000 BHD"
    assert str(bill.charge(date(2027, 10, 31)).total) == "35.000 BHD"


async def test_the_due_date_follows_the_tariff_in_the_agencys_own_calendar(
    connection: Connection,
) -> None:
    just_before_midnight_utc = datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    bill = await issued(connection, PASSPORT, just_before_midnight_utc)
    assert bill.due_on == date(2026, 11, 22) + timedelta(days=30)


async def test_a_bill_reads_as_expired_from_the_end_of_its_last_day(connection: Connection) -> None:
    last_day = date(2026, 12, 31)
    bill = await issued(connection, replace(PASSPORT, expires_on=last_day))
    midnight_in_amman = datetime(2026, 12, 31, 21, 0, tzinfo=UTC)
    assert bill.expires_at == midnight_in_amman

    async def state(at: datetime) -> str:
        found = await bills.find(connection, bill.control_number, at=at)
        assert found is not None
        return found.state

    assert await state(midnight_in_amman - timedelta(microseconds=1)) == "open"
    assert await state(midnight_in_amman) == "expired"


async def test_a_tariff_can_make_its_bills_expire(connection: Connection) -> None:
    await connection.execute("UPDATE fees.tariff SET expire_days = 10 WHERE service = 'PASSPORT'")
    bill = await issued(connection)
    assert bill.expires_at == datetime(2026, 12, 31, 21, 0, tzinfo=UTC)


async def test_without_a_moment_expiry_is_judged_by_the_databases_clock(
    connection: Connection,
) -> None:
    order = replace(PASSPORT, due_on=date(2020, 1, 1), expires_on=date(2020, 1, 2))
    bill = await issued(connection, order, datetime(2020, 1, 1, tzinfo=UTC))
    found = await bills.find(connection, bill.control_number)
    assert found is not None
    assert found.state == "expired"


async def test_a_bill_is_paid_once(connection: Connection) -> None:
    bill = await issued(connection)
    first, second = IDS.new(), IDS.new()
    later = NINE_O_CLOCK + timedelta(hours=1)
    assert await bills.mark_paid(connection, bill.control_number, payment=first, at=NINE_O_CLOCK)
    assert await bills.mark_paid(connection, bill.control_number, payment=first, at=later)
    assert not await bills.mark_paid(connection, bill.control_number, payment=second, at=later)
    found = await bills.find(connection, bill.control_number)
    assert found is not None
    assert (found.state, found.paid_by, found.paid_at) == ("paid", first, NINE_O_CLOCK)


async def test_two_payments_at_once_pay_a_bill_once(demo: Database) -> None:
    async with demo.transaction() as connection:
        bill = await issued(connection)

    async def pay() -> bool:
        async with demo.transaction() as connection:
            return await bills.mark_paid(
                connection, bill.control_number, payment=IDS.new(), at=NINE_O_CLOCK
            )

    assert sorted(await asyncio.gather(*(pay() for _ in range(5)))) == [False] * 4 + [True]


async def test_a_bill_that_expired_during_its_payment_is_paid(connection: Connection) -> None:
    bill = await issued(connection, replace(PASSPORT, expires_on=date(2026, 12, 31)))
    late = datetime(2027, 1, 1, tzinfo=UTC)
    assert await bills.mark_paid(connection, bill.control_number, payment=IDS.new(), at=late)


async def test_marking_an_unknown_bill_paid_does_nothing(connection: Connection) -> None:
    assert not await bills.mark_paid(connection, "123456789092", payment=IDS.new(), at=NINE_O_CLOCK)


async def test_only_an_open_bill_can_be_cancelled(connection: Connection) -> None:
    bill, paid = await issued(connection), await issued(connection)
    await bills.mark_paid(connection, paid.control_number, payment=IDS.new(), at=NINE_O_CLOCK)
    because = "issued in error"
    assert await bills.cancel(connection, bill.control_number, at=NINE_O_CLOCK, because=because)
    assert not await bills.cancel(connection, bill.control_number, at=NINE_O_CLOCK, because=because)
    assert not await bills.cancel(connection, paid.control_number, at=NINE_O_CLOCK, because=because)
    assert not await bills.mark_paid(
        connection, bill.control_number, payment=IDS.new(), at=NINE_O_CLOCK
    )
    found = await bills.find(connection, bill.control_number)
    assert found is not None
    assert found.state == "cancelled"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE fees.bill SET principal_minor = 1 WHERE control_number = $1", "are fixed"),
        ("UPDATE fees.bill SET due_on = due_on + 1 WHERE control_number = $1", "are fixed"),
        ("DELETE FROM fees.bill WHERE control_number = $1", "is kept for ever"),
    ],
)
async def test_the_database_keeps_a_bills_terms(
    connection: Connection, statement: str, why: str
) -> None:
    bill = await issued(connection)
    with pytest.raises(asyncpg.RaiseError, match=why):
        await connection.execute(statement, bill.control_number)


async def test_the_database_keeps_a_paid_bill_paid(connection: Connection) -> None:
    bill = await issued(connection)
    await bills.mark_paid(connection, bill.control_number, payment=IDS.new(), at=NINE_O_CLOCK)
    with pytest.raises(asyncpg.RaiseError, match="is paid and stays so"):
        await connection.execute(
            "UPDATE fees.bill SET state = 'open', paid_by = NULL, paid_at = NULL "
            "WHERE control_number = $1",
            bill.control_number,
        )


async def test_the_same_reference_gives_the_same_bill(connection: Connection) -> None:
    order = replace(PASSPORT, reference="CASE-1")
    bill = await issued(connection, order)
    again = await issued(connection, order, NINE_O_CLOCK + timedelta(days=3))
    assert again == bill


async def test_a_repeat_after_a_new_tariff_is_still_the_same_bill(connection: Connection) -> None:
    order = replace(PASSPORT, reference="CASE-1")
    bill = await issued(connection, order)
    await connection.execute("UPDATE fees.tariff SET amount_minor = 99000 WHERE agency = 'JO-CSPD'")
    assert await issued(connection, order) == bill


@pytest.mark.parametrize(
    "change",
    [
        {"service": "PASSPORT-DAMAGED"},
        {"payer": b"q" * 16},
        {"due_on": date(2026, 12, 1)},
        {"expires_on": date(2027, 12, 1)},
        {"amount": Money(5000, "JOD"), "assessed": True},
    ],
)
async def test_a_reference_cannot_name_a_different_bill(
    connection: Connection, change: dict[str, object]
) -> None:
    order = replace(PASSPORT, reference="CASE-1")
    await issued(connection, order)
    changed = replace(order, **change)  # type: ignore[arg-type]  # a table of keywords
    assert await refusal(connection, changed) is FeeRefusal.REFERENCE_TAKEN


async def test_two_agencies_may_use_the_same_reference(connection: Connection) -> None:
    one = await issued(connection, replace(PASSPORT, reference="1"))
    other = await issued(connection, replace(REGISTRATION, reference="1"))
    assert one.control_number != other.control_number


async def test_the_same_reference_twice_at_once_makes_one_bill(demo: Database) -> None:
    async def order() -> str:
        async with demo.transaction() as connection:
            return (await issued(connection, replace(PASSPORT, reference="ONE"))).control_number

    assert len(set(await asyncio.gather(*(order() for _ in range(5))))) == 1


async def test_a_refused_order_leaves_its_neighbours_alone(connection: Connection) -> None:
    wrong = replace(PASSPORT, service="NONE")
    before = await connection.fetchval("SELECT count(*) FROM fees.bill")
    answers = await bills.issue_many(
        connection, IDS, [PASSPORT, wrong, REGISTRATION], at=NINE_O_CLOCK
    )
    assert isinstance(answers[0], Issued)
    assert answers[1] is FeeRefusal.SERVICE_UNKNOWN
    assert isinstance(answers[2], Issued)
    assert answers[2].bill.agency.code == "BH-GDT"
    assert await connection.fetchval("SELECT count(*) FROM fees.bill") == before + 2


@pytest.mark.parametrize(
    "order",
    [
        replace(PASSPORT, due_on=date(2026, 12, 1), expires_on=date(2026, 11, 30)),
        replace(PASSPORT, due_on=date(2026, 1, 1), expires_on=date(2026, 11, 20)),
        replace(PASSPORT, due_on=date(1999, 1, 1)),
        replace(PASSPORT, due_on=date(2026, 12, 1), expires_on=date.max),
    ],
)
async def test_dates_that_make_no_sense_are_refused(
    connection: Connection, order: BillOrder
) -> None:
    assert await refusal(connection, order) is FeeRefusal.DATES_DISAGREE


@pytest.mark.parametrize("reference", ["", "x" * 65, "two\nlines", "bell\x07"])
async def test_a_reference_that_cannot_be_printed_is_refused(
    connection: Connection, reference: str
) -> None:
    order = replace(PASSPORT, reference=reference)
    assert await refusal(connection, order) is FeeRefusal.REFERENCE_UNFIT


async def test_a_bill_is_found_in_one_query(connection: Connection) -> None:
    bill = await issued(connection)
    asked: list[str] = []
    with connection.query_logger(lambda record: asked.append(record.query)):
        assert await bills.find(connection, bill.control_number) == bill
    await connection.fetchval("SELECT 'the log is written by now'")
    assert len(asked) == 1


async def test_every_country_can_be_billed_in_its_own_currency(connection: Connection) -> None:
    currencies = {
        agency.country: agency.currency for agency in await catalogue.agencies(connection)
    }
    assert currencies == {"JO": "JOD", "LB": "LBP", "BH": "BHD", "PS": "ILS", "SY": "SYP"}
