"""The export of a journal that takes longer than a statement may."""

from __future__ import annotations

import asyncio
import io

from kernel.database import Database
from ledger.export import export
from tests.unit.ledger.makers import book_all, fee


async def test_an_export_may_take_longer_than_any_other_statement(
    database: Database, owner: Database
) -> None:
    await book_all(database, [fee("k")])
    async with database.read() as connection, owner.read() as other, owner.read() as watch:
        await connection.execute("SET statement_timeout = '100ms'; SET lock_timeout = 0")
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        async with other.transaction():
            await other.execute("LOCK TABLE ledger.transaction IN ACCESS EXCLUSIVE MODE")
            task = asyncio.create_task(export(connection, "csv", io.StringIO().write))
            async with asyncio.timeout(20):
                while not task.done() and not await watch.fetchval(
                    "SELECT wait_event_type = 'Lock' AND clock_timestamp() - query_start > '300ms'"
                    " FROM pg_stat_activity WHERE pid = $1",
                    pid,
                ):
                    pass
        assert await task == 1
