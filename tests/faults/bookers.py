"""Processes to kill: one that books and tells what it was told, one that seals.

They are forked from a process that has everything loaded, so each costs a few milliseconds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from multiprocessing.connection import Connection as Pipe
from uuid import UUID

import asyncpg

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from launch.rehearsal import PATIENCE_S
from ledger import rules
from ledger.engine import Ledger
from ledger.journal import Posted, Transaction
from ledger.seal import Signer
from ledger.sealer import checkpoint_days, seal_once
from tests.conftest import SECRET
from tests.unit.ledger.makers import CASH, IDS, MORNING, OPENING, movement

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload([__name__])

CALLERS = 6
GUARDED = "Assets:Bank:SAFE:JOD"
MARK_EVERY = 1
"""Every seal writes the totals down, so that a sealer can be stopped there."""

LOOK_S = 0.005
"""Between two looks whether something is there (again): who looks all the time takes the processor
from whom it waits for.
"""

_BROKEN = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)

Run = Callable[[str, str, Pipe], None]
Entries = Callable[[str, int, Transaction | None], Transaction]
"""Makes the next entry of a caller, from its key, its number and the one before."""


class Booker:
    """A process, and what it has told so far."""

    def __init__(self, run: Run, url: str, name: str) -> None:
        self._pipe, theirs = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=run, args=(url, name, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.told: list[UUID] = []

    async def tells(self, more: int) -> None:
        """Wait until it has told so many more."""
        wanted = len(self.told) + more
        while len(self.told) < wanted:
            assert await asyncio.to_thread(self._pipe.poll, PATIENCE_S), "it tells nothing"
            self.told.append(UUID(bytes=self._pipe.recv_bytes()))

    def kill(self) -> None:
        """SIGKILL; what it had told before is heard."""
        self._process.kill()
        self._process.join()
        try:
            while True:
                self.told.append(UUID(bytes=self._pipe.recv_bytes()))
        except EOFError:
            self._pipe.close()


def submit(url: str, name: str, tell: Pipe) -> None:
    """Book through an engine until killed; tells the id of each entry that is booked."""
    asyncio.run(_submit(url, name, tell, _entry, CALLERS))


def submit_alone(url: str, name: str, tell: Pipe) -> None:
    """The same, one plain entry after the other: they go the short way."""
    asyncio.run(_submit(url, name, tell, _plain_entry, 1))


async def _submit(url: str, name: str, tell: Pipe, entry_of: Entries, callers: int) -> None:
    ledger = Ledger(await Database.connect(url, size=4))

    async def call(caller: int) -> None:
        last: Transaction | None = None
        for turn in count():
            entry = entry_of(f"{name} {caller} {turn}", turn, last)
            while not await _is_booked(ledger, entry):
                pass
            tell.send_bytes(entry.id.bytes)
            last = entry

    await asyncio.gather(*(call(each) for each in range(callers)))


def _plain_entry(key: str, _turn: int, _last: Transaction | None) -> Transaction:
    return movement(key, (CASH, OPENING, 1000), (CASH, OPENING, 7))


def _entry(key: str, turn: int, last: Transaction | None) -> Transaction:
    """Now and then one that opens an account, reverses the one before, or is guarded."""
    if turn % 4 == 1 and last is not None:
        return rules.reversal(last, id=IDS.new(), key=key, occurred_at=MORNING)
    other = {2: GUARDED, 3: f"Assets:Bank:{key.upper().replace(' ', '-')}:JOD"}.get(turn % 4, CASH)
    return movement(key, (CASH, OPENING, 1000), (other, OPENING, 7))


async def _is_booked(ledger: Ledger, entry: Transaction) -> bool:
    try:
        result = await ledger.submit(entry)
    except _BROKEN:
        await asyncio.sleep(LOOK_S)
        return False
    assert isinstance(result, Posted), result
    return True


def seal(url: str, name: str, tell: Pipe) -> None:
    """Seal until killed, a day (from day ``name``) for each seal; tells the number of each."""
    asyncio.run(_seal(url, int(name), tell))


async def _seal(url: str, day: int, tell: Pipe) -> None:
    database = await Database.connect(url, size=1)
    signer, clock = Signer(Keys(SECRET)), ManualClock(MORNING + timedelta(days=day))
    while True:
        try:
            sealed = await seal_once(database, signer, clock, mark_every=MARK_EVERY)
            if sealed is not None:
                clock.forward(timedelta(days=1))
                await checkpoint_days(database, signer, clock)
                tell.send_bytes(UUID(int=sealed.seal.number).bytes)
                continue
        except _BROKEN:
            pass
        await asyncio.sleep(LOOK_S)
