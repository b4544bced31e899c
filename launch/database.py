"""Whether the database can be used: asked before work begins, and told when it ends half-way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from kernel.migrations import is_current


class DatabaseError(Exception):
    """The database cannot be used; the text says why, or what to do."""


_BROKE: Final = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
_TOO_BUSY: Final = (asyncpg.LockNotAvailableError, asyncpg.QueryCanceledError)


async def check_database(url: str, *, needs_tables: bool) -> None:
    """Raise DatabaseError when nobody answers there, or when its tables are not this code's."""
    try:
        connection = await asyncpg.connect(url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        raise DatabaseError(f"cannot reach the database: {problem}") from None
    try:
        if needs_tables and not await is_current(connection):
            raise DatabaseError(
                "the database has no tables yet, or old ones; ./mizan migrate brings it up to date"
            )
    finally:
        await connection.close()


@contextmanager
def told_when_it_breaks() -> Iterator[None]:
    """Raise DatabaseError when the connection breaks under work, or the server gives a wait up."""
    try:
        yield
    except BrokenPipeError:
        raise  # who reads what we print (head, less) has left; a database that goes says otherwise
    except _BROKE as problem:
        raise DatabaseError(
            f"the connection to the database broke: {problem};"
            " look what was done before you repeat the command"
        ) from problem
    except _TOO_BUSY as problem:
        raise DatabaseError(
            f"the database was too busy: {problem}; try the command again"
        ) from problem
