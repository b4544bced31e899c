"""Empty databases for tests, without paying for a new one each time.

Between tests the rows are deleted, with triggers off (journals refuse deletion otherwise). A test
that changed the schema, or left a connection holding locks, costs a fresh copy of the template.
"""

from __future__ import annotations

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
    """One database at a time, emptied or replaced."""

    __test__ = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._numbers = count(1)
        self._current = ""
        self._shape: str = ""

    async def prepare(self) -> None:
        """Make the template."""
        await self._admin(f"CREATE DATABASE {TEMPLATE}")
        await migrate(self._named(TEMPLATE))

    async def take(self) -> str:
        """URL of an empty database."""
        if not self._current:
            self._current = f"test_{next(self._numbers)}"
            await self._admin(f"CREATE DATABASE {self._current} TEMPLATE {TEMPLATE}")
            self._shape = self._shape or await self._shape_now()
        return self._named(self._current)

    async def give_back(self) -> None:
        """Empty it for the next test, or drop it if it is not what it was."""
        try:
            connection = await asyncpg.connect(self._named(self._current))
            try:
                await connection.execute(_EMPTY)
            finally:
                await connection.close()
            is_clean = await self._shape_now() == self._shape
        except asyncpg.PostgresError:
            is_clean = False
        if not is_clean:
            await self._admin(f"DROP DATABASE IF EXISTS {self._current} WITH (FORCE)")
            self._current = ""

    async def _shape_now(self) -> str:
        connection = await asyncpg.connect(self._named(self._current))
        try:
            return str(await connection.fetchval(_SHAPE))
        finally:
            await connection.close()

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
