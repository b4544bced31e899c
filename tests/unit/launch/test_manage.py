"""The command line: its list, its refusals, and that it stays light."""

from __future__ import annotations

import subprocess
import sys

import pytest

import manage
from launch.home import ROOT


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in ([], ["help"], ["--help"]):
        assert manage.main(argv) == 0
        shown = capsys.readouterr().out
        assert all(f"  {name} " in shown for name in manage.COMMANDS)


@pytest.mark.parametrize(
    ("typed", "said"), [("bil", "did you mean bill?"), ("zzz", "./mizan help")]
)
def test_an_unknown_command(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert manage.main([typed]) == 2
    assert said in capsys.readouterr().err


def test_the_list_of_commands_loads_no_library() -> None:
    code = (
        "import sys, manage; manage.main([]);"
        "sys.exit(bool({'asyncpg', 'redis', 'starlette', 'asyncio'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=-3).returncode == 0


@pytest.mark.parametrize("name", [name for name in manage.COMMANDS if name != "test"])
def test_every_command_explains_itself_by_the_name_it_is_called_by(name: str) -> None:
    asked = [sys.executable, "manage.py", name, "--help"]
    told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told.startswith(f"usage: ./mizan {name} ")
    assert "``" not in told


def test_every_target_is_a_module_and_a_function() -> None:
    assert all(command.target.partition(":")[2] == "main" for command in manage.COMMANDS.values())
