"""Valkey forgets or dies, PostgreSQL cuts or dies: money goes on, nothing acknowledged is lost."""

from __future__ import annotations

from tests.faults import oracle
from tests.faults.wreck import ACTORS, Wreck
from tests.journeys.town import citizen


async def ends_well(wreck: Wreck) -> None:
    """Everything is back: all payments have ended, all books agree."""
    await wreck.mend()
    await oracle.settle(wreck)
    await oracle.agree(wreck)


async def test_a_flush_in_mid_session_costs_a_dial_and_no_payment(wreck: Wreck) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    phone = await wreck.town.phone(me).dials(f"*789*{bill.control_number}#").sees("50.000")
    await wreck.flush()
    await phone.sends("1")  # its session is gone: no yes to a total that nobody remembers
    assert not phone.ended
    await wreck.town.says_yes(me, bill)
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_a_flush_in_mid_payment_takes_the_wake_up_and_not_the_payment(wreck: Wreck) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    wreck.pause(*ACTORS)
    await wreck.town.says_yes(me, bill)
    await wreck.woken()
    await wreck.flush()
    wreck.resume(*ACTORS)
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_without_valkey_a_bill_is_paid_by_its_number_and_the_gateway_says_degraded(
    wreck: Wreck,
) -> None:
    before, during = await wreck.town.bill(), await wreck.town.bill()
    await wreck.town.says_yes(citizen("14"), before)
    wreck.kill_server("valkey")
    assert await wreck.readiness() == "degraded"
    assert (await wreck.town.line.get("/healthz")).status_code == 200
    phone = await wreck.town.phone(citizen("01")).dials(f"*789*{during.control_number}#")
    code = next(word for word in phone.screen.split() if len(word) == 4 and word.isdigit())
    await phone.sees("50.000").sends(code).hangs_up()
    assert await wreck.town.payment_ended(before) == "collected"
    assert await wreck.town.payment_ended(during) == "collected"
    await ends_well(wreck)
    assert wreck.is_running("worker"), "a lost Valkey must not end the worker"


async def test_after_valkey_came_back_a_dial_starts_a_session_again(wreck: Wreck) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    phone = await wreck.town.phone(me).dials("*789#").sends("1", "1")
    wreck.kill_server("valkey")
    await phone.sends(bill.control_number).sees("50.000")  # the transcript has all it takes
    await wreck.mend()
    await wreck.town.says_yes(me, bill)
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_cut_database_sessions_cost_at_most_a_hop_and_no_payment(wreck: Wreck) -> None:
    bills = [await wreck.town.bill() for _ in range(4)]
    for bill in bills:
        await wreck.town.says_yes(citizen("14"), bill)
    for _ in range(5):
        await wreck.cut_connections()
        await wreck.town.phone(citizen("01")).dials("*789#")  # a page, never a 5xx
    for bill in bills:
        assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_without_postgresql_a_hop_apologises_and_a_callback_is_not_acknowledged(
    wreck: Wreck,
) -> None:
    me, bill = citizen("00"), await wreck.town.bill()
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "pending")
    path = await wreck.callback_path(bill)
    phone = await wreck.town.phone(citizen("01")).dials("*789#").sends("1")
    wreck.kill_server("postgres")
    await phone.sends("3").hangs_up()
    await wreck.town.phone(citizen("01")).dials(f"*789*{bill.control_number}#").hangs_up()
    told = await wreck.town.line.put(path, content=b'{"transactionStatus": "completed"}')
    assert (told.status_code, "retry-after" in told.headers) == (503, True)
    assert await wreck.readiness() == "unavailable"
    assert (await wreck.town.line.get("/healthz")).status_code == 200
    await wreck.mend()
    told = await wreck.town.line.put(path, content=b'{"transactionStatus": "completed"}')
    assert told.status_code == 204
    await wreck.town.approve(me)
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_a_yes_that_was_answered_survives_the_death_of_postgresql(wreck: Wreck) -> None:
    bills = [await wreck.town.bill() for _ in range(4)]
    for bill, ends in zip(bills, ("01", "05", "07", "12"), strict=True):
        await wreck.town.says_yes(citizen(ends), bill)
    wreck.kill_server("postgres")
    await wreck.mend()
    states = [await wreck.town.payment_ended(bill) for bill in bills]
    assert states == ["collected"] * len(bills)
    await ends_well(wreck)
