"""Fees per second through ``Ledger.submit`` beside the baselines, and how long one call takes."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks import ledger_baselines as baselines
from benchmarks.cpu import Spent, spent
from benchmarks.ledger_ground import Ground, commit_ms, crowd, fees
from benchmarks.load import Tally
from kernel.database import Database
from ledger import journal
from ledger.engine import Ledger
from ledger.journal import Posted, Transaction

POOL = 4
SAMPLES = 9
WARM_UPS = 6
"""PostgreSQL keeps a plan from the sixth call on."""
TURN = 50
"""Calls: two that are alone go in turns, so that whatever else the machine does meets both."""


@dataclass(slots=True)
class Round:
    """One round: all candidates, one after the other."""

    row_locking: dict[int, Tally] = field(default_factory=dict)
    floor: dict[int, Tally] = field(default_factory=dict)
    submit: Tally = field(default_factory=Tally)
    spent: Spent = field(default_factory=lambda: Spent(0, 0, 0))
    per_batch: float = 0.0

    @property
    def best_locking(self) -> float:
        """Fees per second, of the best number of connections."""
        return max(tally.rate for tally in self.row_locking.values())

    @property
    def best_floor(self) -> float:
        """Fees per second, of the best number of connections."""
        return max(tally.rate for tally in self.floor.values()) * baselines.AT_ONCE


@asynccontextmanager
async def opened(url: str, warm: int) -> AsyncIterator[Ledger]:
    """The ledger as a process has it, with its connections made and their plans cached.

    More than a batch of callers at once (``warm``) make it use two connections.
    """
    database = await Database.connect(url, size=POOL)
    ledger = Ledger(database)
    try:
        for _ in range(WARM_UPS):
            await crowd([caller(ledger)] * warm, fees(warm))
        yield ledger
    finally:
        await ledger.close()
        await database.close()


def caller(ledger: Ledger) -> Callable[[Transaction], Awaitable[bool]]:
    """One submitter."""

    async def call(transaction: Transaction) -> bool:
        return isinstance(await ledger.submit(transaction), Posted)

    return call


async def rates(ground: Ground) -> dict[str, object]:
    """Figure 1: many submitters in one process, the row-locking function, and the bare rows."""
    url = await ground.empty()
    await baselines.prepare(url)
    rounds = [await _round(ground, url) for _ in range(ground.sizes.rounds)]
    best = max(rounds, key=lambda each: each.submit.rate)
    return {
        "row_locking_per_s": _medians([each.row_locking for each in rounds], 1),
        "floor_per_s": _medians([each.floor for each in rounds], baselines.AT_ONCE),
        "submitters": ground.sizes.submitters,
        "submit_per_s": round(statistics.median(each.submit.rate for each in rounds)),
        "submit_best_per_s": round(best.submit.rate),
        "submit_p50_ms": best.submit.percentile_ms(0.5),
        "submit_p99_ms": best.submit.percentile_ms(0.99),
        "fees_per_commit": round(best.per_batch),
        "errors": sum(each.submit.errors for each in rounds),
        "times_row_locking": _median(each.submit.rate / each.best_locking for each in rounds),
        "share_of_floor": _median(each.submit.rate / each.best_floor for each in rounds),
        "where_it_goes": await _where(best, url),
        "load_average": os.getloadavg(),
    }


async def _round(ground: Ground, url: str) -> Round:
    sizes, made = ground.sizes, Round()
    database = await Database.connect(url, size=max(baselines.CONNECTIONS), as_owner=True)
    for connections in baselines.CONNECTIONS:
        made.row_locking[connections] = await baselines.row_locking(
            database, connections, sizes.row_locking
        )
    for connections in baselines.FLOOR_CONNECTIONS:
        made.floor[connections] = await baselines.raw_floor(database, connections, sizes.floor)
    await database.close()
    transactions = fees(sizes.crowd)
    async with opened(url, sizes.warm) as ledger:
        before, batches = spent(ground.postmaster), ledger.commits.batches
        made.submit = await crowd([caller(ledger)] * sizes.submitters, transactions)
        made.spent = spent(ground.postmaster) - before
        made.per_batch = sizes.crowd / (ledger.commits.batches - batches)
    ground.say(
        f"row-locking {made.best_locking:,.0f}/s, floor {made.best_floor:,.0f}/s,"
        f" submit {made.submit.rate:,.0f}/s"
    )
    return made


async def _where(best: Round, url: str) -> dict[str, object]:
    """Microseconds a fee: elapsed; on a processor here and in the database; and what of it is what.

    The two run side by side, so the larger one sets the pace and their sum is what a core does.
    """
    count, seconds = len(best.submit.latencies), best.submit.seconds
    each = 1e6 / count
    database, took = await Database.connect(url, size=1), []
    async with database.read() as connection:
        for _ in range(SAMPLES):
            batch = fees(baselines.AT_ONCE)
            started = time.process_time()
            await journal.submit(connection, batch)
            took.append((time.process_time() - started) * 1e6 / baselines.AT_ONCE)
    in_submit = statistics.median(took)
    await database.close()
    return {
        "elapsed_us": round(seconds * each, 1),
        "python_us": round(best.spent.python * each, 1),
        "of_it_checks_digests_encoding_us": round(in_submit, 1),
        "of_it_tasks_futures_and_the_crowd_itself_us": round(
            best.spent.python * each - in_submit, 1
        ),
        "database_us": round(best.spent.backends * each, 1),
        "database_writers_us": round(best.spent.others * each, 1),
        "python_busy": round(best.spent.python / seconds, 2),
        "database_busy": round(best.spent.backends / seconds, 2),
    }


async def latencies(ground: Ground) -> dict[str, object]:
    """Figure 2: one submitter alone beside the row-locking function alone; a hundred submitters."""
    url, sizes = await ground.empty(), ground.sizes
    await baselines.prepare(url)
    alone, locking, hundred, commits = [], [], [], []
    for _ in range(sizes.rounds):
        database = await Database.connect(url, size=1, as_owner=True)
        async with opened(url, sizes.warm) as ledger:
            ours, theirs = await _in_turns(ledger, database, sizes.alone)
            alone.append(ours)
            locking.append(theirs)
            hundred.append(await crowd([caller(ledger)] * 100, fees(sizes.crowd // 2)))
        await database.close()
        commits.append(await commit_ms(url, sizes.alone))
        ground.say(
            f"alone p50 {alone[-1].percentile_ms(0.5)} ms, row-locking"
            f" {locking[-1].percentile_ms(0.5)} ms, 100: p99 {hundred[-1].percentile_ms(0.99)} ms"
        )
    p99, commit = min(each.percentile_ms(0.99) for each in hundred), min(commits)
    return {
        "alone_p50_ms": min(each.percentile_ms(0.5) for each in alone),
        "row_locking_p50_ms": min(each.percentile_ms(0.5) for each in locking),
        "times_row_locking": _median(
            ours.percentile_ms(0.5) / theirs.percentile_ms(0.5)
            for ours, theirs in zip(alone, locking, strict=True)
        ),
        "commit_p50_ms": commit,
        "hundred_p50_ms": min(each.percentile_ms(0.5) for each in hundred),
        "hundred_p99_ms": p99,
        "hundred_p99_above_commit_ms": round(p99 - commit, 3),
        "load_average": os.getloadavg(),
    }


async def _in_turns(ledger: Ledger, database: Database, count: int) -> tuple[Tally, Tally]:
    """One submitter alone, and one caller of the row-locking function."""
    ours, theirs, turn = Tally(), Tally(), min(TURN, count)
    for _ in range(count // turn):
        theirs.latencies += (await baselines.row_locking(database, 1, turn)).latencies
        ours.latencies += (await crowd([caller(ledger)], fees(turn))).latencies
    return ours, theirs


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


def _medians(rounds: Sequence[dict[int, Tally]], scale: int) -> dict[str, int]:
    """By number of connections."""
    return {
        str(connections): round(
            statistics.median(each[connections].rate for each in rounds) * scale
        )
        for connections in rounds[0]
    }
