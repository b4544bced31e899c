"""The embedded servers, for real: started, killed, adopted and shared, each time in a new home."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis import Redis

from launch.account import unprivileged
from launch.embedded import Servers, Urls, attached
from launch.home import ROOT, HomeError
from launch.process import is_alive, try_lock

SECONDS_MAX = 20.0
# What a shell starts in the background ignores SIGINT, and so would its children.
HOLD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from launch.embedded import {how}
with {how}(sys.argv[1]):
    print("up", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Short, so that a home in it has its sockets inside; pytest's own may be too deep for that."""
    with tempfile.TemporaryDirectory(prefix="mizan-") as directory:
        yield Path(directory).resolve()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def _no_given_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIZAN_DATABASE_URL", raising=False)
    monkeypatch.delenv("MIZAN_REDIS_URL", raising=False)


def hold(how: str, home: Path, seconds: float = 60) -> subprocess.Popen[str]:
    """Another process that uses the servers of `home`."""
    code = HOLD.format(how=how)
    command = [sys.executable, "-c", code, str(home), str(seconds)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "up\n"
    return process


def pid_of(home: Path, name: str) -> int:
    return int((home / "run" / f"{name}.lock").read_text())


def process_status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


def is_up(home: Path, name: str) -> bool:
    lock = try_lock(home / "run" / f"{name}.lock")
    if lock is not None:
        lock.close()
    return lock is None


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


async def value(urls: Urls, query: str) -> object:
    connection = await asyncpg.connect(urls.database_url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def redis(home: Path, command: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(home / "run" / "valkey.sock"))
        client.sendall(command + b"\r\n")
        return client.recv(100)


async def test_data_and_settings_survive_a_stop(home: Path) -> None:
    with Servers(home) as urls:
        await value(urls, "CREATE TABLE kept AS SELECT 'ميزان' AS word")
        assert redis(home, b"SET kept yes") == b"+OK\r\n"
    assert not is_up(home, "postgres")
    assert not is_up(home, "valkey")
    with Servers(home) as urls:
        assert await value(urls, "SELECT word FROM kept") == "ميزان"
        assert redis(home, b"GET kept") == b"$3\r\nyes\r\n"
        for name, wanted in {
            "fsync": "on",
            "synchronous_commit": "on",
            "server_encoding": "UTF8",
            "timezone": "UTC",
            "listen_addresses": "",
            "jit": "off",
        }.items():
            assert await value(urls, f"SHOW {name}") == wanted


async def test_a_commit_survives_kill_9_of_both_servers(home: Path) -> None:
    servers = Servers(home)
    urls = servers.start()
    await value(urls, "CREATE TABLE kept (n int)")
    await value(urls, "INSERT INTO kept VALUES (7)")
    redis(home, b"SET kept yes")
    for name in ("postgres", "valkey"):
        os.kill(pid_of(home, name), signal.SIGKILL)
        until(lambda name=name: not is_up(home, name))  # type: ignore[misc]
    assert sorted(servers.tend()) == ["PostgreSQL", "Valkey"]
    urls = servers.start()
    assert await value(urls, "SELECT n FROM kept") == 7
    assert redis(home, b"GET kept") == b"$3\r\nyes\r\n"
    assert servers.tend() == []
    servers.stop()


def test_tied_servers_go_down_with_a_killed_parent(home: Path) -> None:
    parent = hold("Servers", home)
    pids = [pid_of(home, "postgres"), pid_of(home, "valkey")]
    parent.kill()
    parent.wait()
    until(lambda: not any(map(is_alive, pids)))
    assert not is_up(home, "postgres")


def test_the_last_user_of_a_home_stops_its_servers(home: Path) -> None:
    first = hold("attached", home)
    pid = pid_of(home, "postgres")
    with attached(home):
        assert pid_of(home, "postgres") == pid
        first.send_signal(signal.SIGINT)
        first.wait()
        assert is_up(home, "postgres")
        assert is_up(home, "valkey")
    assert not is_up(home, "postgres")
    assert not is_up(home, "valkey")


def test_servers_of_a_killed_command_are_adopted(home: Path) -> None:
    killed = hold("attached", home)
    pid = pid_of(home, "postgres")
    killed.kill()
    killed.wait()
    assert is_up(home, "postgres")
    with attached(home):
        assert pid_of(home, "postgres") == pid
    assert not is_up(home, "postgres")


@pytest.fixture
def living_pid() -> Iterator[int]:
    """A living program of PostgreSQL's own user, as after a restarted container."""
    user = "nobody" if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=user) as program:
        yield program.pid
        program.kill()


async def test_leftovers_of_a_crash_do_not_keep_servers_down(home: Path, living_pid: int) -> None:
    with Servers(home):
        pass
    left = [str(living_pid), str(home / "postgres"), "1", "5432", "", "", "0 0", "ready", ""]
    (home / "postgres" / "postmaster.pid").write_text("\n".join(left))
    (home / "run" / "pg" / ".s.PGSQL.5432.lock").write_text("\n".join(left))
    with socket.socket(socket.AF_UNIX) as stale:  # a socket nobody serves
        stale.bind(str(home / "run" / "valkey.sock"))
    with Servers(home) as urls:
        assert await value(urls, "SELECT 1") == 1
        assert redis(home, b"PING") == b"+PONG\r\n"


async def test_an_interrupted_first_start_is_made_again(home: Path) -> None:
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("half")
    with Servers(home) as urls:
        assert await value(urls, "SELECT current_database()") == "mizan"
    assert not (home / "postgres.new").exists()


def test_simultaneous_first_starts_share_one_cluster(home: Path) -> None:
    code = HOLD.format(how="attached")
    command = [sys.executable, "-c", code, str(home), "0"]
    several = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(SECONDS_MAX) for process in several] == [0, 0, 0]
    assert not is_up(home, "postgres")


