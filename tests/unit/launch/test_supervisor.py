"""The supervisor with real, small children."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launch.home import Home
from launch.process import is_alive
from launch.supervisor import Program, StartFailed, Supervisor

SECONDS_MAX = 20.0
# Each child notes when it starts and when it is asked to stop.
CHILD = """
import os, signal, sys, time
def note(what):
    with open(sys.argv[1], "a") as file:
        print(what, os.getpid(), file=file, flush=True)
def stop(*_):
    note("stop " + sys.argv[2])
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("start " + sys.argv[2])
time.sleep(60)
"""
STUBBORN = CHILD.replace("sys.exit(0)", "return").replace(
    "time.sleep(60)", "[time.sleep(1) for _ in range(60)]"
)
WITH_CHILD = CHILD.replace("time.sleep(60)", "os.fork() or note('fork'); time.sleep(60)").replace(
    "sys.exit(0)", "os._exit(0)"
)


class Stage:
    """A supervisor under test and what its children noted."""

    def __init__(self, directory: Path) -> None:
        self.notes_file = directory / "notes"
        self.said: list[str] = []
        self.home = Home.at(directory / "home")
        self.supervisor = Supervisor(self.home, self.said.append, grace_s=SECONDS_MAX)

    def program(self, name: str, code: str = CHILD, stage: int = 0) -> Program:
        argv = [sys.executable, "-c", code, str(self.notes_file), name]
        return Program(name=name, argv=argv, env=dict(os.environ), stage=stage)

    @property
    def notes(self) -> list[str]:
        return self.notes_file.read_text().splitlines() if self.notes_file.exists() else []

    def pids(self, what: str) -> list[int]:
        return [int(note.split()[-1]) for note in self.notes if note.startswith(what)]

    async def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + SECONDS_MAX
        while not condition():
            assert time.monotonic() < deadline, self.notes
            await asyncio.sleep(0.01)

    async def run(self, programs: list[Program], ready: Callable[[], bool]) -> None:
        """Run until ready, and let `when_ready` be said."""
        await self.supervisor.run(
            programs, lambda: self.until(ready), lambda: self.said.append("ready")
        )


@pytest.fixture
async def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_stages_stop_in_reverse_order_on_a_signal(stage: Stage) -> None:
    programs = [stage.program(f"stage-{number}", stage=number) for number in range(3)]
    running = asyncio.create_task(stage.run(programs, lambda: len(stage.notes) == 3))
    await stage.until(lambda: "ready" in stage.said)
    os.kill(os.getpid(), signal.SIGTERM)
    await running
    stops = [note.split()[1] for note in stage.notes if note.startswith("stop")]
    assert stops == ["stage-2", "stage-1", "stage-0"]
    assert not any(map(is_alive, stage.pids("start")))


async def test_a_child_that_dies_is_started_again(stage: Stage) -> None:
    running = asyncio.create_task(stage.run([stage.program("one")], lambda: len(stage.notes) == 1))
    await stage.until(lambda: "ready" in stage.said)
    os.kill(stage.pids("start one")[0], signal.SIGKILL)
    await stage.until(lambda: len(stage.pids("start one")) == 2)
    stage.supervisor.stop()
    await running
    assert "one ended (signal SIGKILL); starting it again in 0.5 s" in stage.said


async def test_pauses_grow_while_a_child_keeps_dying(stage: Stage) -> None:
    dying = stage.program("dying", "raise SystemExit(3)")
    running = asyncio.create_task(stage.run([dying], lambda: True))
    await stage.until(lambda: len(stage.said) == 3)
    stage.supervisor.stop()
    await running
    assert [said.rpartition(" in ")[2] for said in stage.said[1:3]] == ["0.5 s", "1 s"]


async def test_a_child_that_cannot_start_ends_everything_with_its_last_words(stage: Stage) -> None:
    broken = stage.program("broken", "raise SystemExit('no such setting')")
    with pytest.raises(StartFailed, match="no such setting"):
        await stage.run([stage.program("fine"), broken], lambda: False)
    assert stage.pids("stop fine") == stage.pids("start fine")


async def test_a_second_request_insists(stage: Stage) -> None:
    stubborn = stage.program("stubborn", STUBBORN)
    running = asyncio.create_task(stage.run([stubborn], lambda: len(stage.notes) == 1))
    await stage.until(lambda: "ready" in stage.said)
    stage.supervisor.stop()
    await stage.until(lambda: bool(stage.pids("stop")))
    assert not running.done()
    stage.supervisor.stop()
    await asyncio.wait_for(running, SECONDS_MAX / 2)
    assert not is_alive(stage.pids("start")[0])


async def test_what_a_child_forked_goes_with_it(stage: Stage) -> None:
    forking = stage.program("forking", WITH_CHILD)
    running = asyncio.create_task(stage.run([forking], lambda: bool(stage.pids("fork"))))
    await stage.until(lambda: "ready" in stage.said)
    stage.supervisor.stop()
    await running
    await stage.until(lambda: not is_alive(stage.pids("fork")[0]))


async def test_stop_while_still_waiting_for_readiness(stage: Stage) -> None:
    running = asyncio.create_task(stage.run([stage.program("slow")], lambda: False))
    await stage.until(lambda: bool(stage.notes))
    stage.supervisor.stop()
    await running
    assert "ready" not in stage.said
