"""Runs due work: claims rows while there are free slots, hands each to its handler, retries or
parks.

Work that a handler causes is claimed by the same runner at once; whatever is due later, or was lost
by a dead process, the sweeper finds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping

from kernel import work
from kernel.database import Database
from kernel.log import bind, event, fault
from kernel.work import LeaseLost, Work

Handler = Callable[[Work], Awaitable[None]]

MAX_ATTEMPTS = 25
MAX_BACKOFF_S = 300.0


class Runner:
    """Some kinds of work, for one event loop.

    Claims only what it has handlers for. ``lease_s`` is longer than any call a handler makes; a
    dead holder's row is free after it.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        *,
        lease_s: float,
        slots: int = 32,
        overdue_s: float = 0.0,
    ) -> None:
        self._database = database
        self._handlers = handlers
        self._lease_s = lease_s
        self._slots = slots
        self._overdue_s = overdue_s
        self._poked = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()
        self._wake: Callable[[], None] = self.poke

    def poke(self) -> None:
        """There may be due work: look now."""
        self._poked.set()

    def when_ended(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` whenever a row was handled: it may have caused work for others too."""
        self._wake = wake

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when what is running has ended."""
        self._stopping = True
        self._poked.set()

    async def run(self, *, every_s: float) -> None:
        """Work until stopped, looking when poked and every ``every_s`` seconds."""
        while not self._stopping:
            try:
                busy = await self._fill()
            except Exception:  # the database may be away; the table will still be there
                fault("work.claim_failed")
                busy = False
                await asyncio.sleep(1.0)
            if not busy:
                await self._pause(every_s)
        if self._running:
            await asyncio.wait(self._running, timeout=self._lease_s)

    async def _fill(self) -> bool:
        """Claim for the free slots; True when there may be more."""
        self._poked.clear()
        free = self._slots - len(self._running)
        if free < self._slots // 4:
            return False  # whatever ends next pokes; claiming row by row would cost a commit each
        items = await work.claim(
            self._database,
            limit=free,
            lease_s=self._lease_s,
            overdue_s=self._overdue_s,
            kinds=self._handlers,
        )
        for item in items:
            task = asyncio.create_task(self._handle(item))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(items) == free

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._wake()

    async def _pause(self, every_s: float) -> None:
        try:
            async with asyncio.timeout(every_s):
                await self._poked.wait()
        except TimeoutError:
            return

    async def _handle(self, item: Work) -> None:
        started = time.perf_counter()
        outcome = "done"
        with bind(work=item.kind, work_id=item.id):
            try:
                await self._handlers[item.kind](item)
            except LeaseLost:
                outcome = "lease_lost"
            except Exception as problem:  # a root: whatever failed is retried, then parked
                outcome = "failed"
                fault("work.failed", attempt=item.attempts)
                await self._put_back(item, problem)
            seconds = time.perf_counter() - started
            event("work.ended", outcome=outcome, ms=round(seconds * 1000, 1), attempt=item.attempts)

    async def _put_back(self, item: Work, problem: Exception) -> None:
        error = f"{type(problem).__name__}: {problem}"
        try:
            async with self._database.transaction() as connection:
                if item.attempts >= MAX_ATTEMPTS:
                    await work.park(connection, item, error)
                    event("work.parked", level=logging.ERROR, kind=item.kind)
                else:
                    delay_s = min(2.0 ** (item.attempts - 1), MAX_BACKOFF_S)
                    await work.retry(connection, item, delay_s=delay_s, error=error)
        except Exception:  # the lease runs out by itself
            fault("work.put_back_failed")
