"""How dialogues go, counted: where they come to, where they go on, what they come to pay.

A hop adds to counters in memory; every few seconds a process adds them to ``ussd.step`` in one
statement. A process that is killed loses seconds of statistics. No content, session or subscriber
comes this far.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import msgspec

from kernel.clock import Clock
from kernel.database import Database
from kernel.ids import Ids
from kernel.log import fault
from kernel.sql import package_sql
from ussd.hop import Ending
from ussd.session import Session

SQL = package_sql(__file__)

EVERY_S: Final = 3.0
_KEPT: Final = timedelta(days=2)
"""How long after its last batch a writer may still send that one again."""

_IN_A_ROW: Final = 128

STAGES: Final = ("opened", "priced", "confirmed")
_STAGE_OF: Final = {"confirm": 2, "approve": 3}
"""Stages passed by who stands on a screen; on any other that knows its service, one."""

_SEEN: Final = frozenset({"begun", "shown", "ended"})
_FAILED: Final = frozenset({"fault", "degraded"})
_LEFT: Final = frozenset({Ending.TIMED_OUT, Ending.CANCELLED, Ending.DROPPED})
"""Outcomes of an end that the operator told before we had closed the session: its counters."""


class Standing(msgspec.Struct, frozen=True):
    """Where a dialogue stands, as far as it is counted; ``service``: ``AGENCY/SERVICE``."""

    service: str
    language: str
    screen: str


class Step(Protocol):
    """What came of a hop: ``came``: where the dialogue was (None: it began), ``stands``: where it
    is (None: it did not move).
    """

    screen: str
    language: str
    outcome: str
    came: Standing | None
    stands: Standing | None
    stages: tuple[str, ...]


class Cell(NamedTuple):
    """What is counted together: the key of ``ussd.step``."""

    day: date
    channel: str
    service: str
    language: str
    screen: str


@dataclass(slots=True)
class Counts:
    """The counters of a cell, in the order of the table's columns."""

    hops: int = 0
    failed: int = 0
    ms: float = 0.0
    entered: int = 0
    moved_on: int = 0
    ended: int = 0
    opened: int = 0
    priced: int = 0
    confirmed: int = 0
    timed_out: int = 0
    cancelled: int = 0
    dropped: int = 0

    def columns(self) -> tuple[int, ...]:
        """As the table wants them; milliseconds whole."""
        return (
            self.hops, self.failed, round(self.ms), self.entered, self.moved_on, self.ended,
            self.opened, self.priced, self.confirmed,
            self.timed_out, self.cancelled, self.dropped,
        )  # fmt: skip


def standing(session: Session) -> Standing:
    """Where a session stands."""
    return Standing(_service(session), session.language, session.screen)


def _service(session: Session) -> str:
    args = session.args
    if args.get("number") is not None:
        return str(args.get("about", ""))
    return f"{args['agency']}/{args['service']}" if "service" in args else ""


def reached(session: Session) -> tuple[str, ...]:
    """The stages that a session has come to since this was asked last, each once a service."""
    service = _service(session)
    if not service:
        return ()
    known, before = session.args.get("counted", ("", 0))
    before = before if known == service else 0
    now = _STAGE_OF.get(session.screen, 1)
    if now <= before:
        return ()
    session.args = {**session.args, "counted": [service, now]}
    return STAGES[before:now]


@dataclass(frozen=True, slots=True)
class _Batch:
    number: int
    cells: dict[Cell, Counts]


