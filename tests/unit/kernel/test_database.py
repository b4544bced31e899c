"""What callers see when the database goes away under them."""

from __future__ import annotations

import asyncpg
import pytest

from kernel.database import Database


async def test_a_connection_that_met_the_servers_last_words_is_a_lost_connection(
    database: Database,
) -> None:
    for block in (database.read, database.transaction):
        with pytest.raises(ConnectionError):
            async with block():
                raise asyncpg.InternalClientError("another operation is in progress")
        async with block() as connection:
            assert await connection.fetchval("SELECT 1") == 1
