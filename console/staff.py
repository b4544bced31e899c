"""People who work in the console: add, list, disable, unlock, change a password."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from console import audit, passwords
from console.audit import Action, Actor
from console.passwords import PasswordProblem
from console.roles import Role
from console.sign_in import name_digest
from kernel.clock import Clock, SystemClock
from kernel.database import Connection
from kernel.ids import Ids, RandomIds
from kernel.sql import package_sql

SQL = package_sql(__file__)

FIRST_NAME = "admin"
_NAME = re.compile(r"[a-z][a-z0-9._-]{1,39}")


class StaffRefusal(StrEnum):
    """Why a change of staff was not made; the text key is ``staff.refused.<value>``."""

    BAD_NAME = "bad_name"
    NAME_TAKEN = "name_taken"
    NOT_FOUND = "not_found"
    WRONG_AGENCY = "wrong_agency"
    YOURSELF = "yourself"
    WRONG_PASSWORD = "wrong_password"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff, as lists show them."""

    id: UUID
    name: str
    role: Role
    agency: str | None
    created_at: datetime
    signed_in_at: datetime | None
    disabled_at: datetime | None


async def ensure_first_user(
    connection: Connection, *, clock: Clock | None = None, ids: Ids | None = None
) -> str | None:
    """On an empty installation, add ``admin`` and return its password (shown once); else None."""
    if await connection.fetchval(SQL["has_staff"]):
        return None
    password = passwords.generated()
    stored, at = await passwords.hashed(password), (clock or SystemClock()).now()
    new_id = (ids or RandomIds()).new()
    row = (new_id, FIRST_NAME, Role.ADMIN, stored, at, None)
    added = await connection.fetchval(SQL["add_staff"], *row)
    if added is None:
        return None  # another process that starts at the same time was faster
    await audit.record(
        connection, audit.COMMAND_LINE, Action.STAFF_ADDED, at=at, subject=FIRST_NAME
    )
    return password


async def add(
    connection: Connection,
    actor: Actor,
    *,
    id: UUID,
    name: str,
    role: Role,
    password: str,
    at: datetime,
    agency: str | None = None,
) -> StaffRefusal | PasswordProblem | None:
    """Add somebody within the caller's transaction; None when done, else why not.

    ``agency``: whose, for the role of that name and for no other.
    """
    if not _NAME.fullmatch(name):
        return StaffRefusal.BAD_NAME
    if (role is Role.AGENCY) != (agency is not None):
        return StaffRefusal.WRONG_AGENCY
    if agency is not None and not await connection.fetchval(SQL["has_agency"], agency):
        return StaffRefusal.WRONG_AGENCY
    weak = passwords.problem(password, name=name)
    if weak is not None:
        return weak
    stored = await passwords.hashed(password)
    if await connection.fetchval(SQL["add_staff"], id, name, role, stored, at, agency) is None:
        return StaffRefusal.NAME_TAKEN
    reason = f"{role} {agency}" if agency else role.value
    await audit.record(connection, actor, Action.STAFF_ADDED, at=at, subject=name, reason=reason)
    return None


async def members(connection: Connection) -> Sequence[Member]:
    """Everybody, by name."""
    rows = await connection.fetch(SQL["staff_list"])
    return [Member(**{**row, "role": Role(row["role"])}) for row in rows]


async def disable(
    connection: Connection, actor: Actor, name: str, *, at: datetime
) -> StaffRefusal | None:
    """Take away access and end every session at once."""
    if name == actor.name:
        return StaffRefusal.YOURSELF
    if await connection.fetchval(SQL["disable_staff"], name, at) is None:
        return StaffRefusal.NOT_FOUND
    await audit.record(connection, actor, Action.STAFF_DISABLED, at=at, subject=name)
    return None


async def enable(
    connection: Connection, actor: Actor, name: str, *, at: datetime
) -> StaffRefusal | None:
    """Give access back."""
    if await connection.fetchval(SQL["enable_staff"], name) is None:
        return StaffRefusal.NOT_FOUND
    await audit.record(connection, actor, Action.STAFF_ENABLED, at=at, subject=name)
    return None


async def unlock(
    connection: Connection, actor: Actor, name: str, *, at: datetime
) -> StaffRefusal | None:
    """Forget failed sign-ins, so that the person need not wait."""
    if await connection.fetchrow(SQL["staff_by_name"], name) is None:
        return StaffRefusal.NOT_FOUND
    await connection.execute(SQL["forget_failures"], name_digest(name))
    await audit.record(connection, actor, Action.STAFF_UNLOCKED, at=at, subject=name)
    return None


async def change_password(
    connection: Connection, actor: Actor, *, old: str, new: str, at: datetime
) -> StaffRefusal | PasswordProblem | None:
    """Replace the actor's own password; None when done, else why not."""
    row = await connection.fetchrow(SQL["staff_by_id"], actor.id)
    if row is None or not await passwords.matches(row["password_hash"], old):
        return StaffRefusal.WRONG_PASSWORD
    weak = passwords.problem(new, name=row["name"])
    if weak is not None:
        return weak
    await connection.execute(SQL["set_password"], actor.id, await passwords.hashed(new), at)
    await audit.record(connection, actor, Action.PASSWORD_CHANGED, at=at, subject=row["name"])
    return None
