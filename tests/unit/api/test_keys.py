"""API keys, and the command that hands them out."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from api import keys
from api.cli import main
from tests.unit.api.agencies import Town

ROOT = Path(__file__).resolve().parents[3]


async def test_the_database_does_not_know_the_key_itself(town: Town) -> None:
    async with town.desk.desk.database.read() as connection:
        rows = await connection.fetch("SELECT digest, hint FROM api.key ORDER BY created_at, id")

    own, other = (
        (hashlib.sha256(key.encode()).digest(), key[-4:]) for key in (town.key, town.other_key)
    )
    assert {tuple(row) for row in rows} == {own, other}
    # 256 bits in base64 after the prefix.
    assert len(town.key) == len("mizan_") + 43


async def test_a_revoked_key_opens_nothing(town: Town) -> None:
    desk = town.desk.desk
    async with desk.database.transaction() as connection:
        [own] = [key for key in await keys.all_keys(connection) if town.key.endswith(key.hint)]
        assert await keys.revoke(connection, own.id, at=desk.clock.now())
        assert not await keys.revoke(connection, own.id, at=desk.clock.now())

    assert (await town.issue()).status_code == 401


def command(database_url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import sys; from api.cli import main; sys.exit(main(sys.argv[1:]))",
         *arguments],
        capture_output=True, text=True, check=False, cwd=ROOT, timeout=60,
        env={"MIZAN_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


async def test_the_command_makes_lists_and_revokes_keys(town: Town, database_url: str) -> None:
    made = command(database_url, "add", "--agency", "JO-CSPD", "--json")
    key = json.loads(made.stdout)["key"]
    assert (await town.ask("GET", "/api/v1/payments", key=key)).json()["code"] != "key_unknown"

    listed = command(database_url, "list")
    [line] = [line for line in listed.stdout.splitlines() if key[-4:] in line]
    assert key not in listed.stdout

    assert command(database_url, "revoke", line.split()[0]).returncode == 0
    assert (await town.ask("GET", "/api/v1/payments", key=key)).json()["code"] == "key_unknown"
    assert command(database_url, "revoke", line.split()[0]).returncode == 1


async def test_a_key_is_shown_once_with_how_to_send_it(town: Town, database_url: str) -> None:
    shown = command(database_url, "add", "--agency", "BH-IGA")

    assert "Authorization: Bearer mizan_" in shown.stdout
    assert town.other_key not in shown.stdout


async def test_an_agency_nobody_knows_gets_no_key(town: Town, database_url: str) -> None:
    refused = command(database_url, "add", "--agency", "XX-NONE")

    assert refused.returncode == 1
    assert "no agency has the code 'XX-NONE'" in refused.stderr
    assert town.key


def test_a_command_line_that_is_not_understood_ends_with_two(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert main(["add"]) == 2
    assert main(["revoke", "not-a-uuid"]) == 2
    assert main(["--help"]) == 0
    assert "api-key" in capsys.readouterr().out
