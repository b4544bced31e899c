"""What waits: late money, messages that did not arrive, work that was given up."""

from __future__ import annotations

from starlette.responses import Response

from console import messages, names, period
from console.paging import Paging
from console.render import page
from console.statements import SQL
from console.visit import Visit
from kernel.clock import business_date
from kernel.log import mask

LATE_STATES = ("open", "refunding", "accepted", "refunded")
LATE_KINDS = ("late", "duplicate")


async def show_late_money(visit: Visit) -> Response:
    """Money that came after its payment had ended or a second time; what waits longest first."""
    paging = Paging.of(visit.query)
    state = visit.query.get("state", "open")
    kind = visit.query.get("kind", "")
    wanted = (
        [state] if state in LATE_STATES else None,
        kind if kind in LATE_KINDS else None,
    )
    async with visit.snapshot() as connection:
        rows = await connection.fetch(SQL["late_money_rows"], *wanted, paging.size, paging.offset)
        totals = await connection.fetch(SQL["late_money_totals"], *wanted)
        called = await names.load(connection, visit)
    return page(
        visit,
        "late_money.html",
        rows=rows,
        totals=totals,
        paging=paging.among(sum(row["cases"] for row in totals)),
        names=called,
        state=state,
        kind=kind,
        states=LATE_STATES,
        kinds=LATE_KINDS,
    )


async def show_messages(visit: Visit) -> Response:
    """Messages to citizens, newest first, by how far they got."""
    paging = Paging.of(visit.query)
    state = visit.query.get("state", "")
    today = business_date(visit.now, visit.desk.zone)
    days = period.of(visit.query, today=today, zone=visit.desk.zone, default="7d")
    async with visit.snapshot() as connection:
        rows = await messages.rows(
            connection,
            state=state,
            since=days.since,
            before=days.before,
            limit=paging.size,
            offset=paging.offset,
        )
        total = await messages.count(connection, state=state, since=days.since, before=days.before)
    return page(
        visit,
        "messages.html",
        rows=rows,
        paging=paging.among(total),
        state=state,
        states=list(messages.FILTERS),
        period=days,
        periods=period.PRESETS,
    )


async def show_work(visit: Visit) -> Response:
    """The work table: what is due, and what was given up after too many tries."""
    paging = Paging.of(visit.query)
    only_parked = visit.query.get("state", "parked") == "parked"
    async with visit.snapshot() as connection:
        rows = await connection.fetch(SQL["work_rows"], only_parked, paging.size, paging.offset)
        counts = await connection.fetchrow(SQL["work_counts"], visit.now)
    return page(
        visit,
        "work.html",
        rows=rows,
        counts=counts,
        paging=paging.among(rows[0]["total"] if rows else 0),
        only_parked=only_parked,
        payment_of=_payment_of,
        mask=mask,
    )


def _payment_of(kind: str, key: str) -> str | None:
    """The payment that a row of work is about, where its key names one."""
    names_payment = kind.startswith("payments.") or kind == "sms.tell"
    return key.partition(":")[0] if names_payment else None
