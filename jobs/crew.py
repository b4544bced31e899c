"""Runners side by side: a queue of messages, or a slow carrier, never keeps money waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jobs.runner import Runner


class Crew:
    """Several runners as one."""

    def __init__(self, runners: Sequence[Runner]) -> None:
        self._runners = runners
        for runner in runners:
            runner.when_ended(self.poke)

    def poke(self) -> None:
        """There may be due work: all look now."""
        for runner in self._runners:
            runner.poke()

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns when what is running has ended."""
        for runner in self._runners:
            runner.stop()

    async def run(self, *, every_s: float) -> None:
        """Work until stopped."""
        await asyncio.gather(*(runner.run(every_s=every_s) for runner in self._runners))
