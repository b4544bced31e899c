"""A language is a file: one that nobody has heard of is added from a folder, and all works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kernel.texts import Texts
from ussd.lint import lint
from ussd.screen import Say

ROOT = Path(__file__).resolve().parents[3]
TEXTS = ROOT / "ussd" / "texts"

SHOWN = """
from ussd.menu import MENU
from ussd.screen import SAY, TEXTS
from ussd.session import Session
session = Session(language="xx", screen="language")
seen = MENU["language"].show(session, TEXTS.languages, SAY["xx"])
session.args = dict(seen.remember)
print(*seen.lines, sep="\\n")
print(MENU["language"].take(session, "4").language)
print(MENU["home"].show(session, None, SAY["xx"]).title)
"""


def made_up(folder: Path, *, spoken: str = "Xoxo") -> Texts:
    """The catalogues with one more, in a language that repeats English backwards."""
    for file in TEXTS.glob("*.po"):
        shutil.copy(file, folder)
    text = (TEXTS / "en.po").read_text(encoding="utf-8").replace('"English"', f'"{spoken}"')
    text = text.replace('"Mizan: government fees"', '"Mizan: seef tnemnrevog"')
    (folder / "xx.po").write_text(text, encoding="utf-8")
    return Texts(folder)


def test_a_new_file_is_a_new_language_after_our_own(tmp_path: Path) -> None:
    assert made_up(tmp_path).languages == ("ar", "en", "fr", "xx")


def test_the_lint_proves_the_new_language_too(tmp_path: Path) -> None:
    texts = made_up(tmp_path)
    report = lint(texts={"xx": Say("xx", texts)})
    assert report.problems == []
    assert report.rendered > 1000


@pytest.mark.parametrize("key", ["number.ask", "approve.text"])
def test_the_lint_says_which_text_is_too_long(tmp_path: Path, key: str) -> None:
    texts = made_up(tmp_path)
    file = tmp_path / "xx.po"
    before = f'msgstr "{texts.get("xx", key)}"'
    after = f'msgstr "{"word " * 40}"'
    file.write_text(file.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")
    report = lint(texts={"xx": Say("xx", Texts(tmp_path))})
    assert any("takes 2 pages" in problem for problem in report.problems)


def test_the_program_speaks_it_without_a_line_of_code(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "ussd", tmp_path / "ussd")
    shutil.copytree(ROOT / "fees" / "demo", tmp_path / "fees" / "demo")
    made_up(tmp_path / "ussd" / "texts")
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    run = subprocess.run(
        [sys.executable, "-c", SHOWN],
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.splitlines() == [
        "1. العربية",
        "2. English",
        "3. Français",
        "4. Xoxo",
        "xx",
        "Mizan: seef tnemnrevog",
    ], run.stderr
