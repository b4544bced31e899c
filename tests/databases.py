"""Empty databases for tests, without paying for a new one each time.

Between tests the rows are deleted, with triggers off (journals refuse deletion otherwise). A test
that changed the schema, or left a connection holding locks, costs a fresh copy of the template.
"""

from __future__ import annotations

import asyncio
from itertools import count

import asyncpg

from kernel.migrations import migrate

TEMPLATE = "template_mizan"
ALL_RIGHTS = "SET LOCAL ROLE NONE; SET LOCAL session_replication_role = replica"
"""Until the transaction ends: whoever signed in, and no trigger fires."""

_EMPTY = """
DO $$
DECLARE one record;
BEGIN
    SET LOCAL session_replication_role = replica;
    SET LOCAL lock_timeout = '500ms';
    FOR one IN
        SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    LOOP
        -- These rows come from migrations.
        IF one.name <> ALL (ARRAY['kernel.migration', 'payments.edge', 'sms.rank']) THEN
            EXECUTE 'DELETE FROM ' || one.name;
        END IF;
    END LOOP;
END $$
"""

_SHAPE = """
SELECT md5(string_agg(item, ' ' ORDER BY item)) FROM (
    SELECT concat_ws('.', nspname, relname, relkind, relnatts) AS item FROM pg_class c
    JOIN pg_namespace n ON n.oid = relnamespace
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    UNION ALL SELECT concat_ws('.', tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws('.', conname, convalidated) FROM pg_constraint
    UNION ALL SELECT concat_ws('.', proname, md5(prosrc)) FROM pg_proc
        JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
    UNION ALL SELECT concat_ws('.', package, number, sha256) FROM kernel.migration
    UNION ALL SELECT edge::text FROM payments.edge AS edge
    UNION ALL SELECT rank::text FROM sms.rank AS rank
) AS items
"""


class TestDatabases:
    """One database at a time, emptied or replaced.

    It is emptied over a connection that stays: a new session knows no table yet, and emptying all
    of them would take it ten times as long. The loop is its own, for each test has another one.
    """

    __test__ = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self._current = ""
        self._shape: str = ""
        self._loop = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    def prepare(self) -> None:
        """Make the template."""
        self._loop.run(self._admin(f"CREATE DATABASE {TEMPLATE}"))
        self._loop.run(migrate(self._named(TEMPLATE)))

    def take(self) -> str:
        """URL of an empty database."""
        if not self._current:
            self._loop.run(self._make())
        return self._named(self._current)

    def give_back(self) -> None:
        """Empty it for the next test, or drop it if it is not what it was."""
        self._loop.run(self._give_back())

    def close(self) -> None:
        """Leave the server."""
        self._loop.run(self._leave())
        self._loop.close()

    async def _make(self) -> None:
        self._current = f"test_{next(self._numbers)}"
        await self._admin(f"CREATE DATABASE {self._current} TEMPLATE {TEMPLATE}")
        self._shape = self._shape or await self._shape_now()

    async def _give_back(self) -> None:
        try:
            await (await self._inside()).execute(_EMPTY)
            is_clean = await self._shape_now() == self._shape
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            is_clean = False
        if not is_clean:
            await self._leave()
            await self._admin(f"DROP DATABASE IF EXISTS {self._current} WITH (FORCE)")
            self._current = ""

    async def _shape_now(self) -> str:
        return str(await (await self._inside()).fetchval(_SHAPE))

    async def _inside(self) -> asyncpg.Connection[asyncpg.Record]:
        """The session in the current database."""
        if self._connection is None:
            self._connection = await asyncpg.connect(self._named(self._current))
        return self._connection

    async def _leave(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _admin(self, statement: str) -> None:
        connection = await asyncpg.connect(self._named("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _named(self, name: str) -> str:
        """The same server, another database."""
        return with_database(self._url, name)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    head, _, query = url.partition("?")
    return f"{head.rsplit('/', 1)[0]}/{name}?{query}"
