"""Processor time of a server's processes, from /proc (Linux; elsewhere nothing is known)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

_STATE_TO_PPID = 1


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on a processor: of this process, of a server's backends, and of its other workers."""

    python: float
    backends: float
    others: float

    def __sub__(self, before: Spent) -> Spent:
        return Spent(
            self.python - before.python,
            self.backends - before.backends,
            self.others - before.others,
        )


def spent(postmaster: int) -> Spent:
    """Up to now; only processes that live are counted."""
    backends = others = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
            if int(fields[_STATE_TO_PPID]) != postmaster:
                continue
            title = (stat.parent / "cmdline").read_text(encoding="utf-8")
            seconds = int((stat.parent / "schedstat").read_text(encoding="ascii").split()[0]) / 1e9
        except (OSError, IndexError):
            continue  # gone meanwhile
        if "[local]" in title:
            backends += seconds
        else:
            others += seconds
    return Spent(time.process_time(), backends, others)
