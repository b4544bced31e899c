"""Keeps a few programs running: starts them, restarts what dies, stops them in reverse order.

Why our own: docs/decisions/0002-own-supervisor.md.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from launch import process
from launch.home import ROOT, Home

BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
STEADY_S = 20.0
"""A program that lived this long had started well; its next restart is quick again."""
EARLY_DEATHS_MAX = 3
GRACE_S = 15.0
INSIST_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """One child process. Higher stages stop earlier: whoever takes new work goes first."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    stage: int = 0
    pass_fds: Sequence[int] = ()

    @property
    def log(self) -> str:
        return f"{self.name}.jsonl"


class StartFailed(Exception):
    """A program kept dying before everything was ready; the text ends with its last words."""


class Supervisor:
    """Runs programs until a signal: the first asks for an orderly stop, the second insists."""

    def __init__(self, home: Home, say: Callable[[str], None], grace_s: float = GRACE_S) -> None:
        self._home = home
        self._say = say
        self._grace_s = grace_s
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._is_ready = False
        self._failure: Exception | None = None
        self._stopping = asyncio.Event()
        self._insisting = asyncio.Event()
        self._child_changed = asyncio.Event()

    async def run(
        self,
        programs: Sequence[Program],
        until_ready: Callable[[], Awaitable[object]],
        when_ready: Callable[[], None],
    ) -> None:
        """Start all, call `when_ready` once `until_ready` returns, keep all running until a signal.

        Raises what went wrong, with everything stopped, when they cannot become ready.
        """
        with self._signals_handled():
            tasks = [asyncio.create_task(self._keep(program)) for program in programs]
            greeter = asyncio.create_task(self._greet(until_ready, when_ready))
            try:
                await self._stopping.wait()
            finally:
                self._stopping.set()
                greeter.cancel()
                await self._stop_all(programs)
                await asyncio.gather(greeter, *tasks, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Ask for an orderly stop; asked again, stop at once."""
        if self._stopping.is_set():
            self._insisting.set()
        else:
            self._say("stopping; once more to stop at once")
        self._stopping.set()

    async def _greet(
        self, until_ready: Callable[[], Awaitable[object]], when_ready: Callable[[], None]
    ) -> None:
        try:
            await until_ready()
            self._is_ready = True
            when_ready()
        except Exception as failure:
            self._fail(failure)

    async def _keep(self, program: Program) -> None:
        """Run one program again and again, with growing pauses while it keeps dying young."""
        pause_s = BACKOFF_FIRST_S
        early_deaths = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                child = self._children[program.name] = self._spawn(program)
            except OSError as failure:
                return self._fail(failure)
            await self._exit_of(child)
            if self._stopping.is_set():
                return None
            early_deaths += not self._is_ready
            if early_deaths == EARLY_DEATHS_MAX:
                return self._fail(
                    StartFailed(f"{program.name} does not start:\n{self._tail(program)}")
                )
            if time.monotonic() - started > STEADY_S:
                pause_s = BACKOFF_FIRST_S
            self._say(f"{program.name} ended ({_cause(child)}); starting it again in {pause_s:g} s")
            await _within(pause_s, self._stopping.wait())
            pause_s = min(2 * pause_s, BACKOFF_MAX_S)
        return None

    async def _stop_all(self, programs: Iterable[Program]) -> None:
        """Stage by stage, so that nobody loses what it depends on while it still finishes."""
        stages: dict[int, list[subprocess.Popen[bytes]]] = {}
        for program in programs:
            if program.name in self._children:
                stages.setdefault(program.stage, []).append(self._children[program.name])
        for stage in sorted(stages, reverse=True):
            for child in stages[stage]:
                if child.poll() is None:
                    child.terminate()
            gone = asyncio.gather(*map(self._exit_of, stages[stage]))
            await _within(self._grace_s, gone, self._insisting.wait())
            for child in stages[stage]:
                _kill_group(child)
            await _within(INSIST_S, asyncio.gather(*map(self._exit_of, stages[stage])))

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        parent = os.getpid()
        with self._home.open_log(program.log) as log:
            return process.spawn(
                program.argv,
                output=log,
                cwd=ROOT,
                env=dict(program.env),
                # Abrupt, so that the listening sockets are free for the next start; what the child
                # was doing is resumed from the database, as after a power cut.
                before_exec=lambda: process.tie_to_parent(parent, signal.SIGKILL),
                pass_fds=program.pass_fds,
            )

    async def _exit_of(self, child: subprocess.Popen[bytes]) -> None:
        while child.poll() is None:
            self._child_changed.clear()
            await self._child_changed.wait()

    def _tail(self, program: Program) -> str:
        lines = self._home.log_file(program.log).read_text(errors="replace").splitlines()
        return "\n".join(lines[-12:])

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self._stopping.set()

    @contextlib.contextmanager
    def _signals_handled(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers: dict[signal.Signals, Callable[[], None]] = {
            signal.SIGCHLD: self._child_changed.set,
            signal.SIGINT: self.stop,
            signal.SIGTERM: self.stop,
        }
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
            handlers[signal.SIGHUP] = self.stop
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)


async def _within(seconds: float, *events: Awaitable[object]) -> None:
    """Wait until one of the events has come, or the time is over."""
    tasks = [asyncio.ensure_future(event) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End a program and whatever it has forked."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _cause(child: subprocess.Popen[bytes]) -> str:
    if child.returncode < 0:
        return f"signal {signal.Signals(-child.returncode).name}"
    return f"code {child.returncode}"
