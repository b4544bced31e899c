"""Where the ledger is measured: a PostgreSQL of its own, databases in it, fees, and a crowd."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from benchmarks.load import Tally
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.migrations import migrate
from kernel.money import Money
from launch.embedded import Servers
from ledger.chart import agency_payable, clearing, service_fee, stamp_duty, vat
from ledger.journal import Posting, Transaction

Item = TypeVar("Item")
Say = Callable[[str], None]
"""Tells a person how far it is."""

ZONE = "Asia/Amman"
CLEARING = clearing("ZAIN", "JOD")
POSTINGS = (
    Posting(CLEARING, agency_payable("CSPD", "PASSPORT", "JOD"), Money(5000, "JOD")),
    Posting(CLEARING, stamp_duty("JOD"), Money(100, "JOD")),
    Posting(CLEARING, service_fee("JOD"), Money(216, "JOD")),
    Posting(CLEARING, vat("JOD"), Money(34, "JOD")),
)
PATHS = tuple(sorted({path for each in POSTINGS for path in (each.debit, each.credit)}))


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done; all counts are of fees, but for ``postings_full``."""

    rounds: int = 3
    crowd: int = 60_000
    submitters: int = 1000
    warm: int = 1001
    floor: int = 100_000
    row_locking: int = 4000
    alone: int = 1500
    process: int = 40_000
    sealing: int = 200_000
    postings_full: int = 10_000_000
    postings_verified: int = 2_000_000
    payments_cut: int = 100_000
    cutting: int = 40_000


QUICK = Sizes(
    rounds=2,
    crowd=20_000,
    floor=30_000,
    row_locking=1500,
    alone=400,
    process=15_000,
    sealing=60_000,
    postings_full=800_000,
    postings_verified=200_000,
    cutting=15_000,
)


@dataclass(slots=True)
class Ground:
    """A server, its databases, and where to tell progress."""

    url: str
    postmaster: int
    sizes: Sizes
    say: Say
    made: list[str] = field(default_factory=list)
    full: dict[int, Any] = field(default_factory=dict)
    """Databases that were filled, by their number of postings."""

    async def empty(self) -> str:
        """URL of a new database, migrated and empty."""
        name = f"bench_{len(self.made)}"
        connection = await asyncpg.connect(self.url)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE mizan")
        await connection.close()
        self.made.append(name)
        return self.url.replace("/mizan?", f"/{name}?")

    @property
    async def settings(self) -> dict[str, str]:
        """What decides how durable and how fast the server is."""
        names = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
        connection = await asyncpg.connect(self.url)
        found = {name: str(await connection.fetchval(f"SHOW {name}")) for name in (*names, _CACHE)}
        await connection.close()
        return found


_CACHE = "shared_buffers"


@contextmanager
def ground(sizes: Sizes, say: Say) -> Iterator[Ground]:
    """The embedded PostgreSQL with its usual settings in a temporary home, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mizan-bench-") as folder:
        servers = Servers(Path(folder), redis_url="redis://not-used")
        try:
            url = servers.start().database_url
            asyncio.run(migrate(url))
            lines = (Path(folder) / "postgres" / "postmaster.pid").read_text(encoding="ascii")
            yield Ground(url, int(lines.split()[0]), sizes, say)
        finally:
            servers.stop()


def fees(count: int) -> list[Transaction]:
    """Fees of now: four postings each on the same five accounts, ids in the order of time."""
    ids, clock = RandomIds(), SystemClock()
    return [_fee(ids.new(), clock) for _ in range(count)]


def _fee(id: UUID, clock: SystemClock) -> Transaction:
    # Postings are made anew as rules do, so that nothing is cached that would not be.
    return Transaction(
        id=id,
        rule="FEE_SUCCEEDED",
        version=2,
        key=f"fee:{id}",
        postings=tuple(Posting(each.debit, each.credit, each.amount) for each in POSTINGS),
        occurred_at=clock.now(),
        reference=id,
        zone=ZONE,
    )


async def crowd(
    callers: Sequence[Callable[[Item], Awaitable[bool]]], items: Sequence[Item]
) -> Tally:
    """Every caller takes the next item when it has the answer to its last; an item each at once."""
    tally = Tally()
    waiting = iter(items)

    async def drive(call: Callable[[Item], Awaitable[bool]]) -> None:
        for item in waiting:
            before = time.perf_counter()
            is_good = await call(item)
            tally.latencies.append(time.perf_counter() - before)
            tally.errors += not is_good

    gc.collect()
    gc.freeze()  # what was prepared is no garbage, as in a process that runs for long
    started = time.perf_counter()
    await asyncio.gather(*(drive(call) for call in callers))
    tally.seconds = time.perf_counter() - started
    gc.unfreeze()
    return tally


async def commit_ms(url: str, times: int) -> float:
    """What the smallest commit takes, median: one row of one integer, autocommit, nobody else."""
    database = await Database.connect(url, size=1, as_owner=True)
    async with database.read() as connection:
        await connection.execute("CREATE TABLE IF NOT EXISTS public.smallest (n int)")
        insert = await connection.prepare("INSERT INTO public.smallest VALUES ($1)")

        async def call(n: int) -> bool:
            await insert.fetch(n)
            return True

        tally = await crowd([call], range(times))
    await database.close()
    return tally.percentile_ms(0.5)
