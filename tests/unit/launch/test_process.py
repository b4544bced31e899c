"""Liveness and locks, on real processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from launch.process import is_alive, try_lock


def test_a_zombie_does_not_live() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 20
    while is_alive(child.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()
    assert not is_alive(child.pid)


def test_a_sleeping_process_lives() -> None:
    child = subprocess.Popen(["sleep", "30"])
    assert is_alive(child.pid)
    child.kill()
    child.wait()


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first = try_lock(tmp_path / "lock")
    assert first is not None
    assert try_lock(tmp_path / "lock") is None
    first.close()
    again = try_lock(tmp_path / "lock")
    assert again is not None
    again.close()
