"""What the operator will do later, written in the book first: a restart forgets nothing.

An errand is performed at least once; one that was cut short is performed again, as operators do.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kernel import log
from kernel.clock import Clock
from sandbox.book import SQL, Book, stamp


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to do: ``action`` chooses who does it, ``subject`` is a request or message id."""

    id: int
    action: str
    subject: str
    detail: dict[str, Any]


Handler = Callable[[Errand], Awaitable[None]]


class Errands:
    """Timers of one process over the errands in the book."""

    def __init__(self, book: Book, clock: Clock, pace: float) -> None:
        self._book, self._clock, self._pace = book, clock, pace
        self._handlers: dict[str, Handler] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def on(self, action: str, handler: Handler) -> None:
        """Name who performs an action."""
        self._handlers[action] = handler

    async def start(self) -> None:
        """Take up what an earlier process left; what is overdue happens now."""
        self._loop = asyncio.get_running_loop()
        for row in await self._book.do(lambda c: c.execute(SQL["open_errands"]).fetchall()):
            due = datetime.fromisoformat(row["due_at"])
            self._arm(row["id"], (due - self._clock.now()).total_seconds())

    async def stop(self) -> None:
        """Drop the timers; the errands stay in the book."""
        self._loop = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def plan(
        self,
        connection: sqlite3.Connection,
        action: str,
        subject: str,
        *,
        after_s: float,
        detail: dict[str, Any],
    ) -> None:
        """Write an errand within the caller's job, due in ``after_s`` seconds times the pace."""
        delay_s = after_s * self._pace
        row = {
            "due_at": stamp(self._clock.now() + timedelta(seconds=delay_s)),
            "action": action,
            "subject": subject,
            "detail": json.dumps(detail),
        }
        errand_id = connection.execute(SQL["insert_errand"], row).lastrowid
        # The timer may fire before the commit; performing reads the errand through the book's
        # thread, after it.
        assert errand_id is not None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._arm, errand_id, delay_s)

    def _arm(self, errand_id: int, delay_s: float) -> None:
        if self._loop is not None:
            self._loop.call_later(max(0.0, delay_s), self._begin, errand_id)

    def _begin(self, errand_id: int) -> None:
        if self._loop is None:
            return
        task = self._loop.create_task(self._perform(errand_id))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _perform(self, errand_id: int) -> None:
        row = await self._book.do(
            lambda c: c.execute(SQL["open_errand"], {"id": errand_id}).fetchone()
        )
        if row is None:
            return
        errand = Errand(row["id"], row["action"], row["subject"], json.loads(row["detail"]))
        try:
            await self._handlers[errand.action](errand)
        except Exception:  # a root: the errand stays open and is tried again at the next start
            log.fault("sandbox.errand_failed", errand=errand.id, action=errand.action)
            return
        done = {"errand": errand.id, "at": stamp(self._clock.now())}
        await self._book.do(lambda c: c.execute(SQL["finish_errand"], done))
