"""Whether the database can be used, asked before work begins."""

import asyncpg

from kernel.migrations import is_current


class DatabaseError(Exception):
    """The database cannot be used; the text says why, or what to do."""


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
