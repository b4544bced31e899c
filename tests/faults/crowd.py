"""Processes that book a share of common work at once: as a web process does, through an engine, and
as a worker does, in database transactions of its own.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

from kernel.database import Database
from launch.rehearsal import PATIENCE_S
from ledger import journal
from ledger.engine import Ledger
from ledger.journal import Posted, Result, Transaction

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])

CALLERS = 8
"""In one web process."""
TASKS, AT_ONCE = 2, 20
"""Of one worker, and how many entries it books in one transaction."""


@dataclass
class Tally:
    """What became of a share."""

    calls: int = 0
    """How often submit was called."""
    in_doubt: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def count(self, results: Sequence[Result]) -> None:
        """By kind."""
        for each in results:
            if isinstance(each, Posted):
                self.outcomes["replayed" if each.is_replay else "posted"] += 1
            else:
                self.outcomes[each.reason] += 1


class Hand:
    """A process at work on its share."""

    def __init__(self, url: str, is_web: bool, share: list[Transaction]) -> None:
        self._pipe, theirs = _FORKS.Pipe(duplex=True)
        self._process = _FORKS.Process(target=_run, args=(url, is_web, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.send(share)

    def go(self) -> None:
        """Let it begin, as soon as it can."""
        self._pipe.recv()
        self._pipe.send(None)

    async def tally(self) -> Tally:
        """When it is done; EOFError if it failed."""
        assert await asyncio.to_thread(self._pipe.poll, 2 * PATIENCE_S), "it does not end"
        found = self._pipe.recv()
        assert isinstance(found, Tally)
        await asyncio.to_thread(self._process.join)
        return found


def _run(url: str, is_web: bool, pipe: Pipe) -> None:
    share: list[Transaction] = pipe.recv()
    pipe.send(asyncio.run(_work(url, is_web, share, pipe)))


async def _work(url: str, is_web: bool, share: list[Transaction], pipe: Pipe) -> Tally:
    database = await Database.connect(url, size=4)
    pipe.send(None)
    pipe.recv()
    tally = await (_web if is_web else _worker)(database, share)
    await database.close()
    return tally


async def _web(database: Database, share: list[Transaction]) -> Tally:
    tally, waiting = Tally(), iter(share)
    ledger = Ledger(database)

    async def call() -> None:
        for each in waiting:
            tally.count([await ledger.submit(each)])

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    await ledger.close()
    tally.calls, tally.in_doubt = ledger.commits.batches, ledger.commits.in_doubt
    return tally


async def _worker(database: Database, share: list[Transaction]) -> Tally:
    tally = Tally()
    waiting = iter([share[at : at + AT_ONCE] for at in range(0, len(share), AT_ONCE)])

    async def work() -> None:
        for some in waiting:
            async with database.transaction() as connection:
                results = await journal.submit(connection, some)
            tally.count(results)
            tally.calls += 1

    await asyncio.gather(*(work() for _ in range(TASKS)))
    return tally
