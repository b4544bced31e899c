"""Every behaviour of the sandbox operator: what the citizen is told is what the operator did."""

import pytest

from tests.journeys.town import Town, citizen

POLL_BUDGET = 3

# Last two digits, how the payment ends, what the citizen is told, whether money moved in truth.
BEHAVIOURS = [
    ("01", "collected", "receipt", 1),
    ("02", "refused", "refused", 0),
    ("03", "refused", "refused", 0),
    ("04", "refused", "refused", 0),
    ("05", "collected", "receipt", 1),
    ("06", "collected", "receipt", 1),
    ("07", "collected", "receipt", 1),
    ("09", "collected", "receipt", 1),
    ("10", "collected", "receipt", 1),
    ("11", "collected", "receipt", 1),
    ("12", "collected", "receipt", 1),
    ("13", "expired", "expired", 0),
    ("14", "collected", "receipt", 1),
]


@pytest.mark.parametrize(("ends", "state", "told", "debits"), BEHAVIOURS)
async def test_the_end_is_the_operators_truth(
    town: Town, ends: str, state: str, told: str, debits: int
) -> None:
    me, bill = citizen(ends), await town.bill()
    await town.says_yes(me, bill)
    assert await town.payment_ended(bill) == state
    await town.message(me, told)
    assert await town.debits(me) == debits
    assert await town.booked(bill) == debits * 50_000
    assert all(len(request["queries"]) <= POLL_BUDGET for request in await town.book(me))
    assert await town.balances()


async def test_declining_on_the_phone_frees_the_bill_for_another_try(town: Town) -> None:
    me, bill = citizen("00"), await town.bill()
    await town.says_yes(me, bill)
    await town.approve(me, agree=False)
    assert await town.payment_ended(bill) == "refused"
    await town.message(me, "refused")
    await town.says_yes(me, bill)
    await town.approve(me)
    await town.stack.until(
        "SELECT count(*) FROM payments.payment WHERE control_number = $1 AND state = 'collected'",
        bill.control_number,
    )
    assert await town.debits(me) == 1


async def test_late_money_waits_in_suspense_and_the_citizen_knows(town: Town) -> None:
    me, bill = citizen("08"), await town.bill()
    await town.says_yes(me, bill)
    assert await town.payment_ended(bill) == "refused"
    await town.message(me, "late")
    assert await town.payment_ended(bill) == "refused"
    assert await town.booked(bill, "Liabilities:Suspense:LateSuccess") == -50_000
    assert await town.debits(me) == 1
    assert await town.balances()
