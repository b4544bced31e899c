"""A table whose writes can be stopped at two points, seen to stand there, and killed.

A trigger waits at the gate ``WRITING`` before the rows, a deferred one at ``COMMITTING``, inside
COMMIT. Gates are advisory locks that a second connection holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from kernel.database import Connection, Database
from tests.databases import with_database

Kept = tuple[int, int]
"""An item: its id and its body."""

WRITING, COMMITTING = 1, 2
NEGATIVE, LATE_FAULT, TWICE_UNLUCKY, NEVER_LUCKY = -1, 13, 40, 41
"""Bodies that the table refuses: by a check, at COMMIT, and by serialization failures."""

_SCHEMA = f"""
CREATE SEQUENCE luck;
CREATE TABLE kept (
    id int PRIMARY KEY,
    body int NOT NULL CHECK (body >= 0),
    writes int NOT NULL DEFAULT 1,
    ticket bigint GENERATED ALWAYS AS IDENTITY
);
CREATE FUNCTION kept_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({WRITING});
    RETURN NULL;
END $$;
CREATE FUNCTION kept_each() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.body = {NEVER_LUCKY} OR (NEW.body = {TWICE_UNLUCKY} AND nextval('luck') < 3) THEN
        RAISE SQLSTATE '40001';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION kept_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared({COMMITTING});
    IF NEW.body = {LATE_FAULT} THEN RAISE SQLSTATE '23514'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a BEFORE INSERT ON kept EXECUTE FUNCTION kept_before();
CREATE TRIGGER b BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION kept_each();
CREATE CONSTRAINT TRIGGER c AFTER INSERT ON kept DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION kept_at_commit();
"""
_DROP = """
DROP TABLE kept; DROP SEQUENCE luck;
DROP FUNCTION kept_before; DROP FUNCTION kept_each; DROP FUNCTION kept_at_commit;
"""
_WRITE = """
INSERT INTO kept AS k (id, body) SELECT * FROM unnest($1::int[], $2::int[])
ON CONFLICT (id) DO UPDATE SET writes = k.writes + 1 RETURNING id, ticket
"""
_MINE = "datname = $1 AND application_name = 'mizan'"


@dataclass
class GatedStore:
    """What tests hand to a group commit, and the hand on the gates."""

    database: Database
    admin: asyncpg.Connection[asyncpg.Record]
    url: str
    name: str
    calls: int = 0
    connection: Connection | None = None
    """Of the last write."""
    may_recall: asyncio.Event | None = None

    async def write(self, connection: Connection, items: Sequence[Kept]) -> list[int]:
        """Idempotent by id: gives the ticket of the first time."""
        self.calls += 1
        self.connection = connection
        columns = [item[0] for item in items], [item[1] for item in items]
        tickets = {row["id"]: row["ticket"] for row in await connection.fetch(_WRITE, *columns)}
        return [tickets[item[0]] for item in items]

    async def recall(self, connection: Connection, items: Sequence[Kept]) -> list[int | None]:
        """The tickets of those that are there."""
        if self.may_recall is not None:
            await self.may_recall.wait()
        found = await connection.fetch(
            "SELECT id, ticket FROM kept WHERE id = ANY($1)", [item[0] for item in items]
        )
        tickets = {row["id"]: row["ticket"] for row in found}
        return [tickets.get(item[0]) for item in items]

    async def tickets(self) -> dict[int, int]:
        """What is committed: the ticket of each id."""
        found = await self.admin.fetch("SELECT id, ticket FROM kept ORDER BY ticket")
        return {row["id"]: row["ticket"] for row in found}

    async def writes(self, item: int) -> int:
        """How often it was written."""
        count = await self.admin.fetchval("SELECT writes FROM kept WHERE id = $1", item)
        return int(count or 0)

    async def hold(self, gate: int) -> None:
        """Close a gate that nobody stands in: who comes by waits."""
        assert await self.try_hold(gate)

    async def try_hold(self, gate: int) -> bool:
        """Close a gate unless somebody stands in it: they may be waiting before another one that is
        held, and who waited for them would wait in a circle.
        """
        return bool(await self.admin.fetchval("SELECT pg_try_advisory_lock($1)", gate))

    async def let(self, gate: int) -> None:
        """Open it."""
        await self.admin.execute("SELECT pg_advisory_unlock($1)", gate)

    async def stand(self, count: int, kind: str = "advisory") -> None:
        """Return when that many sessions wait for a lock of this kind."""
        async with asyncio.timeout(10):
            while count != await self.admin.fetchval(
                "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
                " WHERE NOT granted AND locktype = $2 AND " + _MINE,
                self.name,
                kind,
            ):
                pass

    async def kill(self) -> None:
        """End every session of the pool, and return when they are gone."""
        await self.admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE " + _MINE, self.name
        )

    def cut(self) -> None:
        """Break the connection of the last write here; its session does not know."""
        with suppress(asyncpg.InterfaceError):
            if self.connection is not None:
                self.connection.terminate()

    async def empty(self) -> None:
        """Forget everything."""
        await self.admin.execute("TRUNCATE kept RESTART IDENTITY; ALTER SEQUENCE luck RESTART")

    async def open_all(self) -> None:
        """All gates open."""
        await self.admin.execute("SELECT pg_advisory_unlock_all()")

    async def shut(self) -> None:
        """The database takes no connection any more, and ends those it has."""
        await self._allow_connections(False)
        await self.kill()

    async def reopen(self) -> None:
        """It is back."""
        await self._allow_connections(True)

    async def _allow_connections(self, allowed: bool) -> None:
        # A database cannot shut itself.
        outside = await asyncpg.connect(with_database(self.url, "postgres"))
        try:
            await outside.execute(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS {allowed}")
        finally:
            await outside.close()


@asynccontextmanager
async def gated_store(database: Database, url: str) -> AsyncIterator[GatedStore]:
    """The table, in a database that has none of it before and after."""
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(_SCHEMA)
        name = await admin.fetchval("SELECT current_database()")
        yield GatedStore(database, admin, url, name)
        await admin.execute("SELECT pg_advisory_unlock_all()")
        await admin.execute(_DROP)
    finally:
        await admin.close()
