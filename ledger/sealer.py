"""Sealing: what is committed gets its positions, is folded into the balances, and is signed, and so
is what people decided about closed days.

One database transaction under a lock moves the oldest batches out of ``ledger.unsealed``. It only
takes what it sees committed, so a number that commits late gets a later position and nothing is
ever put in between. Killed anywhere, everything is as before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from kernel.clock import Clock
from kernel.database import Connection, Database
from kernel.sql import package_sql
from ledger import decisions, merkle, seal
from ledger.decisions import Decision
from ledger.seal import Checkpoint, Seal, Signer

SQL = package_sql(__file__)

SEAL_MAX: Final = 65_536
"""Transactions in one seal, at most (one batch may be larger)."""

MARK_EVERY: Final = 65_536
"""The totals are written down at the end of each seal that passes a multiple of this position."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A seal that was made.

    ``is_full``: more may wait that had no room; ``lag_s``: how long its first transaction waited (0
    if it has none).
    """

    seal: Seal
    is_full: bool
    lag_s: float


class LostTransactions(RuntimeError):
    """A batch says that it has more or fewer transactions than there are: the books are damaged."""


async def seal_once(
    database: Database,
    signer: Signer,
    clock: Clock,
    *,
    limit: int = SEAL_MAX,
    mark_every: int = MARK_EVERY,
) -> Sealed | None:
    """Seal what is committed, up to ``limit`` transactions and all decisions about closed days.

    None if there is nothing, or another sealer is at it. Raises LostTransactions, and leaves
    everything as it is, if the books are damaged.
    """
    async with database.transaction() as connection:
        if not await connection.fetchval(SQL["is_any_unsealed"]):
            return None
        await connection.execute(SQL["become_sealer"])
        if not await connection.fetchval(SQL["try_sealer_lock"]):
            return None
        sealed = await _seal(connection, signer, clock.now(), limit)
        if sealed is not None:
            first, last = sealed.seal.first_position, sealed.seal.last_position
            if last // mark_every > (first - 1) // mark_every:
                await connection.execute(SQL["insert_mark"], last)
        return sealed


async def _seal(connection: Connection, signer: Signer, now: datetime, limit: int) -> Sealed | None:
    last = await connection.fetchrow(SQL["last_seal"])
    number, first = (last["number"] + 1, last["next_position"]) if last else (1, 1)
    taken = await connection.fetchrow(SQL["fold_unsealed"], limit, number, first)
    assert taken is not None  # aggregates always give a row
    batches = taken["batches"] or []
    decided = [
        decisions.decision_of(row) for row in await connection.fetch(SQL["unsealed_decisions"])
    ]
    if not batches and not decided:
        return None
    leaves = b"".join(
        [
            await connection.fetchval(SQL["leaves"], number, *bounds) or b""
            for bounds in seal.spans(batches)
        ]
    )
    hashes = seal.leaf_hashes(leaves)
    if batches and len(hashes) != taken["transactions"]:
        raise LostTransactions(
            f"batches {batches[0]} to {batches[-1]} should have"
            f" {taken['transactions']} transactions, but have {len(hashes)}"
        )
    rows = await connection.fetch(SQL["account_rows"], taken["accounts"])
    accounts = [seal.account_hash(*row) for row in rows]
    made = Seal(
        number=number,
        first_position=first,
        transactions=len(hashes),
        root=merkle.root(hashes),
        accounts=len(accounts),
        accounts_root=merkle.root(accounts),
        previous=last["hash"] if last else seal.NOTHING,
        sealed_at=await _not_before(connection, now, last),
        key=signer.public,
        decisions=len(decided),
        decisions_root=decisions.root(decided),
    )
    tags = b"".join([seal.tags([*hashes, *accounts]), *(each.tags() for each in decided)])
    await _keep(connection, signer, made, (taken["accounts"], decided, tags))
    lag = now - seal.recorded_at(leaves) if leaves else timedelta()
    return Sealed(made, bool(taken["is_full"]), max(0.0, lag.total_seconds()))


async def _not_before(connection: Connection, now: datetime, last: Any) -> datetime:
    """Time of a seal: never before the last one nor on a day whose checkpoint is made already."""
    day = await connection.fetchrow(SQL["last_checkpoint"])
    return max(
        now,
        last["sealed_at"] if last else now,
        _midnight(day["day"] + timedelta(days=1)) if day else now,
    )


async def _keep(
    connection: Connection,
    signer: Signer,
    made: Seal,
    covered: tuple[list[int], list[Decision], bytes],
) -> None:
    """Write a seal, with the accounts and decisions that it covers and all tags."""
    text = made.text()
    accounts, decided, tags = covered
    await connection.execute(
        SQL["insert_seal"],
        made.number,
        made.first_position,
        made.transactions,
        made.root,
        accounts,
        made.previous,
        made.sealed_at,
        text,
        seal.hash_of(text),
        signer.sign(text),
        tags,
        [each.name for each in decided],
    )


async def checkpoint_days(database: Database, signer: Signer, clock: Clock) -> list[Checkpoint]:
    """Make the checkpoint of every day (UTC) that is over and has seals; those made now.

    Another sealer at work makes them instead: then there are none.
    """
    async with database.transaction() as connection:
        await connection.execute(SQL["become_sealer"])
        if not await connection.fetchval(SQL["try_sealer_lock"]):
            return []
        last = await connection.fetchrow(SQL["last_checkpoint"])
        previous, after = (last["hash"], last["last_seal"]) if last else (seal.NOTHING, 0)
        today = _midnight(clock.now().astimezone(UTC).date())
        made: list[Checkpoint] = []
        if (await connection.fetchval(SQL["sealed_at"], after + 1) or today) >= today:
            return made
        for row in await connection.fetch(SQL["seals_before"], after, today):
            point = Checkpoint(
                day=row["day"],
                first_seal=row["first_seal"],
                last_seal=row["last_seal"],
                last_position=row["last_position"],
                root=merkle.root([merkle.leaf_hash(each) for each in row["hashes"]]),
                previous=previous,
                key=signer.public,
            )
            previous = await _publish(connection, signer, point)
            made.append(point)
        return made


async def _publish(connection: Connection, signer: Signer, point: Checkpoint) -> bytes:
    text = point.text()
    hashed = seal.hash_of(text)
    await connection.execute(
        SQL["insert_checkpoint"],
        point.day,
        point.first_seal,
        point.last_seal,
        point.last_position,
        point.root,
        point.previous,
        text,
        hashed,
        signer.sign(text),
    )
    return hashed


async def checkpoint_line(connection: Connection, day: date | None = None) -> str | None:
    """The published line of a day (None: the latest); None if there is none."""
    row = await connection.fetchrow(SQL["checkpoint_of"], day)
    return seal.signed_line(row["text"], row["signature"]) if row else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
