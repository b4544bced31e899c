"""Time comes in through the door: a clock is handed to whoever needs one, so tests own it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Tells the time, always aware and in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        ...

    def milliseconds(self) -> int:
        """The same in Unix time."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return datetime.now(UTC)

    def milliseconds(self) -> int:
        """The same in Unix time."""
        return time.time_ns() // 1_000_000


@dataclass
class ManualClock:
    """A clock that stands still until it is moved."""

    at: datetime

    def now(self) -> datetime:
        """Where the clock was last put."""
        return self.at

    def milliseconds(self) -> int:
        """The same in Unix time."""
        return int(self.at.timestamp() * 1000)

    def forward(self, step: timedelta) -> None:
        """Move on."""
        self.at += step


def business_date(at: datetime, zone: str) -> date:
    """The calendar day of a moment where the agency is (IANA zone name)."""
    return at.astimezone(ZoneInfo(zone)).date()
