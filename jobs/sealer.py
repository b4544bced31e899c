"""The sealer: a process that numbers, folds and signs what was booked, about every second.

Any number may run; one at a time works, and another goes on when it dies. Balances and payments
need none of it: without a sealer they go on, and what waits is sealed later.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time

from kernel import config, log
from kernel.clock import Clock, SystemClock
from kernel.database import Database
from kernel.log import event, fault
from kernel.privacy import Keys
from ledger.seal import Signer
from ledger.sealer import SEAL_MAX, Sealed, checkpoint_days, seal_once
from ops import metrics

SEAL_EVERY_S = 1.0
CHECKPOINT_EVERY_S = 60.0
AFTER_FAILURE_S = 5.0


class Sealer:
    """Seals until stopped."""

    def __init__(
        self, database: Database, signer: Signer, clock: Clock, *, limit: int = SEAL_MAX
    ) -> None:
        self._database = database
        self._signer = signer
        self._clock = clock
        self._limit = limit
        self._stopping = asyncio.Event()
        self._checked = -CHECKPOINT_EVERY_S

    def stop(self) -> None:
        """Finish the seal at hand, make no other."""
        self._stopping.set()

    async def run(self, *, every_s: float = SEAL_EVERY_S) -> None:
        """A seal whenever there is something; at once again while seals are full."""
        while not self._stopping.is_set():
            pause_s = every_s
            try:
                sealed = await self._seal()
                if sealed is not None and sealed.is_full:
                    continue
                await self._publish()
            except Exception:  # the database may be away; nothing is lost meanwhile
                fault("ledger.seal_failed")
                pause_s = max(every_s, AFTER_FAILURE_S)
            await self._pause(pause_s)

    async def _seal(self) -> Sealed | None:
        started = time.perf_counter()
        sealed = await seal_once(self._database, self._signer, self._clock, limit=self._limit)
        if sealed is not None:
            event(
                "ledger.sealed",
                seal=sealed.seal.number,
                transactions=sealed.seal.transactions,
                position=sealed.seal.last_position,
                lag_s=round(sealed.lag_s, 3),
                ms=round((time.perf_counter() - started) * 1000, 1),
            )
        return sealed

    async def _publish(self) -> None:
        """The checkpoints of days that are over, looked for once a minute."""
        if time.monotonic() - self._checked < CHECKPOINT_EVERY_S:
            return
        for point in await checkpoint_days(self._database, self._signer, self._clock):
            event("ledger.checkpoint", day=str(point.day), seals=point.last_seal)
        self._checked = time.monotonic()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


async def keep_sealing(settings: config.Config) -> None:
    """Seal until SIGTERM or SIGINT."""
    database = await Database.connect(settings.database_url, size=1)
    sealer = Sealer(database, Signer(Keys(settings.secret_key)), SystemClock())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, sealer.stop)
    try:
        await sealer.run()
    finally:
        await database.close()


def main(argv: list[str] | None = None) -> int:
    """Run the sealer as a process."""
    del argv
    settings = config.load()
    log.configure("sealer", level=settings.log_level)
    log.listen(metrics.count_event)
    asyncio.run(keep_sealing(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
