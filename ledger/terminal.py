"""What the commands of ./mizan ledger share: their shape, how they complain, numbers they read."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Final

from kernel.database import Connection

Commands = Any  # what argparse gives back for subcommands has no public name
Command = Callable[[Connection, argparse.Namespace], Awaitable[int]]

MAX_POSITION: Final = 2**63 - 1
MAX_NUMBER: Final = 2**31 - 1
"""Positions in the journal, and numbers of closings and requests, as the database keeps them."""


def complain(text: str) -> int:
    """A line on standard error; the exit code of a command that failed."""
    sys.stderr.write(f"mizan ledger: {text}\n")
    return 1


def signed_in() -> str:
    """Who is at the terminal; empty where the system has no name for them, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # OSError from Python 3.13 on
        return ""


def number(first: int, last: int) -> Callable[[str], int]:
    """Reads a number from ``first`` to ``last``, as a type of an argument."""

    def read(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = first - 1
        if not first <= found <= last:
            raise argparse.ArgumentTypeError(f"must be from {first} to {last}")
        return found

    return read
