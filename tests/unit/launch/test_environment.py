"""Which variables an installation gets, and which it must be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from launch import environment
from launch.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


def test_the_sandbox_makes_its_secret_once_for_its_owner_only(home: Home) -> None:
    first = environment.settings(home, {})["MIZAN_SECRET_KEY"]
    assert len(first) >= 43
    assert environment.settings(home, {})["MIZAN_SECRET_KEY"] == first
    assert (home.path / "secret").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ['environment = "production"', "", "= not toml"])
def test_no_secret_is_made_for_production(home: Home, tmp_path: Path, text: str) -> None:
    config = tmp_path / "production.toml"
    config.write_text(text)
    assert "MIZAN_SECRET_KEY" not in environment.settings(home, {"MIZAN_CONFIG": str(config)})
    assert not (home.path / "secret").exists()


def test_what_is_given_wins(home: Home) -> None:
    given = {"MIZAN_SECRET_KEY": "given", "MIZAN_PUBLIC_URL": "https://pay.example"}
    environment.remember_addresses(home, "http://127.0.0.1:9000", "http://127.0.0.1:9001")
    known = environment.settings(home, given)
    assert known["MIZAN_PUBLIC_URL"] == "https://pay.example"
    assert known["MIZAN_SANDBOX_URL"] == "http://127.0.0.1:9001"
    assert known.get("MIZAN_SECRET_KEY", "given") == "given"
    assert not (home.path / "secret").exists()


def test_addresses_before_the_first_run(home: Home) -> None:
    known = environment.settings(home, {})
    assert known["MIZAN_PUBLIC_URL"] == "http://127.0.0.1:8000"
    assert known["MIZAN_HOME"] == str(home.path)
