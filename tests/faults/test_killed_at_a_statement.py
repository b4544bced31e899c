"""SIGKILL at exact statements, from the yes to the message: one debit, one entry, one receipt."""

from __future__ import annotations

import pytest

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
    states: dict[str, str] = {}
    # One after the other: payments that come together share a transaction, and would share a trap.
    for name in points:
        bill = await wreck.town.bill()
        wreck.pause(*ACTORS)
        await wreck.town.says_yes(citizen(TRAPS[name].ends), bill)
        async with traps(wreck) as set_traps:
            await set_for(set_traps, {name: await wreck.payment(bill)})
            wreck.resume(actor)
            await set_traps.all_caught()
            wreck.kill(*dead)
        await wreck.mend()
        states[name] = await wreck.town.payment_ended(bill)
    assert states == dict.fromkeys(points, "collected")
    await oracle.settle(wreck)
    await oracle.agree(wreck)


async def open_accounts(wreck: Wreck) -> None:
    """The first booking opens accounts, and others wait for it: none must be a trap's."""
    bill = await wreck.town.bill()
    await wreck.town.says_yes(citizen("01"), bill)
    assert await wreck.town.payment_ended(bill) == "collected"
