"""The user a server runs as.

PostgreSQL refuses to run as root, so root's runs as `nobody`. Directories on the way that `nobody`
may not enter stay as they are; the server keeps one capability to pass through them instead.
"""

import ctypes
import os
import pwd
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from launch import process

CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522


class AccountError(Exception):
    """Root cannot hand the server to an unprivileged user here; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """An unprivileged user, and the capability it needs to reach its files (or None)."""

    uid: int
    gid: int
    capability: int | None

    def own(self, path: Path) -> None:
        """Give the user one directory."""
        os.chown(path, self.uid, self.gid)

    def becomer(self) -> Callable[[], None]:
        """What a child calls between fork and exec to become this user."""
        header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION_3, 0))
        bits = 0 if self.capability is None else 1 << self.capability
        sets = ctypes.create_string_buffer(struct.pack("=6I", bits, bits, bits, 0, 0, 0))

        def become() -> None:
            os.setgroups([])
            if self.capability is not None:
                process.prctl(PR_SET_KEEPCAPS, 1)
                # access(2) ignores the capabilities of an ordinary user without this bit, and
                # initdb looks with it whether it finds its own programs.
                process.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
            os.setresgid(self.gid, self.gid, self.gid)
            os.setresuid(self.uid, self.uid, self.uid)
            if self.capability is not None and process.LIBC is not None:
                if process.LIBC.capset(header, sets) != 0:
                    code = ctypes.get_errno()
                    raise OSError(code, f"capset: {os.strerror(code)}")
                process.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, self.capability)

        return become


def unprivileged(data: Path, directories: Iterable[Path], program: Path) -> Account | None:
    """The account for a server whose files are there, or None when we are not root ourselves.

    Data that already belongs to an ordinary user stays that user's, so root may start it once.
    """
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    try:
        user = pwd.getpwuid(owner) if owner != 0 else pwd.getpwnam("nobody")
        uid, gid = user.pw_uid, user.pw_gid
    except KeyError:
        uid = gid = owner or 65534
    if all(_may_enter(path, uid) for path in directories) and program.stat().st_mode & 0o001:
        return Account(uid, gid, None)
    return Account(uid, gid, _capability(program))


def _may_enter(path: Path, uid: int) -> bool:
    """Whether a user without groups may walk down to `path`."""
    for step in (path, *path.parents):
        found = step.stat()
        needed = 0o100 if found.st_uid == uid else 0o001
        if not found.st_mode & needed:
            return False
    return True


def _capability(program: Path) -> int:
    """The weakest capability we hold that opens the way."""
    wanted = [CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE]
    if not program.stat().st_mode & 0o001:
        wanted.remove(CAP_DAC_READ_SEARCH)  # it opens directories, not programs
    held = _permitted_capabilities()
    for capability in wanted:
        if held >> capability & 1:
            return capability
    raise AccountError(
        "PostgreSQL does not run as root, and an unprivileged user cannot reach this directory; "
        "start Mizan as an ordinary user, or set MIZAN_DATABASE_URL"
    )


def _permitted_capabilities() -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:")), 0)
