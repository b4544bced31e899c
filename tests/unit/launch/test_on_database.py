"""Commands on the database: what they say when it cannot be used."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

import manage
from kernel.database import Connection, Database
from kernel.migrations import is_current
from launch.on_database import run_on_database


@pytest.fixture
async def bare_url(database_url: str) -> AsyncIterator[str]:
    """A database that nobody has migrated."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE DATABASE bare")
    yield urlsplit(database_url)._replace(path="/bare").geturl()
    await connection.execute("DROP DATABASE bare WITH (FORCE)")
    await connection.close()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, redis_url: str, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment that commands may add to: it is put back afterwards."""
    for name in ("CONFIG", "PUBLIC_URL", "SANDBOX_URL", "SECRET_KEY", "DATABASE_URL"):
        monkeypatch.setenv(f"MIZAN_{name}", "")
    monkeypatch.setenv("MIZAN_REDIS_URL", redis_url)
    monkeypatch.setenv("MIZAN_HOME", str(tmp_path))
    return monkeypatch


COMMANDS = ["bill services", "ledger verify", "payments waiting", "user list", "api-key list"]


@pytest.mark.parametrize("command", COMMANDS)
async def test_without_tables_a_command_says_how_to_make_them(
    command: str, bare_url: str, at: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at.setenv("MIZAN_DATABASE_URL", bare_url)
    assert await asyncio.to_thread(manage.main, command.split()) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "./mizan migrate" in said


@pytest.mark.parametrize("command", [*COMMANDS, "migrate"])
def test_without_a_database_a_command_says_so_in_one_line(
    command: str, at: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at.setenv("MIZAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert manage.main(command.split()) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "cannot reach the database" in said


DIE = "RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        ([DIE], "broke"),
        (["SELECT 1", DIE], "broke"),
        (["SET idle_in_transaction_session_timeout = 1; BEGIN", None, "SELECT 1"], "broke"),
        (["SET statement_timeout = 1; SELECT count(*) FROM generate_series(1, 1e8)"], "too busy"),
    ],
)
@pytest.mark.parametrize("is_transaction", [False, True])
async def test_a_database_that_ends_half_way_is_told_in_one_line(
    statements: list[str | None],
    problem: str,
    is_transaction: bool,
    database_url: str,
    at: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def ask() -> int:
        database = await Database.connect(database_url, size=1)
        opened = database.transaction if is_transaction else database.read
        try:
            async with opened() as connection:
                for each in statements:
                    if each is None:
                        await _closed(connection)
                    else:
                        await connection.execute(each)
        finally:
            await database.close()
        return 0

    at.setenv("MIZAN_DATABASE_URL", database_url)
    assert await asyncio.to_thread(run_on_database, lambda: asyncio.run(ask())) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert problem in said


async def test_a_reader_who_has_seen_enough_is_no_broken_database(
    database_url: str, at: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)

    def show() -> int:
        return os.write(writer, b"a line")

    at.setenv("MIZAN_DATABASE_URL", database_url)
    with pytest.raises(BrokenPipeError):
        await asyncio.to_thread(run_on_database, show)
    os.close(writer)


async def _closed(connection: Connection) -> None:
    """Returns when the server has ended a connection that does nothing."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    if not connection.is_closed():
        await ended.wait()


async def test_migrate_needs_no_arguments_and_makes_the_tables(
    bare_url: str, at: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at.setenv("MIZAN_DATABASE_URL", bare_url)
    for _ in range(2):
        assert await asyncio.to_thread(manage.main, ["migrate"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "up to date"
    connection = await asyncpg.connect(bare_url)
    assert await is_current(connection)
    await connection.close()
    assert await asyncio.to_thread(manage.main, ["bill", "services"]) == 0


@pytest.mark.parametrize("command", ["run --port 0 --sandbox-port 0", "web --port 0", "worker"])
@pytest.mark.parametrize("secret", ["", "too-short", "a" * 64])
def test_outside_the_sandbox_nothing_starts_without_a_good_secret(
    command: str,
    secret: str,
    at: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mizan.toml").write_text('environment = "production"')
    at.setenv("MIZAN_CONFIG", str(tmp_path / "mizan.toml"))
    at.setenv("MIZAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    at.setenv("MIZAN_SECRET_KEY", secret)
    assert manage.main(command.split()) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "MIZAN_SECRET_KEY" in said


def test_run_says_that_a_given_database_does_not_answer(
    at: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at.setenv("MIZAN_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert manage.main(["run", "--port", "0", "--sandbox-port", "0"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert "cannot reach the database" in said


def test_migrate_starts_the_embedded_database_when_none_is_given(
    at: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at.setenv("MIZAN_DATABASE_URL", "")
    assert manage.main(["migrate"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("applied")
