"""One part of the gateway by itself, as on a machine of a larger installation."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping

from kernel import config
from launch import environment, programs, terminal
from launch.embedded import attached
from launch.home import Home
from launch.supervisor import Program, Supervisor


def run_part(
    build: Callable[[Mapping[str, str]], Iterable[Program]],
    until_ready: Callable[[], Awaitable[None]],
    greeting: str,
    public_url: str | None = None,
) -> int:
    """Supervise the programs that `build` makes from their environment, until a signal."""
    with terminal.signals_raise(), contextlib.ExitStack() as stack:
        home = Home.at()
        urls = stack.enter_context(attached(home.path))
        known = environment.settings(home) | urls.as_environment()
        if public_url is not None and not os.environ.get("MIZAN_PUBLIC_URL"):
            known["MIZAN_PUBLIC_URL"] = public_url
        config.load(os.environ | known)  # a mistake in it is told here, not in a child's log
        children = list(build(programs.child_environment(home, known)))
        asyncio.run(_supervise(home, children, until_ready, greeting))
    return 0


async def _supervise(
    home: Home, children: list[Program], until_ready: Callable[[], Awaitable[None]], greeting: str
) -> None:
    supervisor = Supervisor(home, terminal.say)
    await supervisor.run(children, until_ready, lambda: terminal.say(greeting))
