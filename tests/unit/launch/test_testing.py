"""What ./mizan test asks of pytest."""

from __future__ import annotations

import pytest

from launch.testing import cores, environment, shared_out


@pytest.mark.parametrize(("cores", "processes"), [(1, 2), (2, 2), (3, 3), (4, 4), (64, 4)])
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


def test_there_is_a_core() -> None:
    assert cores() >= 1


def test_what_is_compiled_is_kept_for_the_next_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("MIZAN_CHROMIUM", "/a/browser")
    kept = environment()
    assert "PYTHONDONTWRITEBYTECODE" not in kept
    assert kept["MIZAN_CHROMIUM"] == "/a/browser"
