"""PostgreSQL through one pool a process; JSON travels as Python values, time zones are UTC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

Row: TypeAlias = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[Row] | asyncpg.pool.PoolConnectionProxy[Row]"

_SETTINGS = {
    "application_name": "mizan",
    "timezone": "UTC",
    "lock_timeout": "5s",
    "statement_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",
}


class Database:
    """A pool of connections. ``read`` for plain queries, ``transaction`` for anything that writes."""

    def __init__(self, pool: asyncpg.Pool[Row]) -> None:
        self._pool = pool

    @classmethod
    async def connect(cls, url: str, *, size: int = 10) -> Database:
        """Open a pool; raises ``OSError`` or ``asyncpg.PostgresError`` if the server cannot be reached."""
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size, init=_prepare, server_settings=_SETTINGS, timeout=10
        )
        return cls(pool)

    async def close(self) -> None:
        """Give connections back and close them; a busy one is cut after ten seconds."""
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection in autocommit."""
        async with self._pool.acquire() as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: commits when the block ends, rolls back when it raises."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield connection


async def _prepare(connection: asyncpg.Connection[Row]) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_encode, decoder=json.loads, schema="pg_catalog"
        )


def _encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
