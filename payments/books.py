"""Payments and the ledger: post what was verified, and stop new debits when the books do not
balance.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from kernel.database import Connection
from kernel.log import event
from kernel.sql import package_sql
from ledger import journal, reports
from payments.desk import Desk

SQL = package_sql(__file__)


class LedgerRefusedError(RuntimeError):
    """The ledger refused a posting that the rules made: a fault, everything rolls back."""


async def book(connection: Connection, transactions: Sequence[journal.Transaction]) -> None:
    """Post within the caller's transaction, once in it; a repeat of the same changes nothing."""
    results = await journal.submit(connection, transactions)
    for transaction, result in zip(transactions, results, strict=True):
        if isinstance(result, journal.Refused):
            raise LedgerRefusedError(
                f"{transaction.rule} {transaction.key}: {result.reason} {result.detail}"
            )


async def check(desk: Desk) -> bool:
    """Whether the books balance; if not, new debits stop until ``resume`` (callbacks go on)."""
    async with desk.database.transaction() as connection:
        balanced = await reports.is_balanced(connection)
        if not balanced:
            await halt(desk, connection, "the books do not balance")
    return balanced


async def halt(desk: Desk, connection: Connection, reason: str) -> None:
    """Stop new debits."""
    await connection.execute(SQL["halt_debits"], reason, desk.clock.now())
    event("books.halted", level=logging.ERROR, reason=reason)


async def resume(connection: Connection) -> None:
    """Allow new debits again; a person decides this."""
    await connection.execute(SQL["resume_debits"])
    event("books.resumed", level=logging.WARNING)
