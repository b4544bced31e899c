"""Manners towards an operator: not too many questions a second, and none while it is down.

Pure and driven by a clock; one guard per wallet and process.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from kernel.clock import Clock
from wallets.port import NotNow


class TokenBucket:
    """Lets ``burst`` through at once and ``rate_per_s`` in the long run."""

    def __init__(self, clock: Clock, *, rate_per_s: float, burst: int) -> None:
        self._clock = clock
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._level = float(burst)
        self._at = clock.now()

    def take(self) -> float:
        """Take one; returns 0, or the seconds to wait until one is there (nothing taken)."""
        now = self._clock.now()
        passed_s = max(0.0, (now - self._at).total_seconds())
        self._level = min(self._burst, self._level + passed_s * self._rate_per_s)
        self._at = now
        if self._level < 1:
            return (1 - self._level) / self._rate_per_s
        self._level -= 1
        return 0.0


class Breaker:
    """Opens after ``failures`` in a row for ``open_s`` seconds, then lets one probe through."""

    def __init__(self, clock: Clock, *, failures: int, open_s: float) -> None:
        self._clock = clock
        self._limit = failures
        self._open_for = timedelta(seconds=open_s)
        self._failures = 0
        self._closed_until: datetime | None = None

    def wait_s(self) -> float:
        """Seconds until the next call may pass; 0 lets this one pass.

        The one that passes while the breaker is open is the probe. It holds the door shut behind it
        for another ``open_s``, so a probe that never reports back does not block for ever.
        """
        if self._closed_until is None:
            return 0.0
        now = self._clock.now()
        wait_s = (self._closed_until - now).total_seconds()
        if wait_s > 0:
            return wait_s
        self._closed_until = now + self._open_for
        return 0.0

    def succeeded(self) -> None:
        """The operator answered sensibly: close."""
        self._failures = 0
        self._closed_until = None

    def failed(self) -> None:
        """The operator did not answer, or answered that it is down."""
        self._failures += 1
        if self._failures >= self._limit:
            self._closed_until = self._clock.now() + self._open_for


BURST_S = 2.0
"""So many seconds' worth of questions may go at once."""


class Guard:
    """A bucket and a breaker in front of one operator's status queries."""

    def __init__(
        self,
        clock: Clock,
        *,
        rate_per_s: float = 10.0,
        failures: int = 5,
        open_s: float = 30.0,
    ) -> None:
        self._bucket = TokenBucket(
            clock, rate_per_s=rate_per_s, burst=max(1, round(rate_per_s * BURST_S))
        )
        self._breaker = Breaker(clock, failures=failures, open_s=open_s)

    def admit(self) -> None:
        """Let one query pass; raises NotNow with the seconds to wait."""
        wait_s = self._breaker.wait_s() or self._bucket.take()
        if wait_s:
            raise NotNow(wait_s)

    def report(self, *, healthy: bool) -> None:
        """Tell how a query that was let through went."""
        if healthy:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
