"""Imports a file of bills: good rows are issued, bad ones listed, and nothing twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from fees.bill_file import BadRow, Line, Order, Unusable, order_of, read_lines
from fees.bills import Issued, issue_many
from fees.refusals import MEANING, FeeRefusal
from kernel import subscribers
from kernel.database import Connection
from kernel.ids import Ids
from kernel.log import event
from kernel.privacy import Keys
from kernel.sql import package_sql

SQL = package_sql(__file__)

_BATCH = 500


@dataclass(frozen=True, slots=True)
class IssuedRow:
    """A line that is a bill now; not ``is_new`` where its reference had made the bill before."""

    line: int
    reference: str | None
    control_number: str
    currency: str
    total: str
    """When paid on time, in plain digits."""
    is_new: bool


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A line that is no bill; ``code`` is a FeeRefusal or a kind of bad value."""

    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What became of each line; ``repeats`` is when these bytes were imported before."""

    sha256: str
    issued: tuple[IssuedRow, ...]
    rejected: tuple[RejectedRow, ...]
    repeats: datetime | None = None


async def import_bills(
    connection: Connection,
    ids: Ids,
    raw: bytes,
    *,
    name: str,
    at: datetime,
    keys: Keys | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report | Unusable:
    """Import a file within the caller's transaction; the same bytes again get the old report.

    ``keys`` are needed where the file names payers. A file without a good line leaves no trace, so
    that it can be tried again.
    """
    lines = read_lines(raw)
    if isinstance(lines, Unusable):
        return lines
    digest = hashlib.sha256(raw).digest()
    if not await connection.fetchval(SQL["claim_bill_file"], digest, name, at):
        return await _earlier(connection, digest)
    issued: list[IssuedRow] = []
    rejected: list[RejectedRow] = []
    for start in range(0, len(lines), _BATCH):
        batch = lines[start : start + _BATCH]
        for row in await _import_batch(connection, ids, batch, at=at, keys=keys):
            issued.append(row) if isinstance(row, IssuedRow) else rejected.append(row)
        if progress is not None:
            progress(min(start + _BATCH, len(lines)), len(lines))
    outcome = {
        "issued": [asdict(row) for row in issued],
        "rejected": [asdict(row) for row in rejected],
    }
    if issued:
        await connection.execute(SQL["keep_bill_file_outcome"], digest, outcome)
    else:
        await connection.execute(SQL["release_bill_file"], digest)
    event("bill.imported", issued=len(issued), rejected=len(rejected))
    return Report(sha256=digest.hex(), issued=tuple(issued), rejected=tuple(rejected))


async def _earlier(connection: Connection, digest: bytes) -> Report:
    row = await connection.fetchrow(SQL["bill_file"], digest)
    assert row is not None, "the claim was refused, so the row is there"
    return Report(
        sha256=digest.hex(),
        issued=tuple(IssuedRow(**issued) for issued in row["outcome"]["issued"]),
        rejected=tuple(RejectedRow(**rejected) for rejected in row["outcome"]["rejected"]),
        repeats=row["imported_at"],
    )


async def _import_batch(
    connection: Connection, ids: Ids, batch: Sequence[Line], *, at: datetime, keys: Keys | None
) -> list[IssuedRow | RejectedRow]:
    answers: dict[int, IssuedRow | RejectedRow] = {}
    orders: dict[int, Order] = {}
    for line in batch:
        order = _order(line, keys)
        if isinstance(order, BadRow):
            answers[line.number] = RejectedRow(line.number, order.code, order.reason)
        else:
            orders[line.number] = order
    results = await issue_many(connection, ids, [order.bill for order in orders.values()], at=at)
    for (number, order), result in zip(orders.items(), results, strict=True):
        if isinstance(result, FeeRefusal):
            answers[number] = RejectedRow(number, result.value, MEANING[result])
            continue
        answers[number] = _issued(number, result)
        if keys is not None and order.payer is not None:
            await subscribers.remember(connection, keys, order.payer)
    return [answers[line.number] for line in batch]


def _order(line: Line, keys: Keys | None) -> Order | BadRow:
    order = line.values if isinstance(line.values, BadRow) else order_of(line.values)
    if isinstance(order, BadRow) or order.payer is None:
        return order
    if keys is None:
        return BadRow("bad_payer", "payers are stored sealed: set MIZAN_SECRET_KEY")
    return replace(order, bill=replace(order.bill, payer=keys.pseudonym(order.payer)))


def _issued(line: int, issued: Issued) -> IssuedRow:
    bill = issued.bill
    return IssuedRow(
        line=line,
        reference=bill.reference,
        control_number=bill.control_number,
        currency=bill.currency,
        total=bill.on_time.total.plain(),
        is_new=issued.is_new,
    )
