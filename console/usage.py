"""How the menu is used: what a page of it was asked for, and the figures for that."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from console import period
from console.period import Period
from console.statements import SQL
from console.visit import Visit
from kernel.clock import business_date
from kernel.database import Connection, Row
from kernel.texts import LANGUAGES

STAGES: Final = ("opened", "priced", "confirmed", "collected", "receipted")
BY: Final = ("service", "channel", "language")
_MOST_DAYS: Final = 62
"""A longer time is shown by months."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """What was chosen; ``service``: ``AGENCY/SERVICE``; ``by``: what the stages are split by."""

    period: Period
    zone: str
    channel: str = ""
    service: str = ""
    language: str = ""
    by: str = "service"

    @property
    def query(self) -> dict[str, str]:
        """The GET parameters that make this filter."""
        values = {
            **self.period.query,
            "channel": self.channel,
            "service": self.service,
            "language": self.language,
            "by": self.by if self.by != "service" else "",
        }
        return {name: value for name, value in values.items() if value}

    @property
    def piece(self) -> str:
        """Whether days or months are shown."""
        first, last = self.period.first, self.period.last
        if first is None or last is None:
            return "month"
        return "day" if (last - first).days < _MOST_DAYS else "month"

    def parameters(self) -> tuple[Any, ...]:
        """Those of ``console.usage``."""
        return (*self.period.days, self.zone, *self._places())

    def screen_parameters(self) -> tuple[Any, ...]:
        """Those of ``usage_screens``."""
        return (*self.period.days, *self._places())

    def _places(self) -> tuple[str | None, ...]:
        return (self.channel or None, self.service or None, self.language or None)


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many dialogues came to each of ``STAGES``, in order."""

    counts: tuple[int, ...]

    @property
    def steps(self) -> list[tuple[str, int]]:
        """Stages with their counts."""
        return list(zip(STAGES, self.counts, strict=True))

    def share(self, at: int) -> int | None:
        """Per cent of the first stage that came to the one at a place; None of nothing."""
        return round(100 * self.counts[at] / self.counts[0]) if self.counts[0] else None


_NOBODY: Final = Funnel((0,) * len(STAGES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """All that the page shows."""

    whole: Funnel
    pieces: Sequence[tuple[date, Funnel]]
    split: Sequence[tuple[str, Funnel]]
    screens: Sequence[Row]
    receipts: int
    median_s: float | None
    p95_s: float | None
    channels: Sequence[str]


def of(visit: Visit) -> UsageFilter:
    """Read the filter of a request; values nobody offered are dropped."""
    query, zone = visit.query, visit.desk.zone
    today = business_date(visit.now, zone)
    by, language = query.get("by", ""), query.get("language", "")
    return UsageFilter(
        period=period.of(query, today=today, zone=zone, default="30d"),
        zone=zone,
        channel=query.get("channel", "")[:64],
        service=query.get("service", "")[:130],
        language=language if language in LANGUAGES else "",
        by=by if by in BY else "service",
    )


async def load(connection: Connection, chosen: UsageFilter) -> Usage:
    """The figures of a filter."""
    asked = chosen.parameters()
    stages = await connection.fetch(SQL["usage_stages"], *asked, chosen.piece)
    split = await connection.fetch(SQL["usage_stages_by"], *asked, chosen.by)
    timed = await connection.fetchrow(SQL["usage_durations"], *asked)
    if timed is None:
        raise RuntimeError("an aggregate without a row")
    median_s, p95_s = timed["seconds"] or (None, None)
    return Usage(
        whole=next((_funnel(row) for row in stages if row["piece"] is None), _NOBODY),
        pieces=_filled(
            [(row["piece"], _funnel(row)) for row in stages if row["piece"] is not None],
            chosen.piece,
        ),
        split=[(row["whose"], _funnel(row)) for row in split],
        screens=await connection.fetch(SQL["usage_screens"], *chosen.screen_parameters()),
        receipts=timed["receipts"],
        median_s=median_s,
        p95_s=p95_s,
        channels=[row["channel"] for row in await connection.fetch(SQL["usage_channels"])],
    )


def _filled(pieces: Sequence[tuple[date, Funnel]], piece: str) -> list[tuple[date, Funnel]]:
    """The same with the days or months between on which nothing was counted."""
    known = dict(pieces)
    filled: list[tuple[date, Funnel]] = []
    at = min(known, default=date.max)
    while known and at <= max(known):
        filled.append((at, known.get(at, _NOBODY)))
        at += timedelta(days=1 if piece == "day" else monthrange(at.year, at.month)[1])
    return filled


def _funnel(row: Row) -> Funnel:
    return Funnel(tuple(row[stage] or 0 for stage in STAGES))
