"""A private installation as processes, for tests and benchmarks: each can be killed and restarted.

Same commands and settings as ``./mizan run``, in a home of its own, on free ports.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import asyncpg
import httpx

from fees import catalogue
from kernel.database import Database
from kernel.migrations import migrate
from launch.embedded import Servers
from launch.programs import SERVER

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 30.0
POLL_S = 0.05
SECRET = secrets.token_urlsafe(32)
# Ten for each process, so that rehearsals side by side do not draw the same one.
_ports = count(20_000 + os.getpid() % 1_000 * 10)

# In the order they start: a question to an operator that is not there yet would be spent.
PROGRAMS = {
    "sandbox": ("sandbox", "--port", "{sandbox}"),
    "web": ("uvicorn", "app:create_app", *SERVER, "--port", "{web}"),
    "worker": ("jobs.worker",),
    "sweeper": ("jobs.sweeper",),
    "sealer": ("jobs.sealer",),
}


@dataclass
class Stack:
    """A running installation in a home of its own.

    ``pace`` multiplies the sandbox operator's delays; ``cpus`` pins a program to some cores.
    """

    home: Path
    servers: Servers
    config: Path = ROOT / "config" / "sandbox.toml"
    pace: float = 1.0
    cpus: dict[str, set[int]] = field(default_factory=dict)
    ports: dict[str, int] = field(
        default_factory=lambda: {"web": free_port(), "sandbox": free_port()}
    )
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def gateway(self) -> str:
        return f"http://127.0.0.1:{self.ports['web']}"

    @property
    def operator(self) -> str:
        return f"http://127.0.0.1:{self.ports['sandbox']}"

    @property
    def environ(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.servers.urls.as_environment(),
            "MIZAN_CONFIG": str(self.config),
            "MIZAN_HOME": str(self.home),
            "MIZAN_PUBLIC_URL": self.gateway,
            "MIZAN_SANDBOX_URL": self.operator,
            "MIZAN_SANDBOX_PACE": str(self.pace),
            "MIZAN_SECRET_KEY": SECRET,
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(ROOT),
        }

    async def prepare(self) -> None:
        """Migrate and load the demo catalogue."""
        url = self.servers.urls.database_url
        await migrate(url)
        database = await Database.connect(url, size=1)
        async with database.transaction() as connection:
            await catalogue.load_demo(connection)
        await database.close()

    def start(self, *names: str) -> None:
        """Start programs (all if none is named), each once the one before it answers."""
        for name in names or PROGRAMS:
            module, *arguments = PROGRAMS[name]
            argv = [
                sys.executable,
                "-m",
                module,
                *(part.format(**self.ports) for part in arguments),
            ]
            with (self.home / f"{name}.log").open("ab") as log:
                process = subprocess.Popen(
                    argv, cwd=ROOT, env=self.environ, stdout=log, stderr=subprocess.STDOUT
                )
            if name in self.cpus:
                os.sched_setaffinity(process.pid, self.cpus[name])
            self.running[name] = process
            if name in self.ports:
                path = "/readyz" if name == "web" else "/"
                self._wait_until_answering(f"http://127.0.0.1:{self.ports[name]}{path}", name)

    def kill(self, *names: str) -> None:
        """SIGKILL, no warning."""
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            process.send_signal(signal.SIGKILL)
            process.wait()

    def stop(self) -> None:
        """Polite end of everything."""
        for process in self.running.values():
            process.terminate()
        for name, process in self.running.items():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{name} did not stop when asked to") from None
        self.running.clear()

    def logs(self) -> str:
        """Everything any program has written."""
        return "\n".join(path.read_text(errors="replace") for path in self.home.glob("*.log"))

    async def value(self, sql: str, *values: object) -> object:
        """One value from the database."""
        connection = await asyncpg.connect(self.servers.urls.database_url)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    async def until(self, sql: str, *values: object, patience_s: float = PATIENCE_S) -> object:
        """Wait until a query gives something true; returns it."""
        deadline = time.monotonic() + patience_s
        connection = await asyncpg.connect(self.servers.urls.database_url)
        try:
            while not (found := await connection.fetchval(sql, *values)):
                if time.monotonic() > deadline:
                    raise AssertionError(
                        f"not within {patience_s} s: {sql} {values}\n{self.tail()}"
                    )
                await asyncio.sleep(0.02)
            return found
        finally:
            await connection.close()

    def tail(self) -> str:
        """The last lines of every log, for a failure message."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-15:])
            for path in sorted(self.home.glob("*.log"))
        )

    def _wait_until_answering(self, url: str, name: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not _answers(url):
            if self.running[name].poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{name} did not start\n{self.tail()}")
            time.sleep(POLL_S)


def _answers(url: str) -> bool:
    try:
        # Nothing here is encrypted; to load the authorities each time would be most of the work.
        return httpx.get(url, timeout=5, trust_env=False, verify=False).status_code < 500
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """A port of this process's own: never given twice, nor by the system while its program is down.

    Systems hand out ports from 32768 (Linux) or 49152 (IANA, RFC 6335 section 6) by themselves.
    """
    while True:
        port = next(_ports)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
