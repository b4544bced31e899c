"""Whether the sealer keeps up: how long transactions wait for it at full rate; what it costs."""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ledger_ground import Ground, crowd, fees
from benchmarks.ledger_rate import caller, opened
from benchmarks.ledger_volume import SQL, environ
from benchmarks.load import Tally
from kernel.database import Database

SAMPLE_EVERY_S = 0.1
ALL_SEALED_WITHIN_S = 300


@dataclass(slots=True)
class Lag:
    """For how long the oldest transaction waited, looked at again and again; seconds."""

    database: Database
    sealer: Process
    seen: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.seen.append(await self.now())
            await asyncio.sleep(SAMPLE_EVERY_S)

    async def gone(self) -> float:
        """Wait until all is sealed; seconds that this took."""
        started = time.perf_counter()
        async with asyncio.timeout(ALL_SEALED_WITHIN_S):
            while True:
                if not await self.now():
                    return time.perf_counter() - started
                if self.sealer.returncode is not None:
                    raise RuntimeError(f"the sealer ended: {self.sealer.returncode}")
                await asyncio.sleep(SAMPLE_EVERY_S)

    async def now(self) -> float:
        """At this moment; 0 if all is sealed."""
        async with self.database.read() as connection:
            return await connection.fetchval(SQL["oldest_unsealed_s"]) or 0.0


async def sealing(ground: Ground) -> dict[str, object]:
    """Figure 5: the rate without and with the sealer, in turn, and the lag meanwhile."""
    with_sealer, ratios, lags, drained = [], [], [], []
    for _ in range(ground.sizes.rounds):
        url = await ground.empty()
        alone = (await _flood(url, ground)).rate
        async with _sealer(url) as sealer:
            lag = Lag(await Database.connect(url, size=1), sealer)
            await lag.gone()
            watch = asyncio.create_task(lag.watch())
            with_sealer.append((await _flood(url, ground)).rate)
            watch.cancel()
            drained.append(await lag.gone())
            await lag.database.close()
        ratios.append(with_sealer[-1] / alone)
        lags.append(max(lag.seen))
        ground.say(
            f"without sealer {alone:,.0f}/s, with {with_sealer[-1]:,.0f}/s, lag {lags[-1]:.1f} s"
        )
    return {
        "with_sealer_per_s": round(statistics.median(with_sealer)),
        "times_without": round(statistics.median(ratios), 3),
        "worst_lag_s": round(max(lags), 2),
        "median_of_worst_lags_s": round(statistics.median(lags), 2),
        "all_sealed_after_the_last_s": round(max(drained), 2),
        "load_average": os.getloadavg(),
    }


async def _flood(url: str, ground: Ground) -> Tally:
    made = fees(ground.sizes.sealing)
    async with opened(url, ground.sizes.warm) as ledger:
        return await crowd([caller(ledger)] * ground.sizes.submitters, made)


@asynccontextmanager
async def _sealer(url: str) -> AsyncIterator[Process]:
    """The program as it runs in an installation."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "jobs.sealer"),
        cwd=Path(__file__).parent.parent,
        env=environ(url),
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()
