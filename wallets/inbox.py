"""The inbox of callbacks: those that come together are stored by one statement and one commit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kernel.database import Connection, Database
from kernel.group_commit import GroupCommit
from kernel.ids import Ids, RandomIds
from kernel.sql import package_sql
from wallets.port import Evidence

SQL = package_sql(__file__)

REPEATS_WAIT_S: Final = 5.0
"""Repeats in one burst are looked at once, so that they do not spend the budget of queries."""

_AT_ONCE: Final = 200
_WAITING: Final = 1000
"""More would not be acknowledged in time anyway."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What came to a token (its digest), body already cut to ``KEPT_BYTES`` of ``size``."""

    id: UUID
    token_digest: bytes
    evidence: Evidence
    size: int

    def fingerprint(self) -> bytes:
        """Same method, address, length and kept bytes: the same message, whatever its headers."""
        evidence = self.evidence
        head = f"{evidence.method} {evidence.url_path} {self.size}\n"
        return hashlib.sha256(head.encode() + evidence.body).digest()


@dataclass(frozen=True, slots=True)
class StoredCallback:
    """Where a callback ended up; ``is_repeat`` when an identical one had come before."""

    evidence: UUID
    collection: UUID
    is_repeat: bool


class Inbox:
    """Stores callbacks of concurrent callers in common commits; close it before its database."""

    def __init__(self, database: Database, ids: Ids | None = None) -> None:
        self._ids = ids or RandomIds()
        self.commits = GroupCommit[Callback, StoredCallback | None](
            database,
            store,
            recall=_recall,
            name="callbacks",
            one_statement=True,
            limit=_AT_ONCE,
            waiting=_WAITING,
        )

    async def store(
        self, token_digest: bytes, evidence: Evidence, *, size: int
    ) -> StoredCallback | None:
        """Keep a callback with its work; returns when that is committed. None: nobody's token.

        Raises kernel.group_commit.Busy (nothing stored) or Lost, and what the database raised.
        """
        return await self.commits.submit(Callback(self._ids.new(), token_digest, evidence, size))

    async def close(self) -> None:
        """Take nothing more, finish what was accepted."""
        await self.commits.close()


async def store(
    connection: Connection, callbacks: Sequence[Callback]
) -> list[StoredCallback | None]:
    """Keep callbacks and the work to look at them in one statement; one result each, in order."""
    rows = await connection.fetch(
        SQL["store_callbacks"],
        [each.id for each in callbacks],
        [each.token_digest for each in callbacks],
        [each.evidence.at for each in callbacks],
        [each.evidence.method for each in callbacks],
        [each.evidence.url_path for each in callbacks],
        [dict(each.evidence.headers) for each in callbacks],
        [each.evidence.body for each in callbacks],
        [each.size for each in callbacks],
        [each.evidence.note for each in callbacks],
        [each.fingerprint() for each in callbacks],
        REPEATS_WAIT_S,
    )
    return [StoredCallback(*row) if row["evidence"] else None for row in rows]


async def _recall(
    connection: Connection, callbacks: Sequence[Callback]
) -> list[StoredCallback | None]:
    """Those that were stored as the first of their kind.

    A repeat leaves only a count behind, so one whose commit got lost may be counted twice.
    """
    rows = await connection.fetch(SQL["stored_evidence"], [each.id for each in callbacks])
    found = {row["id"]: StoredCallback(row["id"], row["collection"], False) for row in rows}
    return [found.get(each.id) for each in callbacks]
