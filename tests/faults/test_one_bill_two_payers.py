"""Two citizens say yes to one bill at the same moment: one pays, the other is not debited."""

from __future__ import annotations

import asyncio

from fees.bills import Bill
from tests.faults import oracle
from tests.faults.wreck import Wreck
from tests.journeys.town import citizen
from ussd.screen import SAY

PAIRS = 10


async def test_of_each_pair_one_pays_and_the_other_is_refused_before_any_debit(
    wreck: Wreck,
) -> None:
    bills = [await wreck.town.bill() for _ in range(PAIRS)]
    pairs = [(citizen("01"), citizen("01")) for _ in bills]
    await asyncio.gather(
        *(_race(wreck, bill, pair) for bill, pair in zip(bills, pairs, strict=True))
    )
    await oracle.settle(wreck)
    for bill, pair in zip(bills, pairs, strict=True):
        assert await wreck.state(bill) == "collected"
        assert sorted([await wreck.town.debits(who) for who in pair]) == [0, 1]
        assert sorted([len(await wreck.town.book(who)) for who in pair]) == [0, 1]
    await oracle.agree(wreck)


async def _race(wreck: Wreck, bill: Bill, pair: tuple[str, str]) -> None:
    """Both see the price, then both say yes at once."""
    phones = [
        await wreck.town.phone(who).dials(f"*789*{bill.control_number}#").sees("50.000")
        for who in pair
    ]
    await asyncio.gather(*(phone.sends("1") for phone in phones))
    approve = SAY["ar"]("approve.text")
    told = [phone.screen.startswith(approve[:12]) for phone in phones]
    assert sorted(told) == [False, True], [phone.screen for phone in phones]
