"""Documents that can be run: what they say to type, and what they say will be seen.

A walkthrough has ``sh`` blocks, each followed by a ``text`` block with its output. Expected lines
are looked for in order; ``…`` is anything, ``<NAME>`` a value kept for ``$NAME`` in later commands.
``sh again`` is repeated until it holds, ``sh if=PROGRAM`` runs where the program is installed.
A transcript is a ``console`` block of ``$`` commands and their output, in which numbers may differ.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from launch.rehearsal import PATIENCE_S

FENCE = re.compile(r"^```(\w+)?(.*)$")
SLOT = re.compile(r"…|<([A-Z]+)>")
VALUE = r"[^\s\",]+(?: \d+)*"
NUMBER = re.compile(r"\d+(?:[ ,./]\d+)*")
LIMIT_S = 90
CONTROL_DIGITS = 12


class Untrue(AssertionError):
    """A document says what is not so; the text names the file and the line."""


@dataclass(frozen=True)
class Block:
    """A fenced block; ``line`` is where its fence stands."""

    line: int
    kind: str
    words: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """What to type, and the lines to look for."""

    line: int
    command: str
    expected: tuple[str, ...]
    words: tuple[str, ...] = ()


@dataclass
class Shell:
    """Where a document is typed: a folder, an environment, and what was noted on the way."""

    folder: Path
    environ: dict[str, str]
    noted: dict[str, str] = field(default_factory=dict)

    def type(self, command: str) -> tuple[int, str]:
        """The exit code, and both outputs as they came."""
        done = subprocess.run(
            ["sh", "-e", "-c", command],
            cwd=self.folder,
            env=self.environ | self.noted,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LIMIT_S,
            check=False,
        )
        return done.returncode, done.stdout.decode()


def blocks(text: str) -> list[Block]:
    """All fenced blocks, in order."""
    found: list[Block] = []
    opened: tuple[int, str, tuple[str, ...]] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence is None:
            inside.append(line)
        elif opened is None:
            opened, inside = (number, fence[1] or "", tuple(fence[2].split())), []
        else:
            found.append(Block(*opened, tuple(inside)))
            opened = None
    if opened is not None:
        raise Untrue(f"the block of line {opened[0]} has no end")
    return found


def steps(text: str) -> list[Step]:
    """A walkthrough's commands with what they are to print."""
    found = blocks(text)
    return [
        Step(
            block.line,
            "\n".join(block.lines),
            after.lines if after is not None and after.kind == "text" else (),
            block.words,
        )
        for block, after in zip(found, [*found[1:], None], strict=True)
        if block.kind == "sh"
    ]


def transcript(text: str) -> Iterator[Step]:
    """The commands of all ``console`` blocks."""
    for block in blocks(text):
        if block.kind != "console":
            continue
        starts = [at for at, line in enumerate(block.lines) if line.startswith("$ ")]
        for at, end in zip(starts, [*starts[1:], len(block.lines)], strict=True):
            command = block.lines[at].removeprefix("$ ")
            yield Step(block.line + at + 1, command, block.lines[at + 1 : end])


def follow(step: Step, shell: Shell, name: str) -> bool:
    """Type a step's command and compare; raises Untrue. False: its program is not installed."""
    __tracebackhide__ = True
    options = dict(word.partition("=")[::2] for word in step.words)
    if "if" in options and shutil.which(options["if"]) is None:
        return False
    deadline = time.monotonic() + (PATIENCE_S if "again" in options else 0)
    while True:
        code, output = shell.type(step.command)
        missing = f"exit code {code}" if code else look(step.expected, output, shell.noted)
        if missing is None:
            return True
        if time.monotonic() > deadline:
            raise Untrue(f"{name}:{step.line}: {missing}\n$ {step.command}\n{output}")


def look(expected: tuple[str, ...], output: str, noted: dict[str, str]) -> str | None:
    """Find the expected lines in order and note their values; what is missing, or None."""
    rest = iter(map(_plain, output.splitlines()))
    for line in filter(None, map(_plain, expected)):
        pattern = _pattern(line, noted)
        found = next((hit for seen in rest if (hit := pattern.search(seen))), None)
        if found is None:
            return f"the output has no (further) line like: {line}"
        noted |= {key: re.sub(r"\s", "", value) for key, value in found.groupdict().items()}
    return None


def replay(step: Step, shell: Shell, name: str, renamed: dict[str, str]) -> None:
    """Type a transcript's command; its words must come again, its numbers may differ.

    ``renamed`` holds the control numbers on the page and what they are in this run.
    """
    __tracebackhide__ = True
    command = step.command
    for old, new in renamed.items():
        command = command.replace(old, new)
    code, output = shell.type(command)
    rest = iter(map(_plain, output.splitlines()))
    for line in filter(None, map(_plain, step.expected)):
        pattern = re.compile(_any_numbers(line))
        found = next((hit for seen in rest if (hit := pattern.fullmatch(seen))), None)
        if code or found is None:
            problem = f"exit code {code}" if code else f"the output has no line like: {line}"
            raise Untrue(f"{name}:{step.line}: {problem}\n$ {command}\n{output}")
        for old, new in zip(NUMBER.findall(line), found.groups(), strict=True):
            old, new = re.sub(r"\D", "", old), re.sub(r"\D", "", new)
            if len(old) == len(new) == CONTROL_DIGITS:
                renamed[old] = new


def _plain(line: str) -> str:
    """Columns are as wide as this run's widest cell: only words count."""
    return " ".join(line.split())


def _pattern(line: str, noted: dict[str, str]) -> re.Pattern[str]:
    parts, end = [], 0
    for slot in SLOT.finditer(line):
        parts.append(re.escape(line[end : slot.start()]))
        if slot[1] is None:
            parts.append(".*?")
        elif slot[1] in noted:
            parts.append(" ?".join(map(re.escape, noted[slot[1]])))
        else:
            parts.append(f"(?P<{slot[1]}>{VALUE})")
        end = slot.end()
    return re.compile("".join([*parts, re.escape(line[end:])]))


def _any_numbers(line: str) -> str:
    words = NUMBER.split(line)
    return rf"({NUMBER.pattern})".join(map(re.escape, words))
