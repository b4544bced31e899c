"""A gate inside COMMIT of whatever writes a table, and a pool whose connection can be cut there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from kernel.database import Connection, Database

_GATE = 7
_SET = f"""
CREATE FUNCTION public.at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({_GATE});
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON %s DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.at_the_gate();
"""
_DROP = "DROP FUNCTION public.at_the_gate CASCADE"


class CuttableDatabase(Database):
    """A pool that can lose the connection it lent last."""

    last: Connection | None = None

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """As ever, and remembered."""
        async with super().read() as connection:
            self.last = connection
            yield connection

    def cut(self) -> None:
        """Break that connection here; its session on the server goes on and does not know."""
        with suppress(asyncpg.InterfaceError):
            if self.last is not None:
                self.last.terminate()


@dataclass
class CommitGate:
    """Closed until let go."""

    admin: asyncpg.Connection[asyncpg.Record]

    async def stand(self, count: int = 1) -> None:
        """Return when that many commits wait at the gate."""
        async with asyncio.timeout(10):
            while count != await self.admin.fetchval(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
                " AND objid = $1 AND database = (SELECT oid FROM pg_database"
                " WHERE datname = current_database())",
                _GATE,
            ):
                pass

    async def kill(self) -> None:
        """End the sessions that stand there: nothing of them is committed."""
        await self.admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks"
            " WHERE NOT granted AND locktype = 'advisory' AND objid = $1",
            _GATE,
        )

    async def let(self) -> None:
        """Open it."""
        await self.admin.execute("SELECT pg_advisory_unlock_all()")


@asynccontextmanager
async def gate_at_commit(url: str, table: str) -> AsyncIterator[CommitGate]:
    """Commits of transactions that inserted into the table wait, until let go."""
    admin = await asyncpg.connect(url)
    await admin.execute(_SET % table)
    await admin.fetchval("SELECT pg_advisory_lock($1)", _GATE)
    try:
        yield CommitGate(admin)
    finally:
        await admin.execute("SELECT pg_advisory_unlock_all()")
        await admin.execute(_DROP)
        await admin.close()
