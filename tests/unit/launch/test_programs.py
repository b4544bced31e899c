"""The programs of an installation: who is told what."""

from pathlib import Path

import pytest

from launch import programs
from launch.home import Home

SEALERS = "postgresql://sealer@db/mizan"


@pytest.mark.parametrize("given", ["", SEALERS])
def test_only_the_sealer_is_told_how_the_sealer_signs_in(
    given: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIZAN_SEALER_DATABASE_URL", given)
    env = programs.child_environment(Home(tmp_path), {})
    told = {each.name: each.env.get("MIZAN_SEALER_DATABASE_URL", "") for each in programs.work(env)}
    assert "MIZAN_SEALER_DATABASE_URL" not in env
    assert told == {"worker": "", "sweeper": "", "sealer": given}
