"""What the embedded servers share: one running instance per home, started, adopted and stopped.

A server inherits an flock from whoever starts it and holds it until its last process is gone. The
lock therefore *is* the answer to "does it run?": no stale pid file, reused pid or zombie can lie.
"""

import abc
import os
import signal
import subprocess
import time
from pathlib import Path

from launch import process
from launch.account import Account
from launch.home import Home

POLL_S = 0.005
ORPHANS_S_MAX = 60.0
STOP_S_MAX = 30.0


class ServerError(Exception):
    """A server did not start or stop; the text ends with its own last words."""


class Server(abc.ABC):
    """One embedded server of one home."""

    name: str
    title: str
    stop_signal: signal.Signals
    """Asks for an orderly stop."""
    orphan_signal: signal.Signals
    """What the kernel sends when the process that started it dies."""

    def __init__(self, home: Home, *, tied: bool) -> None:
        self.home = home
        self.tied = tied
        self.account: Account | None = None
        self._child: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    def prepare(self) -> None:
        """With the lock held: make the data directory, clear what a crash left."""

    @abc.abstractmethod
    def argv(self) -> list[str]:
        """The program and its settings."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers now."""

    @abc.abstractmethod
    def is_stopping(self) -> bool:
        """Whether a running server is on its way out and must not be adopted."""

    @property
    @abc.abstractmethod
    def data(self) -> Path:
        """The data directory, also the working directory."""

    @property
    def lock_file(self) -> Path:
        return self.home.lock_file(self.name)

    def begin(self) -> None:
        """Adopt the running server, or start one; returns before it is ready."""
        deadline = time.monotonic() + ORPHANS_S_MAX
        while (lock := process.try_lock(self.lock_file)) is None:
            pid = self.pid()
            if pid is not None and process.is_alive(pid) and not self.is_stopping():
                return
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.title} is neither running nor gone (lock {self.lock_file})"
                )
            time.sleep(POLL_S)
        with lock:
            if self._child is not None:
                self._child.wait()  # its lock is free, so it is all but gone
            self.prepare()
            self._child = self._spawn(lock.fileno())

    def check_ready(self) -> bool:
        """Whether it is ready; a server that died on the way is started again or reported."""
        if self._child is not None and self._child.poll() is not None:
            code, self._child = self._child.returncode, None
            raise ServerError(f"{self.title} stopped with code {code}:\n{self.last_words()}")
        if self._child is None and not self.is_running():
            self.begin()  # the one we adopted was just leaving
            return False
        return self.is_ready()

    def is_running(self) -> bool:
        """Whether any process of it is left."""
        lock = process.try_lock(self.lock_file)
        if lock is not None:
            lock.close()
        return lock is None

    def ask_to_stop(self) -> None:
        """Send the orderly stop signal; `wait_stopped` waits for the end."""
        self._signal(self.stop_signal)

    def wait_stopped(self) -> None:
        """Wait until every process is gone, insisting when it takes too long."""
        for insist in (signal.SIGQUIT, signal.SIGKILL):
            if self._gone_within(STOP_S_MAX):
                return
            self._signal(insist)
        if not self._gone_within(STOP_S_MAX):
            raise ServerError(f"{self.title} does not stop (pid {self.pid()})")

    def pid(self) -> int | None:
        """Its main process, as it wrote itself down; meaningful while the lock is held."""
        try:
            return int(self.lock_file.read_text())
        except (OSError, ValueError):
            return None

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.home.log_file(f"{self.name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-12:])

    def _spawn(self, lock_fd: int) -> subprocess.Popen[bytes]:
        become = self.account.becomer() if self.account is not None else None
        parent = os.getpid()

        def before_exec() -> None:
            os.ftruncate(lock_fd, 0)
            os.write(lock_fd, str(os.getpid()).encode())
            if become is not None:
                become()
            if self.tied:  # after become(): a change of user clears it
                process.tie_to_parent(parent, self.orphan_signal)

        with self.home.open_log(f"{self.name}.log") as log:
            return process.spawn(
                self.argv(),
                output=log,
                cwd=self.data,
                env=clean_environment(),
                before_exec=before_exec,
                pass_fds=(lock_fd,),
            )

    def _signal(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None and self.is_running() and process.is_alive(pid):
            os.kill(pid, number)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_running():
            self._bury()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        if self._child is not None:
            self._child.wait()
            self._child = None
        return True

    def _bury(self) -> None:
        """Take the exit code of a child that ended, so that it is no zombie."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None


def clean_environment() -> dict[str, str]:
    """The same environment on every machine: no PG* variable, locale or time zone leaks in."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
