"""Child processes that end with their parent and never see its Ctrl-C."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
IS_LINUX = sys.platform.startswith("linux")
# Loaded now: a child between fork and exec must not import or allocate more than it has to.
LIBC = ctypes.CDLL(None, use_errno=True) if IS_LINUX else None


def prctl(option: int, *arguments: int) -> None:
    """Call prctl(2), raising OSError like any other system call."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    if LIBC is None or LIBC.prctl(option, *(ctypes.c_ulong(value) for value in padded)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")


def tie_to_parent(parent: int, with_signal: signal.Signals) -> None:
    """In a new child: be sent `with_signal` when the parent dies, however it dies.

    The kernel watches the parent's *thread*, so children must be started from one that lasts.
    Elsewhere than on Linux nothing is tied; the next start finds and clears what was left.
    """
    if not IS_LINUX:
        return
    prctl(PR_SET_PDEATHSIG, with_signal)
    if os.getppid() != parent:  # it died before the kernel was asked to watch
        os._exit(1)


def spawn(
    argv: Sequence[str],
    *,
    output: IO[bytes],
    cwd: Path,
    env: dict[str, str],
    before_exec: Callable[[], None],
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, silent on the terminal."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=env,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=before_exec,
    )


def is_alive(pid: int) -> bool:
    """True for a process that still runs; a zombie only waits to be buried."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        # The state letter follows the name, which may itself hold spaces and parentheses.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return not IS_LINUX


def try_lock(path: Path, how: int = fcntl.LOCK_EX) -> IO[bytes] | None:
    """An open, locked file, or None when another process holds the lock."""
    handle = path.open("a+b")
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    except BaseException:
        handle.close()
        raise
    return handle
