"""Closing days: the checklist, closing, asking for a reopening, agreeing to it, what was closed."""

from __future__ import annotations

from datetime import date
from typing import Final

from starlette.responses import RedirectResponse, Response

from console import audit, closings, names
from console.audit import Action
from console.paging import Paging
from console.render import page
from console.visit import Problem, Visit
from kernel.database import Connection
from kernel.digits import to_western
from ledger import periods
from ledger.checklist import go_through
from ledger.periods import Closing, PeriodKind, PeriodRefusal, Refused

HERE: Final = "/console/closings"
_MAX_NUMBER: Final = 2**31 - 1
_REQUEST_DIGITS: Final = 9
_REASON: Final = 300


async def show_list(visit: Visit) -> Response:
    """What is shut, what stands in the way of closing the next days, and every closing."""
    typed = to_western(visit.query.get("until", "").strip())
    until = _day(typed) if typed else None
    refused = PeriodRefusal.NOT_OVER if typed and until is None else None
    return await _list(visit, until=until, refused=refused)


async def change(visit: Visit) -> Response:
    """Close, ask for a reopening or agree to one, by the button that was pressed (``do``)."""
    match visit.form.get("do", ""):
        case "close":
            return await _close(visit)
        case "ask":
            return await _ask(visit)
        case "agree":
            return await _agree(visit)
    raise Problem(400)


async def show_one(visit: Visit) -> Response:
    """One closing: who, when, its checklist, the balances as closed, and what differs since."""
    number = visit.request.path_params["number"]
    if number > _MAX_NUMBER:
        raise Problem(404)
    async with visit.snapshot() as connection:
        found = await periods.closing(connection, number)
        if found is None:
            raise Problem(404)
        changes = await periods.changes(connection, found)
        called = await names.load(connection, visit)
    return page(
        visit,
        "closing.html",
        names=called,
        closing=found,
        changes=changes,
        items=closings.shown(visit, called, found.items, found.until),
    )


async def _close(visit: Visit) -> Response:
    until, kind = _day(visit.form.get("until", "")), visit.form.get("kind", "")
    if until is None or kind not in list(PeriodKind):
        raise Problem(400)
    reasons = {name: visit.form.get(f"accept.{name}", "").strip() for name in closings.CHECKS}
    typed = {name: reason[:_REASON] for name, reason in reasons.items() if reason}
    wanted = await closings.order(visit, until, PeriodKind(kind), typed)
    await closings.wait_for_sealer(visit, wanted)
    async with visit.desk.database.transaction() as connection:
        made = await closings.close(connection, wanted)
        if isinstance(made, Closing):
            kept = [f"{each.name}: {each.accepted}" for each in made.items if each.accepted]
            await _record(visit, connection, Action.BOOKS_CLOSED, made, "; ".join(kept))
    if isinstance(made, Refused):
        return await _list(visit, status=422, until=until, refused=made.reason, typed=typed)
    return RedirectResponse(f"{HERE}/{made.number}", 303)


async def _ask(visit: Visit) -> Response:
    reason, by = visit.form.get("reason", "").strip()[:_REASON], visit.signed_in.staff_name
    async with visit.desk.database.transaction() as connection:
        asked = await periods.request_reopening(connection, by=by, at=visit.now, reason=reason)
        if not isinstance(asked, Refused):
            made = await periods.closing(connection, asked.closing)
            assert made is not None  # the request names it
            await _record(visit, connection, Action.REOPENING_ASKED, made, reason)
    if isinstance(asked, Refused):
        return await _list(visit, status=422, refused=asked.reason, reason=reason)
    return RedirectResponse(f"{HERE}#reopening", 303)


async def _agree(visit: Visit) -> Response:
    typed, by = visit.form.get("request", ""), visit.signed_in.staff_name
    if not (typed.isascii() and typed.isdigit()) or len(typed) > _REQUEST_DIGITS:
        raise Problem(400)
    async with visit.desk.database.transaction() as connection:
        opened = await periods.approve_reopening(connection, int(typed), by=by, at=visit.now)
        if isinstance(opened, Closing):
            reason = opened.reopening.reason if opened.reopening else ""
            await _record(visit, connection, Action.BOOKS_REOPENED, opened, reason)
    if isinstance(opened, Refused):
        return await _list(visit, status=422, refused=opened.reason)
    return RedirectResponse(f"{HERE}/{opened.number}", 303)


async def _record(
    visit: Visit, connection: Connection, action: Action, made: Closing, reason: str
) -> None:
    await audit.record(
        connection,
        visit.actor,
        action,
        at=visit.now,
        subject=f"closing {made.number}: {made.until}",
        reason=reason,
    )


async def _list(
    visit: Visit,
    *,
    status: int = 200,
    until: date | None = None,
    refused: PeriodRefusal | None = None,
    typed: dict[str, str] | None = None,
    reason: str = "",
) -> Response:
    paging = Paging.of(visit.query)
    async with visit.snapshot() as connection:
        latest = await closings.latest_day(visit, connection)
        shut = await periods.lock_date(connection)
        days = await periods.open_days(connection, latest)
        day = until or latest
        items = await go_through(connection, day, closings.CHECKS, {})
        made = await periods.closings(connection, limit=paging.size, offset=paging.offset)
        newest = next(iter(await periods.closings(connection, limit=1)), None)
        why_not = _why_not(day, latest, shut, newest)
        pending = await periods.pending_reopenings(connection)
        called = await names.load(connection, visit)
    return page(
        visit,
        "closings.html",
        status=status,
        names=called,
        latest=latest,
        shut=shut,
        days=days,
        until=day,
        may_close=why_not is None,
        is_month_end=periods.month_end(day) == day,
        items=closings.shown(visit, called, items, day),
        made=made,
        pending=pending,
        paging=paging.among(newest.number if newest else 0),
        refused=refused or (why_not if until else None),
        typed=typed or {},
        reason=reason,
        most=_REASON,
    )


def _why_not(
    day: date, latest: date, shut: date | None, newest: Closing | None
) -> PeriodRefusal | None:
    """Why the page offers no closing of a day; closing a month may repeat its last day's."""
    if day > latest:
        return PeriodRefusal.NOT_OVER
    if shut is None or day > shut:
        return None
    stands = newest is not None and newest.reopening is None and newest.kind is PeriodKind.DAY
    is_month = stands and day == shut == periods.month_end(day)
    return None if is_month else PeriodRefusal.ALREADY_CLOSED


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1971 <= day.year <= 9000 else None
