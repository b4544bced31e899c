"""Concurrent calls of a process become one database round trip and one commit.

While a batch commits the next one fills, so batches grow with the load and nobody waits for a
timer. A caller that gives up changes nothing, an item that cannot be written fails alone, and a
commit whose outcome got lost with its connection is looked up by ids before anything is repeated.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Final, Generic, TypeAlias, TypeVar

import asyncpg

from kernel.database import Connection, Database
from kernel.log import event

Item = TypeVar("Item")
Result = TypeVar("Result")
T = TypeVar("T")

Write: TypeAlias = Callable[[Connection, Sequence[Item]], Awaitable[Sequence[Result]]]
Recall: TypeAlias = Callable[[Connection, Sequence[Item]], Awaitable[Sequence[Result | None]]]
_Entry: TypeAlias = "tuple[Item, asyncio.Future[Result]]"

_ATTEMPTS: Final = 3
_PAUSES_S: Final = (0.02, 1.0)
_AGAIN: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
# The server rolled back and said so, unless it is one of these: a session that is ended while it
# waits for a standby has committed all the same.
_UNKNOWN: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.StatementCompletionUnknownError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
)
# Classes of SQLSTATE that no single item is to blame for: halving would only repeat the fault.
# Transaction state, schema and rights, resources, operator, system.
_NOBODYS_FAULT: Final = frozenset({"25", "42", "53", "57", "58"})


class Busy(ConnectionError):
    """Refused at once, nothing was written: too much waits already, or this is closed."""


class Lost(ConnectionError):
    """Whether it was written is not known and could not be found out; ask again by its id."""


class GroupCommit(Generic[Item, Result]):
    """Writes items of concurrent callers in batches of at most ``limit``, ``lanes`` at a time.

    ``write`` gets what waited and gives one result each, in order. It must be idempotent by ids
    that the items carry under a unique index: an item written before gets its first result and no
    second effect. This makes it safe to repeat what ``recall`` did not find: if the old session is
    still committing, the unique index makes the repetition wait for it. ``recall`` reads what was
    written: the first result, or None for what is not there.

    With ``one_statement`` the one statement in ``write`` that writes is the transaction
    (autocommit); without it, ``write`` runs inside BEGIN and COMMIT. At most ``waiting`` items wait
    for a batch. Whoever comes while a lane is idle is not kept waiting for the commit of another
    one. ``patience_s`` bounds a silent connection (keep it above the server's
    ``statement_timeout``) and then the search for a lost outcome.

    ``batches``, ``items`` and ``largest`` count what was committed, ``in_doubt`` the items whose
    commit had to be looked up. It lives in one event loop; close it before its database.
    """

    def __init__(
        self,
        database: Database,
        write: Write[Item, Result],
        *,
        recall: Recall[Item, Result],
        name: str,
        one_statement: bool = False,
        limit: int = 500,
        waiting: int = 10_000,
        lanes: int = 2,
        patience_s: float = 40.0,
    ) -> None:
        self._database, self._write, self._recall = database, write, recall
        self._name, self._one_statement = name, one_statement
        self._limit, self._room, self._idle_lanes = limit, waiting, lanes
        self._patience_s = patience_s
        self._waiting: deque[_Entry[Item, Result]] = deque()
        self._running: set[asyncio.Task[None]] = set()
        self._is_hungry = False  # a lane is about to look at what waits
        self._is_closed = False
        self.batches = self.items = self.largest = self.in_doubt = 0

    async def submit(self, item: Item) -> Result:
        """Write one item; returns when it is committed. Cancelling the call does not undo it.

        Raises Busy (nothing written), Lost (not known), or what the database or ``write`` raised:
        then nothing was written either.
        """
        if self._is_closed or len(self._waiting) >= self._room:
            raise Busy(f"{self._name}: {'closed' if self._is_closed else 'too much waits already'}")
        told: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, told))
        if not self._is_hungry:
            self._start_lane()
        return await told

    async def close(self) -> None:
        """Take nothing more, and return when all that was accepted is finished."""
        self._is_closed = True
        while self._running:
            await asyncio.wait(self._running)

    def _start_lane(self) -> None:
        if self._idle_lanes:
            self._idle_lanes -= 1
            self._is_hungry = True
            # Not the caller's context: what a lane logs belongs to nobody's payment.
            lane = asyncio.get_running_loop().create_task(self._lane(), context=Context())
            self._running.add(lane)
            lane.add_done_callback(self._running.discard)

    async def _lane(self) -> None:
        try:
            while self._waiting:
                if unknown := await self._write_what_waits():
                    await self._find_out(unknown)
        finally:
            # No await between the last look at what waits and this: nobody is left behind.
            self._idle_lanes += 1
            self._is_hungry = False

    async def _write_what_waits(self) -> list[_Entry[Item, Result]]:
        """Batch after batch on one connection; returns those that a broken connection left."""
        connection = None
        unknown: list[_Entry[Item, Result]] = []
        try:
            async with self._database.read() as connection:
                while self._waiting and not unknown:
                    unknown = self._take()
                    unknown = await self._commit(connection, unknown)
                    # Whoever was told and comes again at once finds this connection still here.
                    self._is_hungry = True
                    await asyncio.sleep(0)
                self._is_hungry = False
                if self._waiting:
                    self._start_lane()
        except Exception as problem:
            if connection is None:
                self._turn_away(problem)
            # Else it broke while it was given back.
        return unknown

    def _take(self) -> list[_Entry[Item, Result]]:
        self._is_hungry = False
        if len(self._waiting) <= self._limit:
            batch = list(self._waiting)
            self._waiting.clear()
            return batch
        batch = [self._waiting.popleft() for _ in range(self._limit)]
        self._start_lane()
        return batch

    async def _commit(
        self, connection: Connection, batch: list[_Entry[Item, Result]], *, is_repeat: bool = False
    ) -> list[_Entry[Item, Result]]:
        """Write and tell; what fails is halved until the items at fault stand alone.

        Returns the items whose outcome is unknown. In a repetition an error does not prove that
        the first attempt wrote nothing, so nobody is told that.
        """
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                results = await self._attempt(connection, [item for item, _ in part])
            except Exception as problem:
                is_unknown = isinstance(problem, _UNKNOWN) or _is_closed(connection)
                if is_unknown or (is_repeat and isinstance(problem, _AGAIN)):
                    if is_unknown:
                        _cut(connection)
                    return [entry for each in (part, *parts) for entry in each]
                if len(part) > 1 and _may_be_the_fault_of_one(problem):
                    parts += part[len(part) // 2 :], part[: len(part) // 2]
                else:
                    _fail(part, self._lost(problem) if is_repeat else problem)
            else:
                self._tell(part, results)
        return []

    async def _attempt(self, connection: Connection, items: list[Item]) -> Sequence[Result]:
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._bounded(connection, self._write_once(connection, items))
            except _AGAIN:
                continue
        return await self._bounded(connection, self._write_once(connection, items))

    async def _write_once(self, connection: Connection, items: list[Item]) -> Sequence[Result]:
        if self._one_statement:
            return self._counted(await self._write(connection, items), items)
        async with connection.transaction():
            return self._counted(await self._write(connection, items), items)

    def _counted(self, results: Sequence[Result], items: list[Item]) -> Sequence[Result]:
        if len(results) != len(items):
            raise RuntimeError(f"{self._name}: {len(results)} results for {len(items)} items")
        return results

    async def _bounded(self, connection: Connection, work: Awaitable[T]) -> T:
        """Cut a connection that says nothing for too long: that ends the wait for it."""
        watch = asyncio.get_running_loop().call_later(self._patience_s, _cut, connection)
        try:
            return await work
        finally:
            watch.cancel()

    async def _find_out(self, entries: list[_Entry[Item, Result]]) -> None:
        """Look up what was committed, and write what was not, until patience ends."""
        self.in_doubt += len(entries)
        event("commit.in_doubt", level=logging.WARNING, batch=self._name, items=len(entries))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        pause, longest = _PAUSES_S
        problem: Exception | None = None
        while True:
            connection = None
            try:
                async with self._database.read() as connection:
                    entries = await self._recalled(connection, entries)
                    if entries:
                        entries = await self._commit(connection, entries, is_repeat=True)
            except Exception as again:
                problem = again
                if connection is None:
                    self._turn_away(again)
            if not entries:
                return
            if loop.time() >= deadline:
                _fail(entries, self._lost(problem))
                event("commit.lost", level=logging.ERROR, batch=self._name, items=len(entries))
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    async def _recalled(
        self, connection: Connection, entries: list[_Entry[Item, Result]]
    ) -> list[_Entry[Item, Result]]:
        """Tell those whose results are there; returns the others."""
        items = [item for item, _ in entries]
        results = await self._bounded(connection, self._recall(connection, items))
        both = list(zip(entries, results, strict=True))
        self._tell(
            [entry for entry, result in both if result is not None],
            [result for result in results if result is not None],
        )
        return [entry for entry, result in both if result is None]

    def _tell(self, part: list[_Entry[Item, Result]], results: Sequence[Result]) -> None:
        self.batches += bool(part)
        self.items += len(part)
        self.largest = max(self.largest, len(part))
        for (_, told), result in zip(part, results, strict=True):
            if not told.done():
                told.set_result(result)

    def _turn_away(self, problem: Exception) -> None:
        """No connection is to be had: what waits was never sent, and is told so."""
        self._is_hungry = False
        _fail(self._waiting, problem)
        self._waiting.clear()

    def _lost(self, problem: Exception | None) -> Lost:
        lost = Lost(f"{self._name}: the outcome of a commit is not known")
        lost.__cause__ = problem
        return lost


def _fail(entries: Sequence[_Entry[Item, Result]], problem: Exception) -> None:
    for _, told in entries:
        if not told.done():
            told.set_exception(problem)


def _may_be_the_fault_of_one(problem: Exception) -> bool:
    if isinstance(problem, asyncpg.PostgresError):
        state = problem.sqlstate or ""
        return not isinstance(problem, _AGAIN) and state[:2] not in _NOBODYS_FAULT
    return True


def _is_closed(connection: Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool took it back when it closed
        return True


def _cut(connection: Connection) -> None:
    with suppress(asyncpg.InterfaceError):
        connection.terminate()
