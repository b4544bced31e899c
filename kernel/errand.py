"""Coroutines that run without a task for as long as they wait for Valkey only.

A task, its futures and their callbacks through the event loop are a large part of a short hop. An
errand is called on by who brings what it waits for, there and then. Before it waits for anything
else it becomes a task (``in_a_task``); in a coroutine that is one already, nothing is different.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import coroutine
from typing import Any, Final, TypeAlias, TypeVar

from kernel.log import fault

Wish: TypeAlias = "Callable[[Errand], None]"
"""Arranges for the errand to be called on."""

T = TypeVar("T")
_TASKS: Final[set[asyncio.Task[None]]] = set()


class Errand:
    """A coroutine under way: whom it waits for calls ``go_on`` or ``fail``, once.

    An exception that it lets out is logged, and ``failed`` is called.
    """

    __slots__ = ("_failed", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], failed: Callable[[], None]) -> None:
        self._work = work
        self._failed = failed

    def go_on(self, value: object = None) -> None:
        """Run it until it waits again, or ends; at first with None."""
        self._step(self._work.send, value)

    def fail(self, problem: Exception) -> None:
        """The same, with a problem where it waits."""
        self._step(self._work.throw, problem)

    def become_task(self) -> None:
        """Let the event loop run the rest."""
        task = asyncio.get_running_loop().create_task(self._work)
        _TASKS.add(task)
        task.add_done_callback(self._ended)

    def _step(self, resume: Callable[[Any], Wish], value: object) -> None:
        try:
            resume(value)(self)
        except StopIteration:
            pass
        except Exception:
            fault("errand.failed")
            self._failed()

    def _ended(self, task: asyncio.Task[None]) -> None:
        _TASKS.discard(task)
        try:
            task.result()
        except asyncio.CancelledError:
            self._failed()
        except Exception:
            fault("errand.failed")
            self._failed()


@coroutine
def wait(wish: Wish) -> Generator[Wish, Any, Any]:
    """Wait, in an errand, for what the wish arranges."""
    return (yield wish)


def is_errand(loop: asyncio.AbstractEventLoop | None = None) -> bool:
    """Whether the caller runs without a task; who knows the running loop saves a system call."""
    return asyncio.current_task(loop) is None


async def in_a_task() -> None:
    """From here on the caller may wait for anything."""
    if is_errand():
        await wait(Errand.become_task)


async def within(deadline: float, work: Awaitable[T]) -> T:
    """What ``work`` gives; TimeoutError if it takes longer (``deadline``: in the loop's time)."""
    await in_a_task()
    async with asyncio.timeout_at(deadline):
        return await work
