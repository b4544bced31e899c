"""Dialogue files: what is written in them (docs/dialogues.md), read into steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_VALUE = re.compile(r"\$([A-Z][A-Z0-9_]*)")
_NAMED = re.compile(r"([A-Z][A-Z0-9_]*) *= *(\S.*)")
_COUNT = re.compile(r"[0-9]{1,3}")
_NUMBER = re.compile(r"\S+")
_PHONE = re.compile(r"\S+( on \S+)?")
_FIND = re.compile(r"\S.* by \S.*")


class BadScript(Exception):
    """A file that cannot be read as a dialogue; the message names the line."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what to do, its argument as written, and the indented lines below it."""

    line: int
    verb: str
    argument: str = ""
    block: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The line as it reads."""
        return f"{self.verb} {self.argument}".rstrip()

    @property
    def named(self) -> tuple[str, str]:
        """Name and value of ``NAME = VALUE``."""
        found = _NAMED.fullmatch(self.argument)
        assert found is not None
        return found[1], found[2]


def _like(form: re.Pattern[str], says: str) -> Callable[[str], str]:
    return lambda argument: "" if form.fullmatch(argument) else says


_TEXT: Final = _like(re.compile(r"\S.*"), "needs a text")
_NONE: Final = _like(re.compile(""), "takes nothing behind it")
_NAME: Final = _like(_NAMED, "is written NAME = VALUE, the name in capitals")
_AT_MOST_ONE: Final = _like(re.compile(r"\S*"), "takes one word at most")

GRAMMAR: Final[dict[str, Callable[[str], str]]] = {
    "bill": _like(
        re.compile(r"[A-Z][A-Z0-9_]* *= *\S+ \S+( \w+=\S+)*"),
        "is written NAME = AGENCY SERVICE, then option=value",
    ),
    "number": _NAME,
    "let": _NAME,
    "keep": _NAME,
    "phone": _like(_PHONE, "is written NUMBER, or NUMBER on NETWORK"),
    "dial": _like(_NUMBER, "needs a code like *789#"),
    "press": _TEXT,
    "type": _TEXT,
    "choose": _TEXT,
    "find": _like(_FIND, "is written TEXT by OPTION"),
    "twice": _TEXT,
    "see": _TEXT,
    "absent": _TEXT,
    "screen": _NONE,
    "ends": _NONE,
    "waits": _NONE,
    "drop": _NONE,
    "hangup": _NONE,
    "timeout": _NONE,
    "again": _like(re.compile(r"([1-9][0-9]?)?"), "takes the number of a hop, or nothing"),
    "sim": _like(_NUMBER, "needs a number"),
    "prompt": _TEXT,
    "approve": _AT_MOST_ONE,
    "decline": _NONE,
    "sms": _TEXT,
    "debits": _like(_COUNT, "needs a count"),
}
"""Every verb, and what is wrong with an argument (empty: nothing)."""


def read_script(text: str) -> list[Step]:
    """The steps of a file; raises BadScript."""
    steps: list[Step] = []
    block: list[str] = []
    for number, line in enumerate([*text.splitlines(), "#"], 1):
        if line.startswith((" ", "\t")) and line.strip():
            block.append(line.strip())
            continue
        if not line.strip():
            continue
        if block:
            _add_block(steps, block, number)
        block = []
        if not line.startswith("#"):
            steps.append(_step(number, line.strip()))
    bare = next((step for step in steps if step.verb == "screen" and not step.block), None)
    if bare is not None:
        raise BadScript(f"line {bare.line}: screen needs the lines of a screen, indented, below it")
    return steps


def valued(text: str, values: dict[str, str]) -> str:
    """A text with its ``$NAMES`` replaced; raises BadScript for one that has no value yet."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise BadScript(f"${found[1]} has no value yet")
        return values[found[1]]

    return _VALUE.sub(value, text)


def pattern(text: str) -> re.Pattern[str]:
    """What is looked for: ``…`` is anything within a line, spaces of any length are one."""
    words = " ".join(text.split())
    return re.compile(".*?".join(map(re.escape, words.split("…"))))


def _step(number: int, line: str) -> Step:
    verb, _, argument = line.partition(" ")
    if verb not in GRAMMAR:
        raise BadScript(f"line {number}: no verb {verb!r}; there are {', '.join(GRAMMAR)}")
    if wrong := GRAMMAR[verb](argument.strip()):
        raise BadScript(f"line {number}: {verb} {wrong}")
    return Step(number, verb, argument.strip())


def _add_block(steps: list[Step], block: list[str], number: int) -> None:
    if not steps or steps[-1].verb != "screen":
        raise BadScript(f"line {number - 1}: only below screen are lines indented")
    last = steps.pop()
    steps.append(Step(last.line, last.verb, last.argument, tuple(block)))
