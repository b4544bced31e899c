"""The sweeper: a process that needs only SQL and runs what is due and nobody has taken.

It makes a lost wake-up, a dead worker and an absent Redis cost seconds. Polls and retries, which
are due in the future, are its everyday work. It also watches that the books balance.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from jobs.compose import opened
from kernel import config, log
from kernel.log import fault
from ops import metrics
from payments import books
from payments.desk import Desk

SWEEP_EVERY_S = 2.0
OVERDUE_S = 0.5
"""Younger rows are left to the worker that was woken for them."""

CHECK_BOOKS_EVERY_S = 30.0


async def sweep(settings: config.Config) -> None:
    """Sweep until SIGTERM or SIGINT."""
    async with opened(settings, overdue_s=OVERDUE_S) as engine:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, engine.crew.stop)
        watch = asyncio.create_task(_watch_books(engine.desk))
        await engine.crew.run(every_s=SWEEP_EVERY_S)
        watch.cancel()


async def _watch_books(desk: Desk) -> None:
    while True:
        try:
            await books.check(desk)
        except Exception:  # the database may be away; the next check will tell
            fault("books.check_failed")
        await asyncio.sleep(CHECK_BOOKS_EVERY_S)


def main(argv: list[str] | None = None) -> int:
    """Run the sweeper as a process."""
    del argv
    settings = config.load()
    log.configure("sweeper", level=settings.log_level)
    log.listen(metrics.count_event)
    asyncio.run(sweep(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
