"""Recompute the books from the rows of transactions and postings, and name the first bad row.

Everything is read in one snapshot, however busy the books are. A large journal is cut into
stretches of whole seals, which processes of their own check side by side in that snapshot.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from kernel.database import Connection, Database
from kernel.sql import package_sql
from ledger import chain
from ledger.decisions import decision_of
from ledger.findings import BadRow, Checked, Found, Journal
from ledger.recheck import check_sealed, check_unsealed
from ledger.recheck_closings import check_closings, check_snapshots
from ledger.sealer import MARK_EVERY
from ledger.trust import Trust

SQL = package_sql(__file__)

STRETCH: Final = 10_000
"""Transactions in a stretch, about: what a process holds in memory."""

ALONE_UP_TO: Final = 30_000
"""Fewer transactions are checked sooner than other processes have started."""

Progress = Callable[[int, int], None]
"""Told how many transactions are checked, of how many."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How far the check came, and the first bad row if there is one."""

    transactions: int
    postings: int
    bad: BadRow | None

    @property
    def is_sound(self) -> bool:
        """Whether everything was checked and nothing is bad."""
        return self.bad is None


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole seals, or whole batches that wait for theirs, from the first to the last."""

    is_sealed: bool
    first: int
    last: int
    transactions: int


def _keep_quiet(done: int, total: int) -> None:
    del done, total


async def verify(
    connection: Connection,
    *,
    trusted: Collection[bytes] = (),
    url: str | None = None,
    processes: int | None = None,
    progress: Progress = _keep_quiet,
    mark_every: int = MARK_EVERY,
    stretch: int = STRETCH,
    alone_up_to: int = ALONE_UP_TO,
) -> Verification:
    """Read everything once, in one snapshot; the connection must not be inside a transaction.

    ``trusted`` are the public keys that seals may be signed with (none: the one the first names).
    With the database's ``url``, a large journal is checked by as many processes as there are cores.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute(SQL["no_time_limits"])
        checked = Checked()
        try:
            accounts = await chain.check_accounts(connection)
            events = await connection.fetch(SQL["all_decisions"])
            decided = {row["name"]: decision_of(row) for row in events}
            covered = await chain.check_seals(connection, accounts, decided, Trust(trusted))
            await chain.check_places(connection)
            opened = await check_closings(connection, events, covered)
            journal = Journal({id: row["path"] for id, row in accounts.items()}, opened)
            stretches = await _stretches(connection, stretch)
            total = sum(each.transactions for each in stretches)
            if url is None or total <= alone_up_to:
                checked = await _check_alone(connection, journal, stretches, progress)
            else:
                snapshot = await connection.fetchval(SQL["export_snapshot"])
                checked = await _check_together(
                    partial(_check_apart, url, snapshot, journal),
                    stretches,
                    processes=processes or len(os.sched_getaffinity(0)),
                    progress=progress,
                )
            if checked.bad is None:
                await chain.check_nothing_over(connection, checked)
                await chain.check_folded(connection, mark_every)
                await check_snapshots(connection)
                await chain.check_checkpoints(connection, Trust(trusted))
        except Found as found:
            checked.bad = found.bad
        return Verification(checked.transactions, checked.postings, checked.bad)


async def _stretches(connection: Connection, size: int) -> list[Stretch]:
    seals = await connection.fetch(SQL["seal_sizes"])
    waiting = await connection.fetch(SQL["unsealed_sizes"])
    return [*_cut(seals, size, is_sealed=True), *_cut(waiting, size, is_sealed=False)]


def _cut(rows: Sequence[Any], size: int, *, is_sealed: bool) -> Iterable[Stretch]:
    first, held = None, 0
    for at, (number, transactions) in enumerate(rows):
        first, held = (number if first is None else first), held + transactions
        if held >= size or at == len(rows) - 1:
            yield Stretch(is_sealed, first, number, held)
            first, held = None, 0


async def _check(connection: Connection, journal: Journal, stretch: Stretch) -> Checked:
    check = check_sealed if stretch.is_sealed else check_unsealed
    return await check(connection, journal, stretch.first, stretch.last)


async def _check_alone(
    connection: Connection, journal: Journal, stretches: Sequence[Stretch], progress: Progress
) -> Checked:
    total = sum(each.transactions for each in stretches)
    checked = Checked()
    for stretch in stretches:
        checked.add(await _check(connection, journal, stretch))
        progress(checked.transactions, total)
        if checked.bad:
            break
    return checked


async def _check_together(
    check: Callable[[Stretch], Checked],
    stretches: Sequence[Stretch],
    *,
    processes: int,
    progress: Progress,
) -> Checked:
    """All stretches in processes of their own, until the first bad row is known."""
    total = sum(each.transactions for each in stretches)
    checked = Checked()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        loop = asyncio.get_running_loop()
        waiting = [loop.run_in_executor(pool, check, each) for each in stretches]
        for future in waiting:
            if checked.bad:
                future.cancel()
                continue
            checked.add(await future)
            progress(checked.transactions, total)
        await asyncio.gather(*waiting, return_exceptions=True)
    return checked


def _check_apart(url: str, snapshot: str, journal: Journal, stretch: Stretch) -> Checked:
    """What another process runs."""
    return asyncio.run(_check_in_snapshot(url, snapshot, journal, stretch))


async def _check_in_snapshot(
    url: str, snapshot: str, journal: Journal, stretch: Stretch
) -> Checked:
    database = await Database.connect(url, size=1)
    try:
        async with (
            database.read() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            # The server made this name; SET takes no parameters.
            await connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            await connection.execute(SQL["no_time_limits"])
            return await _check(connection, journal, stretch)
    finally:
        await database.close()
