"""SIGKILL at exact statements, from the yes to the message: one debit, one entry, one receipt."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from fees.bills import Bill
from tests.faults import oracle
from tests.faults.traps import TRAPS, set_for, traps
from tests.faults.wreck import ACTORS, Wreck
from tests.journeys.town import citizen

ALL = tuple(TRAPS)


@pytest.mark.parametrize(
    ("actor", "dead", "points"),
    [
        ("worker", ("worker",), ALL),
        # The sweeper looks every two seconds: what it does later does not wait for it so long.
        ("sweeper", ("sweeper",), ALL[:5]),
        ("worker", ("web", "worker", "sweeper", "sandbox"), ALL),
    ],
    ids=["worker", "sweeper", "everything"],
)
async def test_killed_at_any_statement_every_payment_is_taken_up_where_it_was(
    wreck: Wreck, actor: str, dead: tuple[str, ...], points: tuple[str, ...]
) -> None:
    await open_accounts(wreck)
    bills = {name: await wreck.town.bill() for name in points}
    wreck.pause(*ACTORS)
    await asyncio.gather(
        *(wreck.town.says_yes(citizen(TRAPS[name].ends), bill) for name, bill in bills.items())
    )
    async with traps(wreck) as set_traps:
        await set_for(set_traps, await payments_of(wreck, bills))
        wreck.resume(actor)
        await set_traps.all_caught()
        wreck.kill(*dead)
    await wreck.mend()
    states = {name: await wreck.town.payment_ended(bill) for name, bill in bills.items()}
    assert states == dict.fromkeys(points, "collected")
    await oracle.settle(wreck)
    await oracle.agree(wreck)


async def open_accounts(wreck: Wreck) -> None:
    """The first booking opens accounts, and others wait for it: none must be a trap's."""
    bill = await wreck.town.bill()
    await wreck.town.says_yes(citizen("01"), bill)
    assert await wreck.town.payment_ended(bill) == "collected"


async def payments_of(wreck: Wreck, bills: dict[str, Bill]) -> dict[str, UUID]:
    """The payment of each bill."""
    return {name: await wreck.payment(bill) for name, bill in bills.items()}
