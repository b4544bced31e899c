"""One payment: facts, timeline with evidence, postings, messages; and the logged reveal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from starlette.responses import Response

from console import audit, books, messages, names, timeline
from console.audit import Action
from console.render import page
from console.statements import SQL
from console.visit import Problem, Visit
from kernel import subscribers
from kernel.database import Connection
from kernel.msisdn import Msisdn
from payments import view
from payments.view import PaymentDetail
from wallets import collections

MIN_REASON = 5
MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Reveal:
    """What became of a wish to see the number: shown now, or why not."""

    is_shown: bool = False
    is_refused: bool = False
    typed: str = ""


async def show_one(visit: Visit) -> Response:
    """A payment by its id."""
    return await _page(visit, Reveal())


async def reveal(visit: Visit) -> Response:
    """Show the payer's number on this answer only, after writing who asked and why."""
    reason = " ".join(visit.form.get("reason", "").split())
    if not MIN_REASON <= len(reason) <= MAX_REASON:
        return await _page(visit, Reveal(is_refused=True, typed=reason[:MAX_REASON]), status=422)
    async with visit.desk.database.transaction() as connection:
        detail = await _detail(visit, connection)
        await audit.record(
            connection,
            visit.actor,
            Action.NUMBER_REVEALED,
            at=visit.now,
            subject=_subject(detail.id),
            reason=reason,
        )
    return await _page(visit, Reveal(is_shown=True))


async def _page(visit: Visit, asked: Reveal, *, status: int = 200) -> Response:
    async with visit.snapshot() as connection:
        detail = await _detail(visit, connection)
        payer = await _payer(visit, connection, detail)
        hidden = None if asked.is_shown else payer.e164 if payer else ""
        said = await collections.evidence_of(connection, detail.collection_id)
        late = await connection.fetch(SQL["late_money_of_payment"], detail.id)
        of_bill = await view.payments_of_bill(connection, detail.control_number)
        values: dict[str, Any] = {
            "steps": timeline.steps(
                await view.transitions(connection, detail.id),
                [timeline.proof(each, number=hidden) for each in said],
                cases={case["evidence_id"] for case in late},
            ),
            "collection": await collections.load(connection, detail.collection_id),
            "late": late,
            "others": [each for each in of_bill if each.id != detail.id],
            "transactions": await books.of_payment(connection, detail.id),
            "messages": await messages.of_payment(connection, detail.id),
            "looked": await audit.of_subject(connection, _subject(detail.id)),
            "names": await names.load(connection, visit),
        }
    number = payer and (payer.e164 if asked.is_shown else payer.masked())
    return page(
        visit, "payment.html", status=status, payment=detail, number=number, asked=asked, **values
    )


async def _detail(visit: Visit, connection: Connection) -> PaymentDetail:
    found = await view.payment(connection, visit.request.path_params["id"])
    if found is None:
        raise Problem(404)
    return found


async def _payer(visit: Visit, connection: Connection, detail: PaymentDetail) -> Msisdn | None:
    """Who paid; None once the number was erased."""
    found = await subscribers.find(connection, visit.desk.keys, detail.payer)
    return found.msisdn if found else None


def _subject(payment_id: UUID) -> str:
    return f"payment {payment_id}"
