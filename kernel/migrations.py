"""Forward-only migrations: ``<package>/sql/migrations/NNNN_verb_noun.sql``, lowest layer first.

All pending files run in one transaction under an advisory lock, so several processes may start at
once and a failure leaves the old schema. A file that changed after it was applied is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from kernel.database import Connection
from kernel.rights import grant_rights

PACKAGES = ("kernel", "ledger", "fees", "wallets", "payments", "ussd", "sms", "console", "api")
"""Packages that own tables, in the order their schemas may refer to each other."""

_ROOT = Path(__file__).resolve().parent.parent
_LOCK = 0x4D495A414E  # "MIZAN"
_TABLE = """
CREATE SCHEMA IF NOT EXISTS kernel;
CREATE TABLE IF NOT EXISTS kernel.migration (
    package text NOT NULL, number int NOT NULL, name text NOT NULL, sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (package, number)
);
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of one package."""

    package: str
    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Digest of the file, kept in the database to notice later edits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class MigrationChanged(RuntimeError):
    """An applied migration differs from its file: write a new one instead of editing it."""


def all_migrations(root: Path = _ROOT) -> list[Migration]:
    """Every migration in the order it applies."""
    return [
        Migration(package, int(file.stem[:4]), file.stem[5:], file.read_text(encoding="utf-8"))
        for package in PACKAGES
        for file in sorted((root / package / "sql" / "migrations").glob("[0-9]*.sql"))
    ]


async def migrate(url: str) -> list[Migration]:
    """Apply what is pending and return it; raises MigrationChanged if history was edited.

    Rights are granted anew each time (kernel/rights.py).
    """
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(_TABLE)
            todo = await _pending(connection)
            for migration in todo:
                await connection.execute(migration.text)
                await connection.execute(
                    "INSERT INTO kernel.migration (package, number, name, sha256)"
                    " VALUES ($1, $2, $3, $4)",
                    migration.package,
                    migration.number,
                    migration.name,
                    migration.sha256,
                )
            await grant_rights(connection, PACKAGES)
            return todo
    finally:
        await connection.close()


async def is_current(connection: Connection) -> bool:
    """Whether the database has every migration of this code (what ``/readyz`` asks)."""
    if await connection.fetchval("SELECT to_regclass('kernel.migration')") is None:
        return False
    applied = await connection.fetchval("SELECT count(*) FROM kernel.migration")
    return bool(applied >= len(all_migrations()))


async def _pending(connection: Connection) -> list[Migration]:
    rows = await connection.fetch("SELECT package, number, sha256 FROM kernel.migration")
    applied = {(row["package"], row["number"]): row["sha256"] for row in rows}
    todo = []
    for migration in all_migrations():
        digest = applied.get((migration.package, migration.number))
        if digest is None:
            todo.append(migration)
        elif digest != migration.sha256:
            raise MigrationChanged(
                f"{migration.package} migration {migration.number:04d} was edited"
                " after it was applied"
            )
    return todo
