"""The embedded servers of one home, for `run`, for commands and for tests.

with Servers(home) as urls: ...          # ours: stopped at the end, gone if this process dies
with attached() as urls: ...             # shared: joins what runs, the last one out stops it
"""

import contextlib
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from launch import process
from launch.home import Home
from launch.postgres import NO_POWER_CUTS, SETTINGS, Postgres
from launch.server import POLL_S, Server
from launch.valkey import Valkey

PATIENCE_S = 5.0


@dataclass(frozen=True)
class Urls:
    """Where the database and Redis are."""

    database_url: str
    redis_url: str

    def as_environment(self) -> dict[str, str]:
        return {"MIZAN_DATABASE_URL": self.database_url, "MIZAN_REDIS_URL": self.redis_url}


class Servers:
    """PostgreSQL and Valkey of one home, started side by side.

    A URL that is given already (MIZAN_DATABASE_URL, MIZAN_REDIS_URL) is handed through and its
    server is not started. `tied` servers die with the thread that started them; others stay for
    the next user of the home, and the last one to leave stops them. Without ``power_may_fail`` (for
    tests) a commit survives the death of every process, but not of the machine.
    """

    def __init__(
        self,
        home: str | Path | None = None,
        *,
        tied: bool = True,
        database_url: str | None = None,
        redis_url: str | None = None,
        power_may_fail: bool = True,
    ) -> None:
        self.home = Home.at(home)
        self._tied = tied
        self._given = (database_url, redis_url)
        self._postgres = Postgres(self.home, tied=tied)
        if not power_may_fail:
            self._postgres.settings = SETTINGS | NO_POWER_CUTS
        self._valkey = Valkey(self.home, tied=tied)
        self._user: IO[bytes] | None = None

    @property
    def urls(self) -> Urls:
        database_url, redis_url = self._given
        return Urls(database_url or self._postgres.url, redis_url or self._valkey.url)

    def start(self) -> Urls:
        """Start or adopt, wait until both answer. A recovery after a crash takes what it takes."""
        try:
            with self._turn():
                self._user = self._user or process.try_lock(
                    self.home.lock_file("users"), fcntl.LOCK_SH
                )
                # Valkey first: it loads while PostgreSQL may still make its cluster.
                for server in self._ours():
                    server.begin()
                self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self.urls

    def stop(self) -> None:
        """Leave; stop the servers when they are tied to us or nobody else is left."""
        if self._user is None:
            return
        with self._turn(), self._user:
            if self._tied or self._is_last():
                for server in self._ours():
                    server.ask_to_stop()
                for server in self._ours():
                    server.wait_stopped()
                if not (self._postgres.is_running() or self._valkey.is_running()):
                    self.home.release_sockets()
        self._user = None

    def tend(self) -> list[str]:
        """Start again, without waiting, what has died; returns the names."""
        fallen = [server for server in self._ours() if not server.is_running()]
        for server in fallen:
            server.begin()
        return [server.title for server in fallen]

    def _ours(self) -> list[Server]:
        database_url, redis_url = self._given
        servers: list[Server] = [] if redis_url else [self._valkey]
        return servers if database_url else [*servers, self._postgres]

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One process at a time starts or stops the servers of a home."""
        with self.home.lock_file("turn").open("a+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _is_last(self) -> bool:
        assert self._user is not None
        try:
            fcntl.flock(self._user, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_ready(self) -> None:
        waiting = self._ours()
        say_at = time.monotonic() + PATIENCE_S
        while waiting := [server for server in waiting if not server.check_ready()]:
            if time.monotonic() > say_at:
                names = " and ".join(server.title for server in waiting)
                print(f"mizan: {names} still recovering, waiting", file=sys.stderr, flush=True)
                say_at += 2 * PATIENCE_S
            time.sleep(POLL_S)

    def __enter__(self) -> Urls:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@contextlib.contextmanager
def attached(home: str | Path | None = None) -> Iterator[Urls]:
    """The servers a command works on: those of the environment, those that run, or its own."""
    database_url = os.environ.get("MIZAN_DATABASE_URL") or None
    redis_url = os.environ.get("MIZAN_REDIS_URL") or None
    if database_url and redis_url:
        yield Urls(database_url, redis_url)
        return
    servers = Servers(home, tied=False, database_url=database_url, redis_url=redis_url)
    with servers as urls:
        yield urls
