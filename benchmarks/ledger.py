"""The ledger's figures, each beside its baseline in the same run, and the bounds they must keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.ledger_cutting import cutting
from benchmarks.ledger_ground import QUICK, Ground, Say, Sizes, ground
from benchmarks.ledger_processes import processes
from benchmarks.ledger_rate import latencies, rates
from benchmarks.ledger_reports import reading, verifying
from benchmarks.ledger_sealing import sealing
from benchmarks.ledger_volume import volume

Figures = dict[str, Any]

PARTS: dict[str, Callable[[Ground], Awaitable[dict[str, object]]]] = {
    "rates": rates,
    "latencies": latencies,
    "processes": processes,
    "volume": volume,
    "sealing": sealing,
    "reading": reading,
    "verifying": verifying,
    "cutting": cutting,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """A figure of a part, and what it is to be at least (or at most) and better."""

    part: str
    figure: str
    at_least: float | None = None
    at_most: float | None = None
    aim: float | None = None

    def judge(self, figures: Figures) -> dict[str, object]:
        """The bound with the value that was measured."""
        value = figures[self.part][self.figure]
        limits = {"at_least": self.at_least, "at_most": self.at_most, "aim": self.aim}
        is_met = (self.at_least is None or value >= self.at_least) and (
            self.at_most is None or value <= self.at_most
        )
        told = {name: limit for name, limit in limits.items() if limit is not None}
        return {"figure": f"{self.part}.{self.figure}", "value": value, **told, "met": is_met}


BOUNDS = (
    Bound("rates", "times_row_locking", at_least=10, aim=20),
    Bound("rates", "share_of_floor", at_least=0.4, aim=0.7),
    Bound("latencies", "times_row_locking", at_most=1.5),
    Bound("latencies", "hundred_p99_above_commit_ms", at_most=25),
    Bound("processes", "times_one", at_least=1.4),
    Bound("processes", "deadlocks", at_most=0),
    Bound("processes", "rolled_back", at_most=0),
    Bound("volume", "times_empty", at_least=0.85, aim=0.95),
    Bound("sealing", "worst_lag_s", at_most=2),
    Bound("sealing", "times_without", at_least=0.85),
    Bound("reading", "statement_of_a_day_ms", at_most=200),
    Bound("reading", "trial_balance_ms", at_most=50),
    Bound("reading", "trial_balance_of_date_ms", at_most=50),
    Bound("reading", "trial_balance_of_position_ms", at_most=50),
    Bound("verifying", "postings_per_s", at_least=100_000),
    Bound("cutting", "cut_s", at_most=5),
    Bound("cutting", "times_p99", at_most=1.5),
)


def run(say: Say, *, is_quick: bool = False, sizes: Sizes | None = None) -> Figures:
    """Measure every part on one server and return the figures."""
    chosen = sizes or (QUICK if is_quick else Sizes())
    with ground(chosen, say) as place:
        return asyncio.run(_measure(place))


async def _measure(place: Ground) -> Figures:
    figures: Figures = {}
    for name, part in PARTS.items():
        place.say(f"{name} …")
        figures[name] = await part(place)
    return {
        "sizes": asdict(place.sizes),
        "database": await place.settings,
        **figures,
        "bounds": [bound.judge(figures) for bound in BOUNDS],
    }
