"""Whose signatures count: the books' public keys, one after the other.

A secret that changes makes a new key, which goes on with the chain. Each seal names its key; one
that was given up does not come back, for whoever found it must not write history with it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from ledger import seal
from ledger.findings import Found

KEY_BYTES: Final = 32


class Trust:
    """Accepts the keys given, or if none is, only the one that is named first."""

    def __init__(self, keys: Collection[bytes] = ()) -> None:
        self._keys = frozenset(keys)
        self._used: list[bytes] = []

    def key_of(self, row: Any, table: str, name: object) -> bytes:
        """The key that a seal or checkpoint names last, if it counts there; raises Found."""
        try:
            key = seal.from_text(row["text"].split()[-1].removeprefix("key="))
        except (ValueError, IndexError):
            raise Found(table, name, "its text names no key") from None
        self._keys = self._keys or frozenset([key])
        if key not in self._keys:
            raise Found(table, name, f"its key is not one of the books: {seal.as_text(key)[:60]}")
        if not self._used or key != self._used[-1]:
            if key in self._used:
                raise Found(table, name, "its key had been given up before")
            self._used.append(key)
        return key
