"""What a command on the database needs: the servers, their addresses, and tables to work on."""

import asyncio
import os
from collections.abc import Callable

import asyncpg

from kernel.migrations import is_current
from launch.embedded import attached
from launch.environment import settings
from launch.home import Home
from launch.terminal import explained, say


def run_on_database(work: Callable[[], int], *, needs_tables: bool = True) -> int:
    """Do `work` against MIZAN_DATABASE_URL, or the embedded servers, started if they are down.

    2, and a line that says what to do, when the database cannot be used.
    """
    return explained(lambda: _run(work, needs_tables))


def _run(work: Callable[[], int], needs_tables: bool) -> int:
    with attached() as urls:
        os.environ.update(settings(Home.at()) | urls.as_environment())
        problem = asyncio.run(_problem(urls.database_url, needs_tables))
        if problem:
            say(problem)
            return 2
        return work()


async def _problem(url: str, needs_tables: bool) -> str:
    try:
        connection = await asyncpg.connect(url)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as problem:
        return f"cannot reach the database: {problem}"
    try:
        if needs_tables and not await is_current(connection):
            return (
                "the database has no tables yet, or old ones; ./mizan migrate brings it up to date"
            )
    finally:
        await connection.close()
    return ""
