"""The settlement cut by position while people pay: how long it takes, and what it costs them."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.ledger_ground import POSTINGS, Ground, crowd, fees
from benchmarks.ledger_rate import caller, opened
from benchmarks.ledger_volume import filled
from benchmarks.load import Tally
from kernel.database import Database
from ledger import reports
from ledger.cut import cut

SUBMITTERS = 100
PAUSE_S = 0.1
"""Between two cuts: many more than anybody makes, so that some fall on every stretch of traffic."""


@dataclass(slots=True)
class Cutter:
    """Cuts again and again behind one position; how long each took, in seconds."""

    database: Database
    since: int
    until: int
    took: list[float] = field(default_factory=list)

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            await self.once()
            await asyncio.sleep(PAUSE_S)

    async def once(self) -> None:
        """One cut."""
        started = time.perf_counter()
        async with self.database.read() as connection:
            await cut(connection, since=self.since, until=self.until)
        self.took.append(time.perf_counter() - started)


async def cutting(ground: Ground) -> dict[str, object]:
    """Figure 8: p99 of submits without and with cuts beside them, in turn; the slowest cut."""
    sizes = ground.sizes
    full = await filled(ground, sizes.payments_cut * len(POSTINGS))
    database = await Database.connect(full.url, size=1)
    async with database.read() as connection:
        last = await reports.last_position(connection)
    cutter = Cutter(database, max(last - sizes.payments_cut, 0), last)
    without, beside = [], []
    for _ in range(sizes.rounds):
        without.append(await _traffic(full.url, ground))
        beside.append(await _traffic(full.url, ground, cutter))
        ground.say(
            f"p99 {without[-1].percentile_ms(0.99)} ms, beside cuts"
            f" {beside[-1].percentile_ms(0.99)} ms, slowest cut {max(cutter.took):.2f} s"
        )
    await database.close()
    return {
        "payments": cutter.until - cutter.since,
        "cuts": len(cutter.took),
        "cut_s": round(max(cutter.took), 3),
        "cut_p50_s": round(statistics.median(cutter.took), 3),
        "without_p99_ms": _best_p99(without),
        "beside_p99_ms": _best_p99(beside),
        # Of the best rounds: whatever else the machine does only makes a p99 longer.
        "times_p99": round(_best_p99(beside) / _best_p99(without), 3),
        "times_p99_by_round": [
            round(ours.percentile_ms(0.99) / alone.percentile_ms(0.99), 3)
            for ours, alone in zip(beside, without, strict=True)
        ],
        "load_average": os.getloadavg(),
    }


def _best_p99(rounds: Sequence[Tally]) -> float:
    return min(each.percentile_ms(0.99) for each in rounds)


async def _traffic(url: str, ground: Ground, cutter: Cutter | None = None) -> Tally:
    made = fees(ground.sizes.cutting)
    async with opened(url, ground.sizes.warm) as ledger:
        working = asyncio.create_task(cutter.work()) if cutter else None
        tally = await crowd([caller(ledger)] * SUBMITTERS, made)
        if cutter and working:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
            await cutter.once()
    return tally
