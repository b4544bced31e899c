"""How long the reports take on full books, and how fast the whole of them is verified."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.ledger_ground import CLEARING, POSTINGS, Ground
from benchmarks.ledger_volume import LAST_DAY, environ, filled
from kernel.database import Database
from ledger import reports

TIMES = 7


async def reading(ground: Ground) -> dict[str, object]:
    """Figure 6: a statement of the hottest account for one day, and trial balances."""
    full = await filled(ground, ground.sizes.postings_full)
    day, database = LAST_DAY.date(), await Database.connect(full.url, size=1)
    async with database.read() as connection:
        last = await reports.last_position(connection)
        figures = {
            "statement_of_a_day_ms": await _ms(
                lambda: reports.statement(connection, CLEARING, since=day, until=day)
            ),
            "statement_first_100_ms": await _ms(
                lambda: reports.statement(connection, CLEARING, since=day, until=day, limit=100)
            ),
            "trial_balance_ms": await _ms(lambda: reports.trial_balance(connection)),
            "trial_balance_of_date_ms": await _ms(lambda: reports.trial_balance(connection, day)),
            "trial_balance_of_position_ms": await _ms(
                lambda: reports.trial_balance(connection, last - last // 3)
            ),
        }
        found = await reports.statement(connection, CLEARING, since=day, until=day)
    await database.close()
    ground.say(f"statement of a day {figures['statement_of_a_day_ms']} ms")
    return {
        "postings": full.fees * len(POSTINGS),
        "statement_lines": len(found.lines) if found else 0,
        **figures,
        "load_average": os.getloadavg(),
    }


async def verifying(ground: Ground) -> dict[str, object]:
    """Figure 7: ``ledger verify`` as one calls it, start of Python included."""
    full = await filled(ground, ground.sizes.postings_verified)
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("manage.py", "ledger", "verify", "--json"),
        cwd=Path(__file__).parent.parent,
        env=environ(full.url),
        stdout=PIPE,
    )
    told = json.loads((await process.communicate())[0])
    seconds = time.perf_counter() - started
    ground.say(f"verified {told['postings']:,} postings in {seconds:.1f} s")
    return {
        "postings": told["postings"],
        "is_sound": told["sound"],
        "seconds": round(seconds, 2),
        "postings_per_s": round(told["postings"] / seconds),
        "load_average": os.getloadavg(),
    }


async def _ms(ask: Callable[[], Awaitable[object]]) -> float:
    """The median, after one that warms up."""
    await ask()
    took = []
    for _ in range(TIMES):
        before = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - before)
    return round(sorted(took)[TIMES // 2] * 1000, 1)
