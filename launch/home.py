"""The state directory (MIZAN_HOME): data, logs, locks and the sockets of the embedded servers."""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
LOG_BYTES_MAX = 10_000_000
# sun_path holds 104 bytes on macOS and 108 on Linux; PostgreSQL appends "/pg/.s.PGSQL.5432.lock".
SOCKET_DIR_BYTES_MAX = 100 - len("/pg/.s.PGSQL.5432.lock")
# A comma separates hosts in a PostgreSQL URL, a colon its port; redis-py 8.1, asked by rq, cannot
# read a space or "=" in the address that CLIENT INFO answers.
PLAIN_PATH = re.compile(r"[\w/.+@-]+", re.ASCII)


class HomeError(Exception):
    """The state directory cannot be used; the text says why and what to do."""


def private_dir_mode() -> int:
    """Root's servers run as another user, who must pass through; nobody may list."""
    return 0o711 if os.geteuid() == 0 else 0o700


@dataclass(frozen=True)
class Home:
    """Paths under one state directory. Directories are made when first asked for."""

    path: Path

    @classmethod
    def at(cls, path: str | Path | None = None) -> "Home":
        """The named directory, or MIZAN_HOME, or var/ beside the code."""
        chosen = Path(path or os.environ.get("MIZAN_HOME") or ROOT / "var").expanduser()
        home = cls(chosen.resolve())
        home.path.mkdir(mode=private_dir_mode(), parents=True, exist_ok=True)
        if not os.access(home.path, os.W_OK | os.X_OK):
            raise HomeError(
                f"{home.path} belongs to another user; set MIZAN_HOME to a directory of your own"
            )
        return home

    def lock_file(self, name: str) -> Path:
        """Where `name` takes its flock."""
        return self._directory("run") / f"{name}.lock"

    def addresses_file(self) -> Path:
        """Where the last `run` wrote down its addresses."""
        return self._directory("run") / "addresses.json"

    def log_file(self, name: str) -> Path:
        """`log/<name>`, rotated once when it has grown large."""
        path = self._directory("log") / name
        if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
        return path

    def open_log(self, name: str) -> BinaryIO:
        """The log, opened for appending (closed on exec, so a child gets it only as its output)."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        return os.fdopen(os.open(self.log_file(name), flags, 0o600), "ab")

    def sockets(self) -> Path:
        """A private directory whose path is short and plain enough for unix sockets."""
        inside = self._directory("run")
        if len(os.fsencode(inside)) <= SOCKET_DIR_BYTES_MAX and PLAIN_PATH.fullmatch(str(inside)):
            return inside
        # Written down, because TMPDIR may differ in the next shell and the servers still be up.
        note = self._sockets_note
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        chosen = Path(tempfile.gettempdir()) / f"mizan-{os.geteuid()}-{digest}"
        with contextlib.suppress(FileExistsError):
            note.symlink_to(chosen)
        return _claim_private(note.readlink())

    def release_sockets(self) -> None:
        """With no server left: leave nothing behind outside the home."""
        note = self._sockets_note
        if note.is_symlink():
            shutil.rmtree(note.readlink(), ignore_errors=True)
            note.unlink()

    @property
    def _sockets_note(self) -> Path:
        return self._directory("run") / "sockets"

    def _directory(self, name: str) -> Path:
        path = self.path / name
        path.mkdir(mode=private_dir_mode(), exist_ok=True)
        return path


def _claim_private(path: Path) -> Path:
    """Make, or check, a directory in a place where anybody may make directories."""
    path.mkdir(mode=private_dir_mode(), exist_ok=True)
    found = path.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not ours or found.st_mode & 0o066:
        raise HomeError(f"{path} was made by somebody else; remove it, or set MIZAN_HOME")
    return path
