"""What citizens ask of agencies, the answer to each, and what they think of services."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from starlette.responses import RedirectResponse, Response

from console import audit, names, period
from console.audit import Action
from console.paging import Paging
from console.render import page
from console.statements import SQL
from console.visit import Problem, Visit
from kernel.clock import business_date
from kernel.database import Connection
from payments import tickets
from payments.tickets import MAX_ANSWER, Ticket, TicketKind, TicketState

ALL: Final = "all"
_ENDS: Final = {"answer": Action.TICKET_ANSWERED, "close": Action.TICKET_CLOSED}


async def show_list(visit: Visit) -> Response:
    """Tickets, the open ones unless another state is asked for."""
    paging = Paging.of(visit.query)
    state, kind = visit.query.get("state", TicketState.OPEN), visit.query.get("kind", "")
    agency = visit.agency or visit.query.get("agency", "")
    days = _period(visit, default="all")
    async with visit.snapshot() as connection:
        called = await names.load(connection, visit)
        rows = await connection.fetch(
            SQL["ticket_rows"],
            state if state in list(TicketState) else None,
            kind if kind in list(TicketKind) else None,
            agency if agency in called.agencies else None,
            days.since,
            days.before,
            paging.size,
            paging.offset,
        )
    return page(
        visit,
        "tickets.html",
        rows=rows,
        paging=paging.among(rows[0]["total"] if rows else 0),
        names=called,
        state=state,
        kind=kind,
        agency=agency,
        states=list(TicketState),
        kinds=list(TicketKind),
        period=days,
        periods=period.PRESETS,
    )


async def show_one(visit: Visit) -> Response:
    """A ticket, with the form to end it while it is open."""
    return await _page(visit)


async def end(visit: Visit) -> Response:
    """Answer or close a ticket, by the button that was pressed (``do``); the citizen is told."""
    wish = visit.form.get("do", "")
    if wish not in _ENDS:
        raise Problem(400)
    typed = visit.form.get("answer", "")
    typed = tickets.one_line(typed, len(typed))
    if wish == "answer" and not 0 < len(typed) <= MAX_ANSWER:
        return await _page(visit, status=422, typed=typed)
    answer = typed if wish == "answer" else ""
    by = visit.actor.name
    async with visit.desk.database.transaction() as connection:
        ticket = await _find(visit, connection)
        is_ended = await tickets.end(connection, ticket.id, answer=answer, by=by, at=visit.now)
        if is_ended:
            await audit.record(
                connection, visit.actor, _ENDS[wish], at=visit.now, subject=_subject(ticket)
            )
    if not is_ended:
        return await _page(visit, status=409, is_late=True)
    return RedirectResponse(f"/console/tickets/{ticket.id}", 303)


async def show_ratings(visit: Visit) -> Response:
    """The mean score of every service that was rated, the worst first."""
    days = _period(visit, default="30d")
    async with visit.snapshot() as connection:
        rows = await connection.fetch(SQL["rating_rows"], days.since, days.before, visit.agency)
        called = await names.load(connection, visit)
    return page(visit, "ratings.html", rows=rows, names=called, period=days, periods=period.PRESETS)


async def _page(
    visit: Visit, *, status: int = 200, typed: str = "", is_late: bool = False
) -> Response:
    async with visit.snapshot() as connection:
        ticket = await _find(visit, connection)
        called = await names.load(connection, visit)
        done = await audit.of_subject(connection, _subject(ticket))
    return page(
        visit,
        "ticket.html",
        status=status,
        ticket=ticket,
        names=called,
        done=done,
        typed=typed,
        is_refused=status == 422,
        is_late=is_late,
        most=MAX_ANSWER,
    )


def _period(visit: Visit, *, default: str) -> period.Period:
    today = business_date(visit.now, visit.desk.zone)
    return period.of(visit.query, today=today, zone=visit.desk.zone, default=default)


async def _find(visit: Visit, connection: Connection) -> Ticket:
    """The ticket that was asked for; another agency's is not found."""
    wanted: UUID = visit.request.path_params["id"]
    ticket = await tickets.find(connection, wanted)
    if ticket is None or visit.agency not in (None, ticket.agency):
        raise Problem(404)
    return ticket


def _subject(ticket: Ticket) -> str:
    return f"ticket {ticket.number}"
