"""Write what became of many payments: a few statements, each for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

import asyncpg

from fees import bills
from kernel import work
from kernel.database import Connection
from kernel.sql import package_sql
from kernel.work import LeaseLost
from payments import receipt
from payments.desk import Desk
from payments.moving import Moving
from wallets import collections
from wallets.collections import Word

SQL = package_sql(__file__)


async def write(
    desk: Desk, connection: Connection, moved: Sequence[Moving], *, at: datetime
) -> None:
    """Write the changes of locked payments, all but their ledger entries.

    Raises asyncpg.SerializationError when a bill was paid or withdrawn meanwhile: then everything
    must be decided again.
    """
    await _write_evidence(connection, moved, at=at)
    await _mark_paid(connection, moved)
    # One edge of each payment at a time.
    for moves in zip_longest(*(moving.changes.moves for moving in moved)):
        steps = [
            (
                moving.id, move.before, move.after, move.event, move.evidence, move.detail,
                move.reason,
            )
            for moving, move in zip(moved, moves, strict=True)
            if move is not None
        ]  # fmt: skip
        await connection.execute(SQL["move_payments"], *zip(*steps, strict=True), at)
    await _open_cases(connection, moved)
    await _issue_receipts(desk, connection, moved, at=at)
    await _write_work(connection, moved)


async def _write_evidence(connection: Connection, moved: Sequence[Moving], *, at: datetime) -> None:
    words = [
        Word(moving.row["collection_id"], heard.verdict, heard.ids)
        for moving in moved
        if (heard := moving.changes.heard) is not None
    ]
    if words:
        await collections.record_many(connection, words, at=at)
    windows_s = {
        moving.row["collection_id"]: window_s
        for moving in moved
        if (window_s := moving.changes.query_window_s) is not None
    }
    if windows_s:
        await collections.reserve_queries(connection, windows_s, at=at)
    for moving in moved:
        if moving.changes.released_query is not None:
            await collections.release_query(
                connection, moving.row["collection_id"], at=moving.changes.released_query
            )


async def _mark_paid(connection: Connection, moved: Sequence[Moving]) -> None:
    paid = [
        (moving.row["control_number"], moving.id, paid_at)
        for moving in moved
        if (paid_at := moving.changes.paid_at) is not None
    ]
    if paid and len(await bills.mark_many_paid(connection, paid)) < len(paid):
        raise asyncpg.SerializationError("a bill was paid or withdrawn meanwhile")


async def _open_cases(connection: Connection, moved: Sequence[Moving]) -> None:
    for moving in moved:
        case, amount = moving.changes.late, moving.money("total")
        if case is not None:
            await connection.execute(
                SQL["insert_late_money"],
                case.id,
                moving.id,
                moving.row["collection_id"],
                case.kind,
                amount.minor,
                amount.currency,
                moving.row["wallet"],
                moving.at,
                case.transaction,
                moving.evidence,
            )


async def _issue_receipts(
    desk: Desk, connection: Connection, moved: Sequence[Moving], *, at: datetime
) -> None:
    """Number the receipts; the entries name them."""
    receipted = [moving for moving in moved if moving.changes.has_receipt]
    if not receipted:
        return
    numbers = await receipt.issue(desk, connection, [moving.row for moving in receipted], at)
    for moving in receipted:
        note = f"receipt {numbers[moving.id]}"
        moving.changes.entries = [replace(each, note=note) for each in moving.changes.entries]


async def _write_work(connection: Connection, moved: Sequence[Moving]) -> None:
    """What is asked for comes before what is finished: asked again while held, it stays."""
    wanted = [each for moving in moved for each in moving.changes.wanted]
    if wanted:
        await work.enqueue_many(connection, wanted)
    for moving in moved:
        for item, delay_s, error in moving.changes.retried:
            await work.retry(connection, item, delay_s=delay_s, error=error)
        for item, error in moving.changes.parked:
            await work.park(connection, item, error)
    finished = [item for moving in moved for item in moving.changes.finished]
    if finished and len(await work.finish_many(connection, finished)) < len(finished):
        raise LeaseLost("finished without being held")
