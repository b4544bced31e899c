"""Guessing of control numbers and receipt codes, limited by subscriber and for everybody together.

Each subscriber may miss ``most`` times in an hour, in all channels. Once all of them together have
missed too often, one miss is all that each is left with: who dials the number of a bill in hand is
still served, and a crowd of phones that guess is not. A try counts from before its answer is known,
so tries at once are not free; a hit takes its count back.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from kernel.config import LimitsConfig
from kernel.limits import Limit, Limits
from kernel.log import event
from kernel.msisdn import Msisdn

WINDOW_S: Final = 3600


class Try:
    """One guess that may be made; a miss unless somebody says otherwise."""

    hit = False


class Guesses:
    """The limit on one kind of number; ``name`` is what events call it."""

    def __init__(self, limits: Limits, name: str, *, each: int, everybody: int) -> None:
        self._limits = limits
        self._each = Limit(name, each, WINDOW_S)
        self._strict = replace(self._each, most=min(each, 1))
        self._everybody = Limit(f"{name}_all", everybody, WINDOW_S)

    @asynccontextmanager
    async def one(self, who: Msisdn) -> AsyncIterator[Try | None]:
        """Make a guess inside; None: not now. One round trip to Valkey; what follows waits for
        none. An error inside counts as no guess.
        """
        turn, misses = await self._limits.take(self._each, who.e164, beside=self._everybody)
        is_strict = misses >= self._everybody.most
        if turn.used > (self._strict if is_strict else self._each).most:
            turn.give_back()
            event("limit.reached", limit=self._each.name, everybody=is_strict)
            yield None
            return
        attempt = Try()
        try:
            yield attempt
        except BaseException:
            turn.give_back()
            raise
        if attempt.hit:
            turn.give_back()
        else:
            self._limits.count(self._everybody)


def bill_guesses(limits: Limits, settings: LimitsConfig) -> Guesses:
    """Control numbers."""
    return Guesses(
        limits,
        "bill_misses",
        each=settings.bill_misses_an_hour,
        everybody=settings.all_bill_misses_an_hour,
    )


def receipt_guesses(limits: Limits, settings: LimitsConfig) -> Guesses:
    """Receipt codes."""
    return Guesses(
        limits,
        "receipt_misses",
        each=settings.receipt_misses_an_hour,
        everybody=settings.all_receipt_misses_an_hour,
    )
