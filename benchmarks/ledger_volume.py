"""Full books: filled set-wise as ``submit`` would have left them, sealed, and what that costs."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from benchmarks.ledger_ground import POSTINGS, ZONE, Ground, crowd, fees
from benchmarks.ledger_rate import caller, opened
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.privacy import Keys
from kernel.sql import package_sql
from ledger import journal
from ledger.journal import Transaction
from ledger.seal import Signer
from ledger.sealer import seal_once

SQL = package_sql(__file__)
SECRET: Final = "only-for-measuring-0123456789-abcdefgh"

DAYS: Final = 30
LAST_DAY: Final = datetime(2026, 6, 30, 6, tzinfo=UTC)
BATCH: Final = 1000
_BATCHES_AT_ONCE: Final = 20
_WRITERS: Final = 2


@dataclass(frozen=True, slots=True)
class Full:
    """A database of so many fees, how it was made and what it weighs."""

    url: str
    fees: int
    filled_per_s: float
    sealed_per_s: float


async def volume(ground: Ground) -> dict[str, object]:
    """Figure 4: the rate with full tables beside empty ones, in turn; bytes per fee."""
    full, empty = await filled(ground, ground.sizes.postings_full), await ground.empty()
    before = await _bytes(full)
    database = await Database.connect(full.url, size=1, as_owner=True)
    async with database.read() as connection:
        await connection.execute("VACUUM", timeout=600)
    await database.close()
    after = await _bytes(full)
    ratios, rates = [], []
    for _ in range(ground.sizes.rounds):
        with_nothing = await _rate(empty, ground)
        rates.append(await _rate(full.url, ground))
        ratios.append(rates[-1] / with_nothing)
        ground.say(f"empty {with_nothing:,.0f}/s, full {rates[-1]:,.0f}/s")
    return {
        "postings": full.fees * len(POSTINGS),
        "full_per_s": round(statistics.median(rates)),
        "times_empty": round(statistics.median(ratios), 3),
        "bytes_per_fee_before_vacuum": round(sum(before.values()), 1),
        "bytes_per_fee_after_vacuum": round(sum(after.values()), 1),
        "bytes_per_fee_by_table_and_index": after,
        "filled_per_s": round(full.filled_per_s),
        "sealed_per_s": round(full.sealed_per_s),
        "load_average": os.getloadavg(),
    }


async def filled(ground: Ground, postings: int) -> Full:
    """A sealed database with so many postings on the same five accounts, over DAYS days."""
    if postings in ground.full:
        return cast(Full, ground.full[postings])
    url, count = await ground.empty(), postings // len(POSTINGS) // BATCH
    database = await Database.connect(url, size=_WRITERS, as_owner=True)
    async with database.read() as connection:
        await journal.submit(connection, fees(1))  # opens the accounts
        rows = await connection.fetch(SQL["account_ids"])
        numbers = {row["path"]: row["id"] for row in rows}
    started = time.perf_counter()
    await _fill(database, _plan(count), _arguments(numbers), ground)
    fill_s = time.perf_counter() - started
    signer, clock = Signer(Keys(SECRET)), SystemClock()
    started, done = time.perf_counter(), 0
    while sealed := await seal_once(database, signer, clock):
        done += sealed.seal.transactions
    seal_s = time.perf_counter() - started
    async with database.read() as connection:
        await connection.execute("ANALYZE")  # what autovacuum does in time
    ground.say(f"{postings:,} postings filled in {fill_s:.0f} s, sealed in {seal_s:.0f} s")
    await database.close()
    full = Full(url, count * BATCH, count * BATCH / fill_s, done / seal_s)
    ground.full[postings] = full
    return full


def environ(url: str) -> dict[str, str]:
    """What a program of ours needs to work on one of these databases."""
    return {
        **os.environ,
        "MIZAN_DATABASE_URL": url,
        "MIZAN_REDIS_URL": "redis://not-used",
        "MIZAN_PUBLIC_URL": "http://127.0.0.1:1",
        "MIZAN_SANDBOX_URL": "http://127.0.0.1:1",
        "MIZAN_SECRET_KEY": SECRET,
    }


def _plan(batches: int) -> list[tuple[datetime, int]]:
    """First moment and number of batches of each statement, day after day."""
    plan = []
    for day in range(DAYS):
        first, left = LAST_DAY - timedelta(days=DAYS - 1 - day), batches // DAYS
        left += day < batches % DAYS
        while left:
            part = min(left, _BATCHES_AT_ONCE)
            plan.append((first, part))
            first, left = first + timedelta(milliseconds=part * BATCH), left - part
    return plan


async def _fill(
    database: Database, plan: Sequence[tuple[datetime, int]], rest: list[Any], ground: Ground
) -> None:
    waiting = iter(enumerate(plan, 1))

    async def writer() -> None:
        async with database.read() as connection:
            for at, (first, batches) in waiting:
                await connection.execute(SQL["fill"], batches, BATCH, first, *rest)
                if at % (len(plan) // 5 + 1) == 0:
                    ground.say(f"filled {at} of {len(plan)}")

    await asyncio.gather(*(writer() for _ in range(_WRITERS)))


def _arguments(numbers: dict[str, int]) -> list[Any]:
    """From $4 on."""
    sums: dict[int, list[int]] = {}
    for each in POSTINGS:
        for path, side in ((each.debit, 0), (each.credit, 1)):
            one = sums.setdefault(numbers[path], [0, 0, 0])
            one[side] += each.amount.minor * BATCH
            one[2] += BATCH
    accounts = sorted(sums)
    sample = fees(1)[0]
    return [
        _body(sample),
        sample.rule,
        sample.version,
        ZONE,
        [numbers[each.debit] for each in POSTINGS],
        [numbers[each.credit] for each in POSTINGS],
        [each.amount.minor for each in POSTINGS],
        accounts,
        *([sums[account][column] for account in accounts] for column in range(3)),
    ]


def _body(sample: Transaction) -> str:
    """The body of a fee (it is hashed) with places for id and time."""
    occurred = sample.occurred_at.isoformat(timespec="microseconds")
    return sample.body().replace(str(sample.id), "%1$s").replace(occurred, "%2$s")


async def _rate(url: str, ground: Ground) -> float:
    made = fees(ground.sizes.crowd)
    async with opened(url, ground.sizes.warm) as ledger:
        tally = await crowd([caller(ledger)] * ground.sizes.submitters, made)
    return tally.rate


async def _bytes(full: Full) -> dict[str, float]:
    """Per fee."""
    database = await Database.connect(full.url, size=1)
    async with database.read() as connection:
        rows = await connection.fetch(SQL["bytes"])
    await database.close()
    return {row["name"]: share for row in rows if (share := round(row["bytes"] / full.fees, 1)) > 0}