class Tally:
    """The counters of one process."""

    def __init__(self, clock: Clock, ids: Ids, zone: str) -> None:
        self._clock = clock
        self._writer: UUID = ids.new()
        self._zone = ZoneInfo(zone)
        self._told: list[tuple[int, str, Step, float]] = []
        self._days: dict[date, dict[tuple[str, Standing], Counts]] = {}
        self._today: dict[tuple[str, Standing], Counts] = {}
        self._sending: _Batch | None = None
        self._batches = 0
        self._day_ends_ms = 0

    def hop(self, channel: str, step: Step, seconds: float) -> None:
        """Count a hop, by and by: many in a row take a third of the time that they take one by one
        between other work.
        """
        self._told.append((self._clock.milliseconds(), channel, step, seconds))
        if len(self._told) == _IN_A_ROW:
            self._count_told()

    def _count_told(self) -> None:
        told, self._told = self._told, []
        for each in told:
            self._count(*each)

    def _count(self, at_ms: int, channel: str, step: Step, seconds: float) -> None:
        came, outcome = step.came, step.outcome
        stands = step.stands or Standing("", step.language, step.screen)
        if at_ms >= self._day_ends_ms:
            self._turn(at_ms)
        counts = self._today.get((channel, stands)) or self._new(channel, stands)
        counts.hops += 1
        counts.ms += seconds * 1000
        if outcome in _FAILED:
            counts.failed += 1
        if outcome not in _SEEN:
            if outcome in _LEFT:
                setattr(counts, outcome, getattr(counts, outcome) + 1)
            return
        if came is None or came.screen != stands.screen:
            counts.entered += 1
            if came is not None:
                (self._today.get((channel, came)) or self._new(channel, came)).moved_on += 1
        if outcome == "ended":
            counts.ended += 1
        for stage in step.stages:
            setattr(counts, stage, getattr(counts, stage) + 1)

    def _new(self, channel: str, stands: Standing) -> Counts:
        counts = self._today[channel, stands] = Counts()
        return counts

    def _turn(self, at_ms: int) -> None:
        """Begin a day, or go on with it after a flush."""
        day = datetime.fromtimestamp(at_ms / 1000, self._zone).date()
        self._today = self._days.setdefault(day, {})
        ends = datetime.combine(day + timedelta(days=1), time.min, self._zone)
        self._day_ends_ms = int(ends.timestamp() * 1000)

    def _taken(self) -> dict[Cell, Counts]:
        """What was counted until now; counting begins anew."""
        self._count_told()
        taken = {
            Cell(day, channel, stands.service, stands.language, stands.screen): counts
            for day, cells in self._days.items()
            for (channel, stands), counts in cells.items()
        }
        self._days = {}
        self._day_ends_ms = 0
        return taken

    async def flush(self, database: Database) -> None:
        """Add what was counted to the table.

        If it fails, the same batch is sent again at the next flush; should it have arrived after
        all, that changes nothing.
        """
        if self._sending is None:
            taken = self._taken()
            if not taken:
                return
            self._batches += 1
            self._sending = _Batch(self._batches, taken)
        batch, at = self._sending, self._clock.now()
        # In the order of the key: two processes that add to the same rows never wait in a circle.
        rows = [(*cell, *counts.columns()) for cell, counts in sorted(batch.cells.items())]
        async with database.read() as connection:
            if batch.number == 1:
                await connection.execute(SQL["forget_writers"], at - _KEPT)
            columns = zip(*rows, strict=True)
            await connection.execute(SQL["add_steps"], self._writer, batch.number, at, *columns)
        self._sending = None


@asynccontextmanager
async def recording(
    tally: Tally, database: Database, *, every_s: float = EVERY_S
) -> AsyncIterator[None]:
    """Flush every few seconds inside, and once more at the end."""
    keeper = asyncio.create_task(_keep(tally, database, every_s))
    try:
        yield
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        await _flush(tally, database)


async def _keep(tally: Tally, database: Database, every_s: float) -> None:
    while True:
        await asyncio.sleep(every_s)
        await _flush(tally, database)


async def _flush(tally: Tally, database: Database) -> None:
    """Statistics wait; nothing else does for them."""
    try:
        async with asyncio.timeout(10):
            await tally.flush(database)
            await tally.flush(database)  # what was counted while an older batch waited
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        fault("ussd.not_counted")
