"""What ./mizan test asks of pytest."""

from __future__ import annotations

import re

import pytest

from launch.home import ROOT
from launch.testing import AT_NIGHT, CASES, cores, environment, shared_out


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 3), (3, 4), (4, 4), (64, 4)])
def test_the_whole_suite_is_shared_out_file_by_file(cores: int, processes: int) -> None:
    shared = [f"--numprocesses={processes}", "--dist=loadfile", "--no-loadscope-reorder"]
    assert shared_out([], cores) == shared
    assert shared_out(["-q", "-x", "--durations=20"], cores) == [
        *shared,
        *("-q", "-x", "--durations=20"),
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ["tests/unit/launch/test_testing.py"],
        ["-q", "tests/unit"],
        ["tests/unit/launch/test_testing.py::test_there_is_a_core"],
        ["-k", "storm"],
        ["-kstorm"],
        ["-m", "asyncio"],
        ["--lf"],
        ["-n0"],
        ["-n", "8"],
        ["--numprocesses=8"],
        ["--dist=load", "-q"],
        ["-pno:xdist"],
        ["--pdb"],
        ["--pdb", "-x"],
        ["--trace"],
        ["-s"],
        ["--capture=no"],
    ],
    ids=" ".join,
)
def test_who_chooses_tests_or_how_to_run_them_is_obeyed(argv: list[str]) -> None:
    assert shared_out(argv, 4) == argv


def test_the_night_runs_what_can_do_more_and_nothing_else() -> None:
    shared = shared_out(["--nightly", "-q"], 4)
    assert shared == ["--numprocesses=4", "--dist=loadfile", "-q", *AT_NIGHT]
    asks = re.compile(r'environ\.get\("(MIZAN_[A-Z_]+)", "\d+"\)')
    found = {
        str(file.relative_to(ROOT)): asks.findall(file.read_text(encoding="utf-8"))
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
    }
    assert {file for file, names in found.items() if names} == set(AT_NIGHT)
    assert {name for names in found.values() for name in names} == set(CASES)
    assert set(CASES.values()) == {"100000"}


def test_there_is_a_core() -> None:
    assert cores() >= 1


def test_what_is_compiled_is_kept_for_the_next_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("MIZAN_CHROMIUM", "/a/browser")
    kept = environment([])
    assert "PYTHONDONTWRITEBYTECODE" not in kept
    assert kept["MIZAN_CHROMIUM"] == "/a/browser"


def test_at_night_there_are_many_cases_unless_somebody_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said, usual = CASES
    monkeypatch.setenv(said, "7")
    monkeypatch.delenv(usual, raising=False)
    assert usual not in environment([])
    night = environment(["--nightly"])
    assert (night[said], night[usual]) == ("7", CASES[usual])
