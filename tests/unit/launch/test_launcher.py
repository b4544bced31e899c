"""The launcher, with a stand-in for Python that downloads nothing and notes what it is asked."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launch.home import ROOT

REQUIREMENTS = ("requirements.txt", "requirements-embedded.txt", "requirements-dev.txt")
STAND_IN = f"""#!/bin/sh
case "$1 $2" in
    "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; echo venv >>"$NOTES" ;;
    "-m pip") shift 3; echo "pip $*" >>"$NOTES"; sleep "${{PIP_S:-0}}"; exit "${{PIP_CODE:-0}}" ;;
    -c*) exec "{sys.executable}" "$@" ;;
    *manage.py*) shift; echo "manage $*" ;;
esac
"""


class Checkout:
    """A copy of the launcher beside its requirements."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "a checkout"
        self.bin = directory / "bin"
        self.notes_file = directory / "notes"
        self.root.mkdir()
        self.bin.mkdir()
        shutil.copy(ROOT / "mizan", self.root)
        for name in REQUIREMENTS:
            (self.root / name).write_text(f"{name}==1\n")
        stand_in = self.bin / "python3"
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        env = os.environ | {"NOTES": str(self.notes_file), **environ}
        env["PATH"] = f"{self.bin}:{env['PATH']}"
        return subprocess.Popen(
            [str(self.root / "mizan"), *arguments],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environ)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def notes(self) -> list[str]:
        """What was asked since the last call, switches of pip left out."""
        lines = self.notes_file.read_text().splitlines() if self.notes_file.exists() else []
        self.notes_file.unlink(missing_ok=True)
        return [" ".join(w for w in line.split() if not w.startswith("--")) for line in lines]


RUNTIME = "pip off -r requirements.txt -r requirements-embedded.txt"
DEV = "pip off -r requirements-dev.txt"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_first_use_sets_up_and_later_uses_do_not(checkout: Checkout) -> None:
    code, out, err = checkout.run("bill", "show", "a b")
    assert (code, out) == (0, "manage bill show a b\n")
    assert "setting up" in err
    assert checkout.notes() == ["venv", RUNTIME]
    assert checkout.run("bill") == (0, "manage bill\n", "")
    assert checkout.notes() == []


def test_developers_get_more(checkout: Checkout) -> None:
    checkout.run("help")
    checkout.notes()
    checkout.run("test", "-q")
    assert checkout.notes() == [DEV]
    checkout.run("lint")
    assert checkout.notes() == []


def test_changed_requirements_are_installed_again(checkout: Checkout) -> None:
    checkout.run("test")
    checkout.notes()
    (checkout.root / "requirements.txt").write_text("other==2\n")
    checkout.run("test")
    assert checkout.notes() == [RUNTIME]


def test_a_failed_set_up_is_told_and_made_again(checkout: Checkout) -> None:
    code, out, err = checkout.run("help", PIP_CODE="1")
    assert (code, out) == (1, "")
    assert "did not install" in err
    checkout.notes()
    assert checkout.run("help")[:2] == (0, "manage help\n")
    assert checkout.notes() == ["venv", RUNTIME]


@pytest.mark.parametrize("before", ["nothing", "an older set-up"])
def test_an_interrupted_set_up_is_made_again(checkout: Checkout, before: str) -> None:
    if before != "nothing":
        checkout.run("help")
        checkout.notes()
        (checkout.root / "requirements.txt").write_text("other==2\n")
    process = checkout.start("help", PIP_S="2")
    deadline = time.monotonic() + 20
    while not (checkout.notes_file.exists() and "pip" in checkout.notes_file.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)  # pip too, as when the power fails
    process.communicate()
    checkout.notes()
    assert checkout.run("help")[:2] == (0, "manage help\n")
    assert checkout.notes() == ["venv", RUNTIME]


def test_simultaneous_first_uses_install_once(checkout: Checkout) -> None:
    several = [checkout.start("help", PIP_S="0.3") for _ in range(3)]
    assert {process.communicate(timeout=30)[0] for process in several} == {"manage help\n"}
    assert checkout.notes() == ["venv", RUNTIME]


def test_no_python_is_said_clearly(checkout: Checkout, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for tool in ("sh", "dirname", "cksum", "cat", "readlink"):
        found = shutil.which(tool)
        assert found is not None
        (empty / tool).symlink_to(found)
    done = subprocess.run(
        [str(empty / "sh"), str(checkout.root / "mizan"), "run"],
        env={"PATH": str(empty)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert not (checkout.root / ".venv").exists()


def test_a_link_to_the_launcher_finds_its_checkout(checkout: Checkout, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(Path("a checkout") / "mizan")
    checkout.run("help")
    env = os.environ | {"NOTES": str(checkout.notes_file)}
    done = subprocess.run([str(link), "x"], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "manage x\n"


def test_requirements_name_no_machine() -> None:
    for name in REQUIREMENTS:
        text = (ROOT / name).read_text()
        assert "--index-url" not in text
        assert "--find-links" not in text
        assert "file:" not in text
        pins = [line for line in text.splitlines() if line and line[0] not in " #"]
        assert all("==" in pin and pin.endswith("\\") for pin in pins), name
