"""The rq task: it only says that there may be work."""

from __future__ import annotations

from collections.abc import Callable

_poke: list[Callable[[], None]] = []


def on_wake(poke: Callable[[], None]) -> None:
    """Tell this process's runner when a wake-up job arrives."""
    _poke[:] = [poke]


def wake() -> None:
    """What an rq job runs."""
    for poke in _poke:
        poke()
