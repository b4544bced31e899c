"""Staff and the audit trail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import RedirectResponse, Response

from console import audit, names, passwords, staff
from console.audit import Action
from console.paging import Paging
from console.passwords import PasswordProblem
from console.render import page
from console.roles import GRANTS, Permission, Role
from console.staff import StaffRefusal
from console.visit import Problem, Visit

_CHANGES: Final[dict[str, Callable[..., Awaitable[StaffRefusal | None]]]] = {
    "disable": staff.disable,
    "enable": staff.enable,
    "unlock": staff.unlock,
}


async def show_staff(visit: Visit) -> Response:
    """Everybody, what each role may do, and a form to add somebody."""
    return await _staff_page(visit)


async def change_staff(visit: Visit) -> Response:
    """Add somebody, or disable, enable or unlock them, by the button that was pressed (``do``)."""
    wish = visit.form.get("do", "")
    if wish == "add":
        return await _add(visit)
    if wish not in _CHANGES:
        raise Problem(400)
    async with visit.desk.database.transaction() as connection:
        name = visit.form.get("name", "")
        refused = await _CHANGES[wish](connection, visit.actor, name, at=visit.now)
    if refused is not None:
        return await _staff_page(visit, status=422, refused=refused)
    return RedirectResponse("/console/staff", 303)


async def show_audit(visit: Visit) -> Response:
    """What everybody did, newest first; by person and by action."""
    paging = Paging.of(visit.query)
    person = visit.query.get("staff") or None
    action = visit.query.get("action") or None
    async with visit.snapshot() as connection:
        rows = await audit.page(
            connection, staff=person, action=action, limit=paging.size, offset=paging.offset
        )
        people = [member.name for member in await staff.members(connection)]
    return page(
        visit,
        "audit.html",
        rows=rows,
        paging=paging.among(rows[0]["total"] if rows else 0),
        people=people,
        actions=list(Action),
        person=person,
        action=action,
    )


async def _add(visit: Visit) -> Response:
    """Add somebody with a generated password, shown on this answer and never again."""
    name, role = visit.form.get("name", "").strip().lower(), visit.form.get("role", "")
    if role not in list(Role):
        raise Problem(400)
    password = passwords.generated()
    async with visit.desk.database.transaction() as connection:
        refused = await staff.add(
            connection,
            visit.actor,
            id=visit.desk.ids.new(),
            name=name,
            role=Role(role),
            agency=visit.form.get("agency") or None,
            password=password,
            at=visit.now,
        )
    if refused is not None:
        return await _staff_page(visit, status=422, refused=refused, typed=name)
    return await _staff_page(visit, added=name, password=password)


async def _staff_page(
    visit: Visit,
    *,
    status: int = 200,
    refused: StaffRefusal | PasswordProblem | None = None,
    typed: str = "",
    added: str = "",
    password: str = "",
) -> Response:
    async with visit.desk.database.read() as connection:
        members = await staff.members(connection)
        called = await names.load(connection, visit)
    return page(
        visit,
        "staff.html",
        status=status,
        members=members,
        names=called,
        roles=list(Role),
        permissions=list(Permission),
        grants=GRANTS,
        refused=refused,
        typed=typed,
        added=added,
        password=password,
    )
