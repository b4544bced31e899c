"""What a command on the database needs: the servers, their addresses, and tables to work on."""

import asyncio
import os
from collections.abc import Callable

from launch.database import check_database, told_when_it_breaks
from launch.embedded import attached
from launch.environment import settings
from launch.home import Home
from launch.terminal import explained


def run_on_database(work: Callable[[], int], *, needs_tables: bool = True) -> int:
    """Do `work` against MIZAN_DATABASE_URL, or the embedded servers, started if they are down.

    2, and a line that says what to do, when the database cannot be used, or not to the end.
    """
    return explained(lambda: _run(work, needs_tables))


def _run(work: Callable[[], int], needs_tables: bool) -> int:
    with attached() as urls:
        os.environ.update(settings(Home.at()) | urls.as_environment())
        asyncio.run(check_database(urls.database_url, needs_tables=needs_tables))
        with told_when_it_breaks():
            return work()
