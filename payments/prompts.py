"""Wallet prompts that somebody else sends to a payer's phone: few, and never two at once.

What the payer asked for on their own phone is not limited, and counts only as a prompt that is
open. Counted where payments are, in their transaction: exact in all processes and channels.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from kernel.config import PaymentsConfig
from kernel.database import Connection
from kernel.log import event
from kernel.sql import package_sql
from payments.refusals import Refusal

SQL = package_sql(__file__)

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Prompts:
    """What is on a payer's phone, and how often others have sent to it."""

    is_open: bool
    in_an_hour: int
    in_a_day: int


NONE: Final = Prompts(False, 0, 0)


async def wait_for_turn(connection: Connection, payers: Collection[bytes]) -> None:
    """Until the transaction ends, nobody else decides about prompts to these payers."""
    if payers:
        await connection.execute(SQL["lock_prompts"], payers)


async def of_payers(
    connection: Connection, payers: Collection[bytes], *, at: datetime
) -> dict[bytes, Prompts]:
    """The prompts of the last day; payers without any are left out."""
    if not payers:
        return {}
    rows = await connection.fetch(SQL["prompts_of_payers"], payers, at - _HOUR, at - _DAY)
    return {
        row["payer"]: Prompts(row["is_open"], row["in_an_hour"], row["in_a_day"]) for row in rows
    }


def refusal(limits: PaymentsConfig, sent: Prompts) -> Refusal | None:
    """Why somebody else may not send a prompt to a payer now; None: they may."""
    if sent.is_open:
        event("limit.reached", limit="prompt_open")
        return Refusal.PAYER_BEING_ASKED
    if (
        sent.in_an_hour >= limits.prompts_by_others_an_hour
        or sent.in_a_day >= limits.prompts_by_others_a_day
    ):
        event("limit.reached", limit="prompts_by_others")
        return Refusal.PAYER_ASKED_TOO_OFTEN
    return None
