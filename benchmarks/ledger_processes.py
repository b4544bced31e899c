"""Several processes submit to the same hot accounts at once. As a program: one of them.

python -m benchmarks.ledger_processes URL FEES WARM: gets ready, says so, and starts when told.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import asyncpg

from benchmarks.ledger_ground import Ground, Sizes, crowd, fees
from benchmarks.ledger_rate import caller, opened

SUBMITTERS = 1000
_STATISTICS = (
    "SELECT deadlocks, xact_rollback FROM pg_stat_database WHERE datname = current_database()"
)


async def processes(ground: Ground) -> dict[str, object]:
    """Figure 3: one process and as many as there are cores, in turn."""
    url, cores = await ground.empty(), len(os.sched_getaffinity(0))
    connection = await asyncpg.connect(url)
    before = await connection.fetchrow(_STATISTICS)
    one, many, p99s = [], [], []
    for _ in range(ground.sizes.rounds):
        one.append((await together(url, 1, ground.sizes))[0])
        rate, p99 = await together(url, cores, ground.sizes)
        many.append(rate)
        p99s.append(p99)
        ground.say(f"1 process {one[-1]:,.0f}/s, {cores} processes {rate:,.0f}/s")
    await asyncio.sleep(1)  # statistics are reported with a delay
    after = await connection.fetchrow(_STATISTICS)
    await connection.close()
    assert before is not None
    assert after is not None
    return {
        "processes": cores,
        "one_per_s": round(statistics.median(one)),
        "many_per_s": round(statistics.median(many)),
        "many_p99_ms": min(p99s),
        "times_one": round(statistics.median(m / o for m, o in zip(many, one, strict=True)), 3),
        "deadlocks": after["deadlocks"] - before["deadlocks"],
        "rolled_back": after["xact_rollback"] - before["xact_rollback"],
        "load_average": os.getloadavg(),
    }


async def together(url: str, count: int, sizes: Sizes) -> tuple[float, float]:
    """Fees per second of so many processes from the first start to the last end; the worst p99."""
    running = [await _start(url, sizes) for _ in range(count)]
    for one in running:
        assert one.stdout is not None
        await one.stdout.readline()
    for one in running:
        assert one.stdin is not None
        one.stdin.write(b"go\n")
    told = [json.loads((await one.communicate())[0]) for one in running]
    if any(one["errors"] for one in told):
        raise RuntimeError(f"fees were not booked: {told}")
    started, ended = min(one["started"] for one in told), max(one["ended"] for one in told)
    return count * sizes.process / (ended - started), max(one["p99_ms"] for one in told)


async def _start(url: str, sizes: Sizes) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", __name__, url, str(sizes.process), str(sizes.warm)),
        cwd=Path(__file__).parent.parent,
        stdin=PIPE,
        stdout=PIPE,
    )


async def _one(url: str, count: int, warm: int) -> None:
    async with opened(url, warm) as ledger:
        made = fees(count)
        print("ready", flush=True)
        sys.stdin.readline()
        started = time.monotonic()
        tally = await crowd([caller(ledger)] * SUBMITTERS, made)
        told = {"started": started, "ended": time.monotonic(), "errors": tally.errors}
        print(json.dumps({**told, "p99_ms": tally.percentile_ms(0.99)}))


if __name__ == "__main__":
    asyncio.run(_one(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
