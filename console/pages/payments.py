"""The list of payments, its download, and the search by a subscriber's number."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from console import audit, export, names, payment_filter, sessions
from console.audit import Action
from console.export import Amount
from console.names import Names
from console.paging import Paging
from console.payment_filter import GROUPS, PaymentFilter
from console.period import PRESETS
from console.render import page
from console.show import link
from console.statements import SQL
from console.visit import Visit
from kernel import subscribers
from kernel.clock import business_date
from kernel.currency import EXPONENTS
from kernel.database import Connection, Row
from kernel.money import Money
from kernel.msisdn import BadMsisdn, Msisdn
from payments.states import State

PAYMENTS = "/console/payments"
MAX_FILE_ROWS = 100_000
"""More is refused: a file that a spreadsheet cannot open helps nobody."""

FILE_COLUMNS = (
    "payment_id", "created_at", "state", "state_at", "reason", "control_number", "receipt_number",
    "receipt_at", "agency", "agency_name", "service", "service_name", "currency", "principal",
    "stamp", "penalty", "service_fee", "total", "agency_fee", "wallet", "operator_reference",
    "channel",
)  # fmt: skip


async def show_list(visit: Visit) -> Response:
    """Filtered payments, newest first, with totals per currency of the whole filtered set."""
    return await _list(visit)


async def find_number(visit: Visit) -> Response:
    """Search by a posted number: it becomes a pseudonym at once and never stands in a URL."""
    typed = visit.form.get("number", "")
    try:
        number = Msisdn.parse(typed)
    except BadMsisdn:
        return await _list(visit, status=422, number_refused=True)
    async with visit.desk.database.transaction() as connection:
        pseudonym = visit.desk.keys.pseudonym(number)
        handle = await sessions.remember_search(connection, visit.signed_in, pseudonym)
        await audit.record(
            connection, visit.actor, Action.NUMBER_SEARCHED, at=visit.now, subject=number.masked()
        )
    return RedirectResponse(link(PAYMENTS, payer=handle), 303)


async def download(visit: Visit) -> Response:
    """The filtered set as CSV, recorded with its filter."""
    chosen = payment_filter.of(visit)
    async with visit.snapshot() as connection:
        parameters = await chosen.parameters(connection)
        rows = await connection.fetch(SQL["payment_file"], *parameters, MAX_FILE_ROWS + 1)
        called = await names.load(connection, visit)
    if len(rows) > MAX_FILE_ROWS:
        return await _list(visit, status=422, too_many=True)
    shown = {name: value for name, value in chosen.query.items() if name != "payer"}
    async with visit.desk.database.transaction() as connection:
        await audit.record(
            connection,
            visit.actor,
            Action.DOWNLOADED,
            at=visit.now,
            subject=link("payments.csv", **shown),
            reason=f"{len(rows)} rows",
        )
    day = business_date(visit.now, visit.desk.zone).isoformat()
    lines = (_line(row, called, visit) for row in rows)
    return export.download(f"payments-{day}.csv", FILE_COLUMNS, lines)


async def _list(
    visit: Visit, *, status: int = 200, number_refused: bool = False, too_many: bool = False
) -> Response:
    chosen, paging = payment_filter.of(visit), Paging.of(visit.query)
    async with visit.snapshot() as connection:
        parameters = await chosen.parameters(connection)
        rows = await connection.fetch(SQL["payment_rows"], *parameters, paging.size, paging.offset)
        totals = await connection.fetch(SQL["payment_totals"], *parameters)
        called = await names.load(connection, visit)
        searched = await _searched(visit, connection, chosen)
    return page(
        visit,
        "payments.html",
        status=status,
        rows=rows,
        totals=totals,
        paging=paging.among(sum(row["payments"] for row in totals)),
        filter=chosen,
        names=called,
        searched=searched,
        number_refused=number_refused,
        too_many=too_many,
        periods=PRESETS,
        groups=list(GROUPS),
        states=list(State),
        wallets=sorted(visit.desk.wallet_names),
        currencies=list(EXPONENTS),
        csv=link("/console/payments.csv", **chosen.query),
        max_rows=MAX_FILE_ROWS,
    )


async def _searched(visit: Visit, connection: Connection, chosen: PaymentFilter) -> str | None:
    """The number searched for, masked; numbers that never paid are known to nobody here."""
    if chosen.payer is None:
        return None
    found = await subscribers.find(connection, visit.desk.keys, chosen.payer)
    return found.msisdn.masked() if found else ""


def _line(row: Row, called: Names, visit: Visit) -> list[object]:
    def amount(name: str) -> Amount:
        return Amount(Money(row[name], row["currency"]).plain())

    zone = visit.desk.tzinfo
    return [
        row["id"],
        export.iso(row["created_at"], zone),
        row["state"],
        export.iso(row["state_at"], zone),
        row["reason"],
        row["control_number"],
        row["receipt_number"],
        export.iso(row["receipt_at"], zone),
        row["agency"],
        called.agency(row["agency"]),
        row["service"],
        called.service(row["agency"], row["service"]),
        row["currency"],
        *map(amount, ("principal", "stamp", "penalty", "service_fee", "total", "agency_fee")),
        row["wallet"],
        row["reference"],
        row["channel"],
    ]
