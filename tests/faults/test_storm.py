"""A seeded storm: citizens of every kind pay while processes die; then calm, and the books agree.

``MIZAN_STORM_SEED`` replays the choices of one storm (its timing is the machine's).
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import suppress

import httpx

from fees.bills import Bill
from launch.rehearsal import PROGRAMS
from tests.faults import oracle
from tests.faults.wreck import Wreck
from tests.journeys.town import citizen

CITIZENS = 20
PAYMENTS_EACH = 3
STORM_S = 7.0
CALM_S = 40.0
IN_DOUBT = 2
"""A question that died with its worker is spent; somebody may have lost all three like that."""

BEHAVIOURS = [f"{number:02d}" for number in range(1, 15)]
BLOWS = ("worker", "web", "sweeper", "valkey", "flush", "sessions")


async def test_after_a_storm_every_payment_has_one_true_end(wreck: Wreck) -> None:
    seed = int(os.environ.get("MIZAN_STORM_SEED") or random.SystemRandom().randrange(10**9))
    chance = random.Random(seed)
    try:
        calm = asyncio.Event()
        bills = [[await wreck.town.bill() for _ in range(PAYMENTS_EACH)] for _ in range(CITIZENS)]
        people = [
            asyncio.create_task(_pay_all(wreck, random.Random(chance.random()), mine, calm))
            for mine in bills
        ]
        await _blow(wreck, random.Random(chance.random()))
        await wreck.mend()
        calm.set()
        assert sum(await asyncio.gather(*people)) >= CITIZENS * PAYMENTS_EACH // 2
        await oracle.settle(wreck, patience_s=CALM_S)
        await oracle.agree(wreck, in_doubt=IN_DOUBT)
    except BaseException as problem:
        problem.add_note(f"MIZAN_STORM_SEED={seed}")
        raise


async def _pay_all(
    wreck: Wreck, chance: random.Random, bills: list[Bill], calm: asyncio.Event
) -> int:
    """Bills one after another, some by two people at once; returns how many yeses were answered."""
    answered = 0
    for bill in bills:
        await asyncio.sleep(chance.uniform(0, STORM_S / PAYMENTS_EACH / 2))
        payers = [citizen(chance.choice(BEHAVIOURS)) for _ in range(chance.choice((1, 1, 2)))]
        answered += sum(await asyncio.gather(*(_pays(wreck, who, bill, calm) for who in payers)))
    return answered


async def _pays(wreck: Wreck, who: str, bill: Bill, calm: asyncio.Event) -> bool:
    """Dial until it is paid, taken, or the storm is over and the last try was made."""
    last = False
    while not last:
        last = calm.is_set()
        phone = wreck.town.phone(who)
        with suppress(httpx.HTTPError, AssertionError):
            await phone.dials(f"*789*{bill.control_number}#")
            if phone.ended:
                return False
            await phone.sends("1").hangs_up()
            return True
        await asyncio.sleep(0.1)
    return False


async def _blow(wreck: Wreck, chance: random.Random) -> None:
    """Something dies every second, and is started again by the next."""
    ends = time.monotonic() + STORM_S
    while time.monotonic() < ends:
        await asyncio.sleep(chance.uniform(0.4, 1.0))
        blow = chance.choice(BLOWS)
        if blow in PROGRAMS:
            wreck.kill(blow)
            await asyncio.to_thread(wreck.restart, blow)
        elif blow == "valkey":
            wreck.kill_server("valkey")
        elif blow == "flush":
            await wreck.flush()
        else:
            await wreck.cut_connections()
        wreck.stack.servers.tend()
