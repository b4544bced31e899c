"""Date ranges as finance people choose them: presets in the business zone, or two dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from kernel.digits import to_western

PRESETS: Final = (
    "today", "yesterday", "7d", "30d", "month", "last_month", "12m", "all", "between",
)  # fmt: skip
"""Values of ``?period=``; the text key is ``period.<value>``."""

_MAX_TYPED: Final = 40
_NO_DAY: Final = (date(1971, 1, 2), date(1971, 1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days from ``first`` to ``last``, both included; None: open.

    ``is_bad``: what was ``typed`` for them made no sense; then there is nothing to look for.
    """

    preset: str
    zone: str
    first: date | None = None
    last: date | None = None
    is_bad: bool = False
    typed: Mapping[str, str] = field(default_factory=dict)

    @property
    def days(self) -> tuple[date | None, date | None]:
        """First and last day to look for; one that made no sense ends before it begins."""
        return _NO_DAY if self.is_bad else (self.first, self.last)

    @property
    def since(self) -> datetime | None:
        """The first moment in it."""
        first, _ = self.days
        return None if first is None else _midnight(first, self.zone)

    @property
    def before(self) -> datetime | None:
        """The first moment after it."""
        _, last = self.days
        return None if last is None else _midnight(last + timedelta(days=1), self.zone)

    @property
    def query(self) -> dict[str, str]:
        """The GET parameters that make this period."""
        days = {"from": self.first, "to": self.last} if self.preset == "between" else {}
        dates = {name: day.isoformat() for name, day in days.items() if day is not None}
        return {"period": self.preset, **(self.typed if self.is_bad else dates)}


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
        typed = {name: query[name][:_MAX_TYPED] for name in days if query.get(name)}
        return Period(preset="between", zone=zone, is_bad=True, typed=typed)
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
