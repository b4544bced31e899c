"""What payments leave open on a day that is to be closed."""

from __future__ import annotations

from datetime import date, timedelta

from ledger.checklist import Check, Finding
from payments import closing
from tests.unit.payments.conftest import Counter

TODAY = date(2026, 11, 21)
DAY = timedelta(days=1)


async def open_in(counter: Counter, check: Check, until: date = TODAY) -> list[Finding]:
    async with counter.desk.database.read() as connection:
        return await check(connection, until)


async def test_the_zones_of_the_books_are_those_of_the_agencies(counter: Counter) -> None:
    async with counter.desk.database.read() as connection:
        found = await closing.zones(connection)
    assert {"Asia/Amman", "Asia/Beirut", "Asia/Bahrain"} <= found


async def test_nothing_is_open_when_nothing_was_paid(counter: Counter) -> None:
    for check in closing.CHECKS.values():
        assert await open_in(counter, check) == []


async def test_a_payment_without_an_end_is_open_from_its_day_on(counter: Counter) -> None:
    payment, _ = await counter.started()
    await counter.run("UPDATE payments.payment SET state = 'sent'")
    for state in ("sent", "unknown", "review"):
        await counter.run("UPDATE payments.payment SET state = $1", state)
        assert await open_in(counter, closing.payments) == [Finding(state, 1, TODAY)]
    assert await open_in(counter, closing.payments, TODAY - DAY) == []
    await counter.run("UPDATE payments.payment SET state = 'refused' WHERE id = $1", payment)
    assert await open_in(counter, closing.payments) == []


async def test_a_payment_belongs_to_the_day_where_its_agency_is(counter: Counter) -> None:
    counter.clock.forward(timedelta(hours=13))  # 22:00 UTC, tomorrow in Amman
    await counter.started()
    assert await open_in(counter, closing.payments) == []
    assert await open_in(counter, closing.payments, TODAY + DAY) == [
        Finding("created", 1, TODAY + DAY)
    ]


async def test_a_callback_is_open_until_it_is_processed(counter: Counter) -> None:
    payment, _ = await counter.started()
    await counter.callback(payment)
    assert await open_in(counter, closing.callbacks) == [Finding("waiting", 1, TODAY)]
    assert await open_in(counter, closing.callbacks, TODAY - DAY) == []
    await counter.run("UPDATE kernel.work SET parked_at = now() WHERE kind = 'wallets.callback'")
    assert await open_in(counter, closing.callbacks) == [Finding("given up", 1, TODAY)]
    await counter.run("DELETE FROM kernel.work WHERE kind = 'wallets.callback'")
    assert await open_in(counter, closing.callbacks) == []


async def test_late_money_is_open_until_somebody_decides(counter: Counter) -> None:
    payment, _ = await counter.started()
    await counter.run(
        """INSERT INTO payments.late_money (id, payment_id, collection_id, kind, amount, currency,
               wallet, opened_at, ledger_transaction)
           SELECT gen_random_uuid(), id, collection_id, 'late', total, currency, wallet, created_at,
                  gen_random_uuid() FROM payments.payment WHERE id = $1""",
        payment,
    )
    assert await open_in(counter, closing.late_money) == [Finding("late sandbox", 1, TODAY)]
    assert await open_in(counter, closing.late_money, TODAY - DAY) == []
    await counter.run("UPDATE payments.late_money SET state = 'accepted'")
    assert await open_in(counter, closing.late_money) == []
