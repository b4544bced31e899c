"""Date ranges as finance people choose them: presets in the business zone, or two dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kernel.digits import to_western

PRESETS: Final = (
    "today", "yesterday", "7d", "30d", "month", "last_month", "12m", "all", "between",
)  # fmt: skip
"""Values of ``?period=``; the text key is ``period.<value>``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days from ``first`` to ``last``, both included; None: open. ``is_bad``: made no sense."""

    preset: str
    zone: str
    first: date | None = None
    last: date | None = None
    is_bad: bool = False

    @property
    def since(self) -> datetime | None:
        """The first moment in it."""
        return None if self.first is None else _midnight(self.first, self.zone)

    @property
    def before(self) -> datetime | None:
        """The first moment after it."""
        return None if self.last is None else _midnight(self.last + timedelta(days=1), self.zone)


def of(query: Mapping[str, str], *, today: date, zone: str, default: str) -> Period:
    """Read ``period``, ``from`` and ``to``; dates without a preset mean ``between``."""
    preset = query.get("period", "")
    typed = any(query.get(name) for name in ("from", "to"))
    if preset not in PRESETS:
        preset = "between" if typed else default
    if preset == "between":
        return _between(query, zone=zone)
    first, last = _days(preset, today)
    return Period(preset=preset, zone=zone, first=first, last=last)


def _between(query: Mapping[str, str], *, zone: str) -> Period:
    days: dict[str, date | None] = {}
    is_bad = False
    for name in ("from", "to"):
        text = to_western(query.get(name, "").strip())
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            days[name], is_bad = None, True
    first, last = days["from"], days["to"]
    is_bad = is_bad or (first is not None and last is not None and first > last)
    too_far = any(day is not None and not 1971 <= day.year <= 9000 for day in (first, last))
    if is_bad or too_far:
        return Period(preset="between", zone=zone, is_bad=True)
    return Period(preset="between", zone=zone, first=first, last=last)


def _days(preset: str, today: date) -> tuple[date | None, date | None]:
    month = today.replace(day=1)
    match preset:
        case "today":
            return today, today
        case "yesterday":
            return today - timedelta(days=1), today - timedelta(days=1)
        case "7d":
            return today - timedelta(days=6), today
        case "30d":
            return today - timedelta(days=29), today
        case "month":
            return month, today
        case "last_month":
            last = month - timedelta(days=1)
            return last.replace(day=1), last
        case "12m":
            return month.replace(year=month.year - 1), today
    return None, None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time.min, ZoneInfo(zone))
