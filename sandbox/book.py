"""The operator's book: append-only SQLite that survives ``kill -9``, written by one thread.

Jobs that wait at the same moment share one commit; each gets its own result only after it.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from kernel.sql import package_sql

SQL = package_sql(__file__)
_T = TypeVar("_T")
_Job = tuple[Callable[[sqlite3.Connection], Any], Future[Any]]
_BATCH = 200


def stamp(at: datetime) -> str:
    """A moment as the book writes it, ``2026-11-21T09:00:00.000Z``; sorts as text."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Book:
    """Run functions of a connection, each all or nothing, one after the other."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        _create(self._connection)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="book", daemon=True)
        self._thread.start()

    async def do(self, job: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run ``job(connection)`` in a transaction; returns after its commit, or raises."""
        future: Future[_T] = Future()
        self._jobs.put((job, future))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Finish the jobs that wait and close the file."""
        self._jobs.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch, last = [first], False
            while len(batch) < _BATCH and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    last = True
                    break
                batch.append(job)
            self._commit([job for job in batch if job[1].set_running_or_notify_cancel()])
            if last:
                return

    def _commit(self, batch: list[_Job]) -> None:
        results: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job, future in batch:
                results.append((future, *self._run(job)))
            self._connection.execute("COMMIT")
        except sqlite3.Error as problem:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            results = [(future, None, problem) for _, future in batch]
        for future, result, failure in results:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _run(self, job: Callable[[sqlite3.Connection], Any]) -> tuple[Any, Exception | None]:
        self._connection.execute("SAVEPOINT job")
        try:
            result, failure = job(self._connection), None
        except Exception as problem:  # a job's failure is its caller's, not its neighbours'
            result, failure = None, problem
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        return result, failure


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(SQL["create_book"])
    for (table,) in connection.execute(SQL["tables"]).fetchall():
        for block in ("forbid_update", "forbid_delete"):
            connection.executescript(SQL[block].format(table=table))
