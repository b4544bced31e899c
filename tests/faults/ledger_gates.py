"""Places in the statements of the ledger where a session can be stopped, and the books around them.

A gate is what an open transaction of the test holds: an advisory lock that triggers on every table
take and give back, or a lock that the statement itself needs.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import Money
from kernel.privacy import Keys
from launch.rehearsal import PATIENCE_S
from ledger.guards import Guard, guard
from ledger.seal import Signer
from ledger.sealer import checkpoint_days, seal_once
from ledger.verify import verify
from tests.conftest import SECRET
from tests.faults.bookers import GUARDED, LOOK_S, MARK_EVERY
from tests.unit.ledger.makers import MORNING

_GATE: Final = "SELECT pg_advisory_xact_lock(hashtext('gate {}'))"
_AT_COMMIT: Final = ("unsealed", "seal", "checkpoint")
_TABLES: Final = (
    "transaction", "account", "posting", "unsealed", "batch", "delta", "balance", "total", "mark",
    "seal", "checkpoint",
)  # fmt: skip

SUBMIT: Final = {
    "it looks at the lock date": "SELECT pg_advisory_xact_lock(hashtext('ledger.closing'))",
    "it locks guards": "LOCK TABLE ledger.guard IN EXCLUSIVE MODE",
    "it writes transactions": _GATE.format("transaction INSERT"),
    "it opens accounts": _GATE.format("account INSERT"),
    "it writes postings": _GATE.format("posting INSERT"),
    "it says what they add": _GATE.format("unsealed INSERT"),
    "it commits": _GATE.format("unsealed COMMIT"),
}
"""Where a submit can be stopped."""

ALONE: Final = (
    "it looks at the lock date", "it writes transactions", "it writes postings",
    "it says what they add", "it commits",
)  # fmt: skip
"""Those that a transaction passes that comes alone and has nothing special."""

SEAL: Final = {
    "it takes what waits": _GATE.format("unsealed DELETE"),
    "it places batches": _GATE.format("batch INSERT"),
    "it keeps deltas": _GATE.format("delta INSERT"),
    "it folds days": _GATE.format("balance INSERT"),
    "it folds totals": _GATE.format("total INSERT"),
    "it writes the seal": _GATE.format("seal INSERT"),
    "it marks totals": _GATE.format("mark INSERT"),
    "it commits": _GATE.format("seal COMMIT"),
    "it writes a checkpoint": _GATE.format("checkpoint INSERT"),
    "it commits a checkpoint": _GATE.format("checkpoint COMMIT"),
    "it reads leaves": "LOCK TABLE ledger.transaction IN ACCESS EXCLUSIVE MODE",
    "it reads accounts": "LOCK TABLE ledger.account IN ACCESS EXCLUSIVE MODE",
}
"""Where a seal can be stopped."""

_FUNCTION: Final = """
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(hashtext('gate ' || TG_ARGV[0]));
    PERFORM pg_advisory_unlock_shared(hashtext('gate ' || TG_ARGV[0]));
    RETURN NULL;
END $$
"""
_BEFORE: Final = """
CREATE TRIGGER gate_{1} BEFORE {1} ON ledger.{0} FOR EACH STATEMENT
EXECUTE FUNCTION gate('{0} {1}')
"""
_LATER: Final = """
CREATE CONSTRAINT TRIGGER gate_commit AFTER INSERT ON ledger.{0} DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION gate('{0} COMMIT')
"""

_LEFT_ALONE: Final = """
SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'mizan')
"""
"""A dead process's sessions end what they were at."""

Admin: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Look until something holds."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(LOOK_S)


class Held:
    """A gate that is shut."""

    def __init__(self, admin: Admin, watcher: Admin) -> None:
        self._admin, self._watcher = admin, watcher

    async def catches(self) -> list[int]:
        """Process ids of the sessions that stand there, as soon as one does."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                rows = await self._watcher.fetch(
                    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND application_name = 'mizan'"
                    " AND $1 = ANY (pg_blocking_pids(pid))",
                    self._admin.get_server_pid(),
                )
                if rows:
                    return [row["pid"] for row in rows]
                await asyncio.sleep(LOOK_S)


class Books:
    """A database whose statements can be stopped, on a server that may die."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def prepare(self) -> None:
        """Gates on every table, and a guard that never refuses."""
        admin = await asyncpg.connect(self.url)
        await admin.execute(_FUNCTION)
        for table in _TABLES:
            await admin.execute(_BEFORE.format(table, "INSERT"))
        await admin.execute(_BEFORE.format("unsealed", "DELETE"))
        for table in _AT_COMMIT:
            await admin.execute(_LATER.format(table))
        await guard(admin, Guard(GUARDED, minimum=Money(-(10**9), "JOD")))
        await admin.close()

    @asynccontextmanager
    async def held(self, gate: str) -> AsyncIterator[Held]:
        """Shut a gate (SQL) until the end of the block."""
        async with self._connected() as admin, self._connected() as watcher:
            await admin.execute("BEGIN")
            await admin.execute(gate)
            yield Held(admin, watcher)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Admin]:
        connection = await asyncpg.connect(self.url)
        try:
            yield connection
        finally:
            if not connection.is_closed():
                await connection.close()

    async def terminate(self, sessions: Iterable[int]) -> None:
        """End sessions, and return when they are gone."""
        async with self._connected() as admin:
            for pid in sessions:
                assert await admin.fetchval("SELECT pg_terminate_backend($1, 10000)", pid)

    async def crash(self, session: int) -> None:
        """SIGKILL of one session: the server ends all others and recovers; returns when it has."""
        async with self._connected() as admin:
            ended = asyncio.Event()
            admin.add_termination_listener(lambda _: ended.set())
            os.kill(session, signal.SIGKILL)
            await asyncio.wait_for(ended.wait(), PATIENCE_S)
        await _until(self._answers)

    async def _answers(self) -> bool:
        try:
            async with self._connected() as admin:
                return bool(await admin.fetchval("SELECT true"))
        except (OSError, asyncpg.PostgresError):
            return False

    async def agree(self, told: Iterable[UUID] = ()) -> None:
        """Sealing goes on to the end; everything can be proved, and what was told is there once."""
        async with self._connected() as admin:
            await _until(lambda: admin.fetchval(_LEFT_ALONE))
        signer = Signer(Keys(SECRET))
        database = await Database.connect(self.url, size=1)
        try:
            while await seal_once(database, signer, ManualClock(MORNING), mark_every=MARK_EVERY):
                pass
            async with database.read() as connection:
                last = await connection.fetchval("SELECT max(sealed_at) FROM ledger.seal")
            # Checkpoints of the days that sealers were at are due by now.
            await checkpoint_days(database, signer, ManualClock(last + timedelta(days=1)))
            async with database.read() as connection:
                found = await verify(connection, trusted=[signer.public], mark_every=MARK_EVERY)
                assert found.bad is None, found.bad
                places = await connection.fetch(
                    "SELECT position, transactions FROM ledger.batch ORDER BY position"
                )
                rows = await connection.fetch("SELECT id FROM ledger.transaction")
        finally:
            await database.close()
        there = [row["id"] for row in rows]
        assert len(there) == len(set(there)) == found.transactions
        assert set(told) <= set(there), "what was acknowledged is lost"
        expected = 1
        for row in places:
            assert row["position"] == expected
            expected += row["transactions"]
        assert expected == len(there) + 1
