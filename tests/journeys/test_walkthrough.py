"""The README's transcript and the walkthrough do what they say, on a running installation."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from launch.rehearsal import ROOT, Stack
from tests.journeys.pages import Shell, Step, Untrue, follow, replay, steps, transcript

README = ROOT / "README.md"
WALKTHROUGH = ROOT / "docs" / "walkthrough.md"
SPEAKS_ENGLISH = "./mizan dial +962790000042 '*789#' --keys 2"


@pytest.fixture
def shell(stack: Stack, tmp_path: Path) -> Shell:
    """A folder that looks like the project's to what is typed in it."""
    launcher = tmp_path / "mizan"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/manage.py" "$@"\n')
    launcher.chmod(0o755)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    return Shell(tmp_path, stack.environ)


def at(stack: Stack, step: Step) -> Step:
    """The step with the addresses of this installation."""
    command = step.command.replace("http://127.0.0.1:8000", stack.gateway)
    command = command.replace("http://127.0.0.1:8001", stack.operator)
    return Step(step.line, command, step.expected, step.words)


def test_every_command_of_the_walkthrough_prints_what_it_says(stack: Stack, shell: Shell) -> None:
    tour = steps(WALKTHROUGH.read_text(encoding="utf-8"))
    assert len(tour) > 20
    left_out = [step for step in tour if not follow(at(stack, step), shell, "docs/walkthrough.md")]
    assert all(step.words == ("if=hledger",) for step in left_out)


def test_the_transcript_in_the_readme_is_what_one_sees(stack: Stack, shell: Shell) -> None:
    assert shell.type(SPEAKS_ENGLISH)[0] == 0
    typed = list(transcript(README.read_text(encoding="utf-8")))
    assert len(typed) == 3
    renamed: dict[str, str] = {}
    for step in typed:
        replay(at(stack, step), shell, "README.md", renamed)


PAGE = """Text.

```sh
echo 'Bill 1234 5678, open'
```

```text
Bill <NUMBER>, …
```

```sh
echo "paid: $NUMBER"
```

```text
paid: <NUMBER>
{claim}
```
"""


@pytest.fixture
def nowhere(tmp_path: Path) -> Shell:
    """A shell with no installation."""
    return Shell(tmp_path, {"PATH": "/usr/bin:/bin"})


def test_a_value_that_was_shown_can_be_used(nowhere: Shell) -> None:
    for step in steps(PAGE.format(claim="")):
        assert follow(step, nowhere, "page.md")
    assert nowhere.noted == {"NUMBER": "12345678"}


def test_a_claim_that_does_not_hold_is_named_with_its_line(nowhere: Shell) -> None:
    first, second = steps(PAGE.format(claim="and a gift"))
    assert follow(first, nowhere, "page.md")
    with pytest.raises(Untrue, match=r"page\.md:11: .*and a gift"):
        follow(second, nowhere, "page.md")


def test_expected_lines_come_in_their_order(nowhere: Shell) -> None:
    with pytest.raises(Untrue, match="line like: one"):
        follow(Step(1, "printf 'one\\ntwo\\n'", ("two", "one")), nowhere, "page.md")


def test_a_command_that_fails_is_an_untruth_even_with_the_right_words(nowhere: Shell) -> None:
    with pytest.raises(Untrue, match="exit code 3"):
        follow(Step(1, "echo fine; exit 3", ("fine",)), nowhere, "page.md")


def test_what_comes_a_moment_later_is_waited_for(nowhere: Shell) -> None:
    counts = Step(1, "echo x >> seen; wc -l < seen", ("3",), ("again",))
    assert follow(counts, nowhere, "page.md")


def test_a_program_that_is_not_there_is_not_missed(nowhere: Shell) -> None:
    assert not follow(Step(1, "exit 1", (), ("if=no-such-program",)), nowhere, "page.md")


def test_a_transcript_may_differ_in_numbers_but_not_in_words(nowhere: Shell) -> None:
    page = "```console\n$ echo Bill 9999 8888 7777, open\nBill 1234 5678 9012, open\n"
    page += "$ echo dialled 123456789012\ndialled 1\n```\n"
    renamed: dict[str, str] = {}
    for step in transcript(page):
        replay(step, nowhere, "page.md", renamed)
    assert renamed == {"123456789012": "999988887777"}
    with pytest.raises(Untrue, match=r"page\.md:2: .*paid"):
        replay(Step(2, "echo Bill 1, open", ("Bill 1, paid",)), nowhere, "page.md", {})
