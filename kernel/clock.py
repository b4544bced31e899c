"""Time comes in through the door: a clock is handed to whoever needs one, so tests own it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)


@dataclass
class ManualClock:
    """A clock that stands still until it is moved."""

    at: datetime

    def now(self) -> datetime:
        """Where the clock was last put."""
        return self.at

    def forward(self, step: timedelta) -> None:
        """Move on."""
        self.at += step


def business_date(at: datetime, zone: str) -> date:
    """The calendar day of a moment where the agency is (IANA zone name)."""
    return at.astimezone(ZoneInfo(zone)).date()