async def test_a_home_too_deep_for_sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = tmp_path / "t"
    short.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(short))
    deep = tmp_path / ("d" * 100)
    with Servers(deep) as urls:
        assert str(short) in urls.redis_url
        assert await value(urls, "SELECT 1") == 1
        assert [path.stat().st_mode & 0o066 for path in short.iterdir()] == [0]
        # Another TMPDIR in the next shell finds the same place.
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        assert Servers(deep).urls == urls
    assert list(short.iterdir()) == []


async def test_a_home_with_a_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for _ in range(2):
        with Servers(tmp_path / "a home = here, really") as urls:
            assert await value(urls, "SELECT 1") == 1
            with Redis.from_url(urls.redis_url) as client:
                assert client.client_info()["db"] == 0  # rq asks; redis-py trips over a space here


def test_a_socket_directory_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    deep = tmp_path / ("d" * 100)
    assert str(tmp_path) in Servers(deep).urls.redis_url
    chosen = next(tmp_path.glob("mizan-*"))
    chosen.chmod(0o777)
    with pytest.raises(HomeError, match="somebody else"):
        Servers(deep).urls  # noqa: B018 - asking is what fails


def test_given_urls_start_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_DATABASE_URL", "postgresql://elsewhere/mizan")
    monkeypatch.setenv("MIZAN_REDIS_URL", "redis://elsewhere")
    with attached(home) as urls:
        assert urls == Urls("postgresql://elsewhere/mizan", "redis://elsewhere")
    assert not home.exists()


def test_only_the_missing_server_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_DATABASE_URL", "postgresql://elsewhere/mizan")
    with attached(home) as urls:
        assert urls.database_url == "postgresql://elsewhere/mizan"
        assert redis(home, b"PING") == b"+PONG\r\n"
    assert not (home / "postgres").exists()


def test_only_the_missing_database_is_started(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_REDIS_URL", "redis://elsewhere")
    with attached(home) as urls:
        assert urls.redis_url == "redis://elsewhere"
        assert is_up(home, "postgres")
    assert not (home / "valkey").exists()


def test_nobody_starts_servers_while_another_stops_them(home: Path) -> None:
    (home / "run").mkdir(parents=True)
    turn = try_lock(home / "run" / "turn.lock")
    assert turn is not None
    code = HOLD.format(how="attached")
    waiting = subprocess.Popen([sys.executable, "-c", code, str(home), "0"], cwd=ROOT)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1.5)
    assert not (home / "postgres").exists()
    turn.close()
    assert waiting.wait(SECONDS_MAX) == 0
    assert (home / "postgres").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand PostgreSQL to another user")
async def test_root_hands_over_without_opening_parents(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with Servers(closed / "home") as urls:
        assert await value(urls, "SELECT 1") == 1
        status = process_status(pid_of(closed / "home", "postgres"))
        assert "Uid:\t0" not in status
        # DAC_READ_SEARCH alone: enough to pass closed directories, not to write anywhere.
        assert "CapEff:\t0000000000000004" in status
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand PostgreSQL to another user")
def test_root_hands_over_programs_in_a_closed_directory(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "postgres"
    program.write_text("")
    program.chmod(0o755)
    account = unprivileged(tmp_path / "data", [closed], program)
    assert account is not None
    # initdb asks access(2) for its programs, which by itself forgets the capability.
    look = f"import os; assert os.getuid() and os.access({str(program)!r}, os.X_OK)"
    done = subprocess.run([sys.executable, "-c", look], cwd="/", preexec_fn=account.becomer())
    assert done.returncode == 0
