"""Dialogue files: how they are read, and what is said of one that does not go as written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kernel.clock import SystemClock
from kernel.http import HttpClient
from kernel.ids import RandomIds
from sandbox.dialogue_commands import in_words
from sandbox.hop import Line
from sandbox.operator_phone import Unhappy
from sandbox.player import Player, Report
from sandbox.script import GRAMMAR, BadScript, pattern, read_script, valued

DOCS = Path(__file__).resolve().parents[3] / "docs" / "dialogues.md"


def test_lines_are_steps_with_their_numbers_and_blocks() -> None:
    steps = read_script("# about\n\nlet A = 1\nscreen\n  ميزان\n\n  1. دفع\nends\n")
    assert [(step.line, step.verb, step.argument, step.block) for step in steps] == [
        (3, "let", "A = 1", ()),
        (4, "screen", "", ("ميزان", "1. دفع")),
        (8, "ends", "", ()),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sea 5", "line 1: no verb 'sea'"),
        ("\nsee", "line 2: see needs a text"),
        ("see 5\n  more", "line 2: only below screen are lines indented"),
        ("screen\nends", "line 1: screen needs the lines of a screen"),
        ("ends now", "line 1: ends takes nothing behind it"),
        ("bill B = JO-CSPD", "line 1: bill is written NAME = AGENCY SERVICE"),
        ("let b = 1", "line 1: let is written NAME = VALUE"),
        ("find 5", "line 1: find is written TEXT by OPTION"),
        ("again x", "line 1: again takes the number of a hop"),
        ("debits some", "line 1: debits needs a count"),
        ("phone +962790000000 at hubtel", "line 1: phone is written NUMBER"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(BadScript) as problem:
        read_script(text)
    assert str(problem.value).startswith(words)


def test_values_are_put_in_and_missing_ones_are_named() -> None:
    assert valued("*789*$BILL# costs $5", {"BILL": "12"}) == "*789*12# costs $5"
    with pytest.raises(BadScript, match=r"\$CODE has no value yet"):
        valued("$CODE", {})


def test_dots_are_anything_and_spaces_are_one() -> None:
    assert pattern("Total  … JOD").search("x Total 5.000 JOD y")
    assert not pattern("a.c").search("abc")


def test_every_verb_is_described() -> None:
    docs = DOCS.read_text(encoding="utf-8")
    assert not [verb for verb in GRAMMAR if f"| `{verb}" not in docs]


async def play(text: str, **values: str) -> Report:
    """Play a dialogue where nobody listens."""

    async def issue(agency: str, service: str, options: Mapping[str, str]) -> str:
        raise Unhappy(f"{agency} {service} {dict(options)}")

    http, ids = HttpClient(), RandomIds()
    nowhere = "http://127.0.0.1:9"
    line = Line(http, nowhere, SystemClock(), ids)
    player = Player(http, line, ids, operator=nowhere, issue=issue, values=values, wait_s=0)
    try:
        return await player.play(read_script(text))
    finally:
        await http.close()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("phone +962790000000", "no sandbox operator answers"),
        ("phone +962790000000 on mars", "no network 'mars'"),
        ("phone $ME", "$ME has no value yet"),
        ("phone 12", "12"),
        ("see 5", "take a phone in hand first"),
        ("bill B = JO-CSPD PASSPORT quantity=2", "JO-CSPD PASSPORT {'quantity': '2'}"),
        ("bill B = JO-CSPD PASSPORT amount=$A", "JO-CSPD PASSPORT {'amount': '1 or more'}"),
    ],
)
async def test_what_cannot_be_done_is_said_with_its_line(text: str, seen: str) -> None:
    report = await play(f"let A = 1 or more\n{text}")
    assert report.failure is not None
    assert report.failure["line"] == 2
    assert seen in report.failure["seen"]
    assert in_words("x.dialogue", "sandbox", report, 0).startswith("WRONG x.dialogue:2 on sandbox")


@pytest.mark.parametrize("given_by", ["bill B = JO-CSPD PASSPORT", "number B = 12", "let B = 12"])
async def test_a_given_value_goes_before_one_in_the_file(given_by: str) -> None:
    report = await play(f"{given_by}\nphone +962790000000 on $B", B="mars")
    assert report.failure is not None
    assert (report.failure["line"], "'mars'" in report.failure["seen"]) == (2, True)
