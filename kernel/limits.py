"""How often somebody may do something: a sliding window, counted in Valkey under names that tell
nothing, and by each process for itself.

The larger count holds. So a limit stands while Valkey is away (each process then knows only what
it saw), and one that was emptied forgives nothing that this process remembers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import hiredis

from kernel.clock import Clock
from kernel.privacy import Keys
from kernel.valkey import Command, Valkey, ValkeyDown, Value

_MOST_REMEMBERED: Final = 100_000
"""Counts a process keeps; beyond, the oldest are let go (some 20 MB)."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``most`` times in any ``window_s`` seconds; ``name`` is part of its keys."""

    name: str
    most: int
    window_s: int


class Turn:
    """One use that was counted: whether it is within its limit, and a way to take it back."""

    __slots__ = ("_key", "_limits", "_ttl", "used", "within")

    def __init__(self, limits: Limits, key: str, limit: Limit, used: float) -> None:
        self._limits, self._key, self._ttl = limits, key, 2 * limit.window_s
        self.used = used
        self.within = used <= limit.most

    def give_back(self) -> None:
        """It did not count after all; nobody waits for Valkey to hear of it."""
        self._limits.uncount(self._key, self._ttl)


class Limits:
    """Counts of one installation. Whom they are about is hidden behind a MAC."""

    def __init__(self, valkey: Valkey, keys: Keys, clock: Clock) -> None:
        self._valkey = valkey
        self._clock = clock
        self._secret = keys.derive("limits")
        self._own: dict[str, int] = {}

    async def take(
        self, limit: Limit, who: str, *, beside: Limit | None = None
    ) -> tuple[Turn, int]:
        """Count one use, and read what everybody together has used of ``beside`` (else 0).

        One round trip. Concurrent uses are all counted before any of them is answered, so no burst
        slips through.
        """
        now = self._clock.now().timestamp()
        key, before, share = self._window(limit, who, now)
        commands: list[Command] = [
            ("GET", before),
            ("INCR", key),
            ("EXPIRE", key, 2 * limit.window_s),
        ]
        others = self._window(beside, "", now) if beside is not None else None
        if others is not None:
            commands += [("GET", others[1]), ("GET", others[0])]
        try:
            answers = await self._valkey.ask(*commands)
        except (ValkeyDown, hiredis.HiredisError):
            answers = [None] * len(commands)
        self._add(key, 1)
        used = max(_sum(answers[0], answers[1], share), self._known(key, before, share))
        together = 0.0
        if others is not None:
            there = _sum(answers[3], answers[4], others[2])
            together = max(there, self._known(*others))
        return Turn(self, key, limit, used), int(together)

    def count(self, limit: Limit, who: str = "") -> None:
        """Count one use without asking; ``who`` empty: of everybody together."""
        key, _, _ = self._window(limit, who, self._clock.now().timestamp())
        self._add(key, 1)
        self._valkey.post(("INCR", key), ("EXPIRE", key, 2 * limit.window_s))

    def uncount(self, key: str, ttl: int) -> None:
        """Take one use back."""
        self._add(key, -1)
        self._valkey.post(("DECR", key), ("EXPIRE", key, ttl))

    def _window(self, limit: Limit, who: str, now: float) -> tuple[str, str, float]:
        """Keys of this window and the one before, and how much of that one still counts."""
        at, into = divmod(now, limit.window_s)
        mac = hashlib.blake2b(f"{limit.name}\0{who}".encode(), key=self._secret, digest_size=12)
        stem = f"limit:{limit.name}:{mac.hexdigest()}"
        return f"{stem}:{int(at)}", f"{stem}:{int(at) - 1}", 1 - into / limit.window_s

    def _known(self, key: str, before: str, share: float) -> float:
        return self._own.get(before, 0) * share + self._own.get(key, 0)

    def _add(self, key: str, step: int) -> None:
        self._own[key] = max(0, self._own.get(key, 0) + step)
        while len(self._own) > _MOST_REMEMBERED:
            del self._own[next(iter(self._own))]


def _sum(before: Value, now: Value, share: float) -> float:
    return _number(before) * share + _number(now)


def _number(value: Value) -> int:
    """A count as Valkey tells it; 0 for none, and for what is no count."""
    if isinstance(value, bytes) and value.removeprefix(b"-").isdigit():
        return int(value)
    return value if isinstance(value, int) else 0
