"""Passwords: argon2id, a length and a deny-list instead of composition rules.

OWASP ASVS 5.0 §6.2 and §11.4.2, NIST SP 800-63B §5.1.1.2.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import argon2

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 128
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LEET = str.maketrans("013457@$!", "oleastasi")
_DISTINCT_LEFT = 5
_DENIED = Path(__file__).with_name("denied_words.txt")

_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Each check takes 19 MiB for some 30 ms: a flood of sign-ins queues here, off the event loop.
_THREADS: Final = ThreadPoolExecutor(max_workers=4, thread_name_prefix="password")


class PasswordProblem(StrEnum):
    """Why a password is not taken; the text key is ``password.<value>``."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    GUESSABLE = "guessable"


def problem(password: str, *, name: str = "") -> PasswordProblem | None:
    """What is wrong with a new password of somebody called ``name``; None if it will do."""
    plain = _normal(password)
    if len(plain) < MIN_LENGTH:
        return PasswordProblem.TOO_SHORT
    if len(plain) > MAX_LENGTH:
        return PasswordProblem.TOO_LONG
    return PasswordProblem.GUESSABLE if _is_guessable(plain, name) else None


def generated() -> str:
    """A fresh password, 20 letters and digits in groups (99 bits), without look-alikes."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


async def hashed(password: str) -> str:
    """The argon2id string to store."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _HASHER.hash, _normal(password))


async def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the stored one; without a stored one it takes as long and says no."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _matches, stored, _normal(password))


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other settings than today's."""
    return _HASHER.check_needs_rehash(stored)


def _matches(stored: str | None, password: str) -> bool:
    try:
        _HASHER.verify(stored or _nobodys_hash(), password)
    except argon2.exceptions.VerificationError:
        return False
    return stored is not None


@cache
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def _normal(password: str) -> str:
    """The same password from every keyboard; bounded, so that hashing is too."""
    return unicodedata.normalize("NFKC", password)[: MAX_LENGTH + 1]


def _is_guessable(password: str, name: str) -> bool:
    folded = password.casefold()
    words = _denied() | {part for part in re.split(r"[^a-z]+", name) if len(part) > 2}
    left = folded
    for text in (folded, folded.translate(_LEET)):
        left = min(left, _without(text, words), key=_variety)
    return _variety(left) < _DISTINCT_LEFT


def _without(text: str, words: frozenset[str]) -> str:
    for word in sorted(words, key=len, reverse=True):
        text = text.replace(word, " ")
    return _without_runs(text)


def _without_runs(text: str) -> str:
    """Drop what only counts on or repeats: characters one step from the one before."""
    kept = [
        char
        for before, char in zip("\0" + text, text, strict=False)
        if ord(char) - ord(before) not in (-1, 0, 1)
    ]
    return "".join(kept)


def _variety(text: str) -> int:
    return len(set(text) - {" "})


@cache
def _denied() -> frozenset[str]:
    lines = _DENIED.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
