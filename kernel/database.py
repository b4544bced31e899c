"""PostgreSQL through one pool a process; JSON travels as Python values, time zones are UTC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg

from kernel.sql import package_sql

SQL = package_sql(__file__)

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

# asyncpg calls it an internal error when a statement meets a server's last words ("terminating
# connection") before the connection is seen to close. Callers shall see what it is.
_BROKE = "the database ended the connection"


class Database:
    """A pool of connections. ``read`` for plain queries, ``transaction`` for what writes.

    They work in the application's role where there is one (kernel/rights.py), whoever signs in;
    ``as_owner`` keeps the rights of whoever signs in.
    """

    def __init__(self, url: str, *, size: int = 10, as_owner: bool = False) -> None:
        self._url, self._size = url, size
        self._prepare = _prepare if as_owner else _prepare_application
        self._opened: asyncpg.Pool[Row] | None = None

    async def open(self) -> None:
        """Connect; raises ``OSError`` or ``asyncpg.PostgresError`` if it is out of reach."""
        self._opened = await asyncpg.create_pool(
            self._url,
            min_size=1,
            max_size=self._size,
            init=self._prepare,
            server_settings=_SETTINGS,
            timeout=10,
        )

    @classmethod
    async def connect(cls, url: str, *, size: int = 10, as_owner: bool = False) -> Database:
        """An opened pool."""
        database = cls(url, size=size, as_owner=as_owner)
        await database.open()
        return database

    async def close(self) -> None:
        """Give connections back and close them; a busy one is cut after ten seconds."""
        try:
            await asyncio.wait_for(self._pool.close(), 10)
        except TimeoutError:
            self._pool.terminate()

    @property
    def _pool(self) -> asyncpg.Pool[Row]:
        if self._opened is None:
            raise RuntimeError("the database is not open")
        return self._opened

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """A connection in autocommit; ConnectionError if it broke between two statements."""
        try:
            async with self._pool.acquire() as connection:
                yield connection
        except asyncpg.InternalClientError as problem:
            raise ConnectionResetError(_BROKE) from problem

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: commits when the block ends, rolls back when it raises.

        ConnectionError if the connection broke between two statements.
        """
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection
        except asyncpg.InternalClientError as problem:
            raise ConnectionResetError(_BROKE) from problem


async def _prepare(connection: asyncpg.Connection[Row]) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=_encode, decoder=json.loads, schema="pg_catalog"
        )


async def _prepare_application(connection: asyncpg.Connection[Row]) -> None:
    await _prepare(connection)
    await connection.execute(SQL["become_application"])


def _encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
