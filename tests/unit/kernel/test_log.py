"""Log lines: whole, in order, masked, none lost, and written together."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel import log
from kernel.log import bind, event, fault

ROOT = Path(__file__).resolve().parents[3]


class Paper(io.StringIO):
    """A stream that counts how often it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.written = asyncio.Event()

    def write(self, text: str) -> int:
        self.writes += 1
        self.written.set()
        return super().write(text)

    def takes_over(self) -> None:
        """From here on nothing else listens, as in production."""
        stdout, sys.stdout = sys.stdout, self
        log.configure("test")
        sys.stdout = stdout

    @property
    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def paper() -> Iterator[Paper]:
    root, mizan = logging.root, logging.getLogger("mizan")
    before = (root.handlers[:], root.level, mizan.level)
    yield Paper()
    root.handlers[:], root.level = before[:2]
    mizan.setLevel(before[2])


async def test_lines_that_come_together_are_written_together_and_in_order(paper: Paper) -> None:
    paper.takes_over()
    for number in range(20):
        event("test.counted", number=number)
    assert paper.lines == []
    async with asyncio.timeout(5):
        await paper.written.wait()
    assert [line["number"] for line in paper.lines] == list(range(20))
    assert paper.writes == 1


async def test_a_fault_comes_after_what_led_to_it(paper: Paper) -> None:
    paper.takes_over()
    event("test.first")
    try:
        raise ValueError("+962791234567")
    except ValueError:
        fault("test.second")
    assert [line["event"] for line in paper.lines] == ["test.first", "test.second"]
    assert "791234567" not in paper.getvalue()


def test_without_an_event_loop_a_line_is_written_at_once(paper: Paper) -> None:
    paper.takes_over()
    with bind(payment="p1"):
        event("test.alone", pin=12.5, otp="1234", n=float("nan"), caller="+962791234567")
    (line,) = paper.lines
    assert (line["payment"], line["pin"], line["otp"]) == ("p1", "•••", "•••")
    assert "791234567" not in paper.getvalue()


def test_a_line_of_values_seen_before_is_the_same_line(paper: Paper) -> None:
    paper.takes_over()
    for _ in range(2):
        event("test.seen", screen="home", token="t", caller="0791234567", ms=1.5)
    first, second = paper.lines
    assert {**first, "at": ""} == {**second, "at": ""}
    assert (first["screen"], first["token"], first["ms"]) == ("home", "•••", 1.5)
    assert first["process"] == "test"


def test_a_closed_pipe_refuses_nobody(paper: Paper) -> None:
    paper.takes_over()
    paper.close()
    event("test.unheard")


def test_a_process_that_ends_has_written_everything() -> None:
    script = """
import asyncio
from kernel import log
log.configure("ending")
async def main():
    for number in range(50):
        log.event("test.counted", number=number)
    asyncio.get_running_loop().stop()
try:
    asyncio.run(main())
except RuntimeError:
    pass
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=True, text=True
    )
    assert [json.loads(line)["number"] for line in ended.stdout.splitlines()] == list(range(50))
