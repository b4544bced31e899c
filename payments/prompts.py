"""Wallet prompts that somebody else sends to a payer's phone: few, and never two at once.

What the payer asked for on their own phone is not limited, and counts only as a prompt that is
open. Counted where payments are, in their transaction: exact in all processes and channels.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from kernel.database import Connection
from kernel.log import event
from kernel.sql import package_sql
from payments.desk import Desk
from payments.refusals import Refusal

SQL = package_sql(__file__)

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


async def wait_for_turn(connection: Connection, payer: bytes) -> None:
    """Until the transaction ends, nobody else decides about prompts to this payer."""
    await connection.execute(SQL["lock_prompts"], payer)


async def refusal(desk: Desk, connection: Connection, payer: bytes) -> Refusal | None:
    """Why somebody else may not send a prompt to the payer now; None: they may."""
    at = desk.clock.now()
    row = await connection.fetchrow(SQL["prompts_of_payer"], payer, at - _HOUR, at - _DAY)
    if row is None:
        raise RuntimeError("an aggregate without a row")
    if row["is_open"]:
        event("limit.reached", limit="prompt_open")
        return Refusal.PAYER_BEING_ASKED
    settings = desk.config
    if (
        row["in_an_hour"] >= settings.prompts_by_others_an_hour
        or row["in_a_day"] >= settings.prompts_by_others_a_day
    ):
        event("limit.reached", limit="prompts_by_others")
        return Refusal.PAYER_ASKED_TOO_OFTEN
    return None
