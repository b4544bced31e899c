"""Table rights: the application works in a role that may not change what only grows.

Migrations run as the owner of the tables. ``Database`` takes the role ``mizan_app`` on every
connection. What a package keeps from it is in ``<package>/sql/rights/tables.sql``.
"""

from __future__ import annotations

from pathlib import Path

from kernel.database import Connection
from kernel.sql import package_sql

SQL = package_sql(__file__)

_ROOT = Path(__file__).resolve().parent.parent


async def grant_rights(connection: Connection, packages: tuple[str, ...]) -> bool:
    """Make the roles, and grant anew what they may do on all tables there are now.

    False: there are no such roles and none may be made here; then everybody works as the owner,
    and only triggers keep the journals (docs/operations.md).
    """
    await connection.execute(SQL["make_roles"])
    if not await connection.fetchval(SQL["has_roles"]):
        return False
    await connection.execute(SQL["grant_rights"])
    for package in packages:
        kept = _ROOT / package / "sql" / "rights" / "tables.sql"
        if kept.exists():
            await connection.execute(kept.read_text(encoding="utf-8"))
    return True
