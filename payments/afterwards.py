"""After a payment: the receipt once more, what the citizen thought of it, for whom it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from kernel import work
from kernel.database import Connection
from kernel.log import event
from kernel.msisdn import Msisdn
from kernel.sql import package_sql
from payments.desk import Desk
from payments.moving import TELL

SQL = package_sql(__file__)

SCORES: Final = range(1, 6)
"""1: bad, 5: excellent."""


@dataclass(frozen=True, slots=True)
class Beneficiary:
    """For whom somebody else paid; ``language``: what they chose, if they ever did."""

    subscriber: bytes
    language: str | None


async def send_receipt_again(desk: Desk, payer: Msisdn, control_number: str) -> bool:
    """Queue a copy of the receipt to who paid; False once the limits are reached.

    Three copies of one receipt, five a day to one subscriber.
    """
    at = desk.clock.now()
    async with desk.database.transaction() as connection:
        copy = await connection.fetchrow(
            SQL["insert_receipt_copy"],
            control_number,
            desk.keys.pseudonym(payer),
            at,
            at - timedelta(days=1),
        )
        if copy is None:
            return False
        await work.enqueue(connection, TELL, f"{copy['payment_id']}:again-{copy['n']}")
    desk.wake()
    event("payment.receipt_again", payment=str(copy["payment_id"]), n=copy["n"])
    return True


async def rate(desk: Desk, payer: Msisdn, control_number: str, score: int) -> bool:
    """Keep how a citizen found a paid service; False if there was an answer before, or no payment.

    Raises ValueError for a score that is not one of ``SCORES``.
    """
    if score not in SCORES:
        raise ValueError(f"no score: {score}")
    async with desk.database.transaction() as connection:
        rated = await connection.fetchval(
            SQL["insert_rating"],
            control_number,
            desk.keys.pseudonym(payer),
            score,
            desk.clock.now(),
        )
    if rated is not None:
        event("payment.rated", payment=str(rated), score=score)
    return rated is not None


async def beneficiary(connection: Connection, payment_id: UUID) -> Beneficiary | None:
    """For whom a payment was made, where that was not who paid."""
    row = await connection.fetchrow(SQL["beneficiary"], payment_id)
    return None if row is None else Beneficiary(row["subscriber"], row["language"])
