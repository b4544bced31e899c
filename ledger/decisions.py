"""Closings, requests to reopen and reopenings as they are sealed: what, when, who and why of each.

The first seal after one covers all its columns. The parts have tags of their own, so that verify
names not only the row that was changed, but where.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from ledger import merkle, seal

PARTS: Final = 4
TAGS_BYTES: Final = PARTS * seal.TAG_BYTES

COLUMNS: Final[dict[str, tuple[str, str, str, str]]] = {
    "closing": (
        "number, kind, until, position, hash or replaces",
        "closed_at or recorded_at",
        "closed_by",
        "checks",
    ),
    "reopening_request": (
        "number or closing",
        "requested_at or recorded_at",
        "requested_by",
        "reason",
    ),
    "reopening": ("closing or request", "approved_at or recorded_at", "approved_by", ""),
}
"""Columns by table, as the parts have them: what, when, who, why."""

_encode: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode


@dataclass(frozen=True, slots=True)
class Decision:
    """A row of ``table``; ``parts`` are what, when, who and why as JSON (RFC 8259, ASCII)."""

    table: str
    key: str
    parts: tuple[str, str, str, str]

    @property
    def name(self) -> str:
        """How a seal calls it."""
        return f"{self.table} {self.key}"

    def leaf_hash(self) -> bytes:
        """What the tree of its seal is made of."""
        return merkle.leaf_hash(f"[{','.join(self.parts)}]".encode())

    def tags(self) -> bytes:
        """Four bytes of the hash of each part."""
        return seal.tags([sha256(part.encode()).digest() for part in self.parts])

    def changed(self, tags: bytes) -> str:
        """Columns of the parts that have other tags than they were sealed with."""
        pairs = zip(
            COLUMNS[self.table], seal.split_tags(self.tags()), seal.split_tags(tags), strict=True
        )
        return "; ".join(names for names, now, then in pairs if now != then)


def decision_of(row: Any) -> Decision:
    """Reads a row of the view ``ledger.decision``."""
    table, hashed, until = row["kind_of"], row["hash"], row["until"]
    what = (
        table,
        row["number"],
        row["closing"],
        row["kind"],
        until and until.isoformat(),
        row["position"],
        hashed and hashed.hex(),
        row["replaces"],
    )
    when = [_moment(row[name]) for name in ("said_at", "recorded_at")]
    parts = (_encode(what), _encode(when), _encode([row["who"]]), _encode([row["why"]]))
    return Decision(table, row["name"].removeprefix(f"{table} "), parts)


def root(decisions: Iterable[Decision]) -> bytes:
    """Root over the leaves of some decisions, in order."""
    return merkle.root([each.leaf_hash() for each in decisions])


def split_tags(kept: bytes) -> Sequence[bytes]:
    """The tags of each decision, of those that stand one behind the other."""
    return [kept[at : at + TAGS_BYTES] for at in range(0, len(kept), TAGS_BYTES)]


def _moment(at: datetime | None) -> str | None:
    return seal.moment(at) if at else None
