"""Check a stretch of the journal: every transaction, what its batch adds up to, and its seal.

All that is derived is computed anew, from the rows of transactions and postings alone and without
the code that booked them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any

from kernel.clock import business_date
from kernel.database import Connection
from kernel.money import MAX_MINOR
from kernel.sql import package_sql
from ledger import merkle, seal
from ledger.blame import blame
from ledger.findings import BadRow, Batch, Checked, Found, Journal, Line, Sums

SQL = package_sql(__file__)


class Stretch:
    """Some batches with their transactions and postings."""

    def __init__(self, journal: Journal, checked: Checked) -> None:
        self._journal = journal
        self._checked = checked
        self._transactions: dict[int, list[Any]] = {}
        self._lines: dict[int, dict[int, list[Line]]] = {}
        self._originals: dict[Any, list[tuple[int, int, int]]] = {}
        self.odd: BadRow | None = None
        """The first transaction whose leaf has another tag than the one its seal keeps."""

    async def load(self, connection: Connection, numbers: list[int]) -> None:
        """Read what batches hold."""
        rows: list[Any] = []
        for span in seal.spans(sorted(numbers)):
            rows += await connection.fetch(SQL["transactions_between"], *span)
            for seq, n, debit, credit, amount in await connection.fetch(
                SQL["postings_between"], *span
            ):
                batch = self._lines.setdefault(seq >> 16, {})
                batch.setdefault(seq, []).append((n, debit, credit, amount))
        for number, some in groupby(rows, lambda row: row["seq"] >> 16):
            self._transactions[number] = list(some)
        undone = [row["reverses"] for row in rows if row["reverses"] is not None]
        if undone:
            for id, debit, credit, amount in await connection.fetch(
                SQL["postings_of_originals"], undone
            ):
                self._originals.setdefault(id, []).append((debit, credit, amount))

    def knows(self, number: int) -> bool:
        """Whether a batch has any transaction or posting."""
        return number in self._transactions or number in self._lines

    def check(self, batch: Batch) -> list[bytes]:
        """Hashes of the leaves of one batch; raises Found."""
        rows = self._transactions.get(batch.number, [])
        lines_of = self._lines.get(batch.number, {})
        sums: Sums = {}
        hashes: list[bytes] = []
        doubtful: tuple[Any, list[Line]] | None = None
        for row in rows:
            lines = lines_of.pop(row["seq"], [])
            self._check_lines(row, lines, batch)
            _add(sums, row["business_date"], lines)
            hashes.append(self._leaf_hash(row, batch, len(hashes)))
            if doubtful is None:
                if self._journal.has_digest(row, lines):
                    self._check_transaction(row, lines)
                    self._checked.transactions += 1
                    self._checked.postings += len(lines)
                else:
                    doubtful = row, lines
        if doubtful:
            row, lines = doubtful
            raise blame(self._journal, row, lines, sums=sums, added=batch.added)
        if lines_of:
            raise Found("transaction", f"#{min(lines_of)}", "it is missing, its postings are there")
        self._check_sums(batch, sums, len(rows))
        self._checked.deltas += len(sums)
        return hashes

    def _leaf_hash(self, row: Any, batch: Batch, at: int) -> bytes:
        leaf = seal.leaf(row["digest"], row["id"], row["recorded_at"], row["business_date"])
        hashed = merkle.leaf_hash(leaf)
        if batch.where == "delta" and self.odd is None:
            kept = batch.tags[at] if at < len(batch.tags) else b""
            if hashed[: seal.TAG_BYTES] != kept:
                why = "it is not what was sealed at its position"
                self.odd = BadRow("transaction", str(row["id"]), why)
        return hashed

    def _check_lines(self, row: Any, lines: list[Line], batch: Batch) -> None:
        for at, (n, debit, credit, amount) in enumerate(lines, 1):
            if n != at:
                raise Found("posting", f"{row['id']}#{at}", "it is missing")
            why = self._journal.wrong_with(debit, credit)
            if why:
                said = {account for account, _ in batch.added}
                for account in {debit, credit} - self._journal.paths.keys():
                    if account in said:
                        raise Found("account", account, "it is missing, its postings are there")
                raise Found("posting", f"{row['id']}#{n}", why)
            if not 0 < amount <= MAX_MINOR:
                raise Found("posting", f"{row['id']}#{n}", f"the amount is {amount} minor units")
        if not lines:
            raise self._without_lines(row, batch)

    def _without_lines(self, row: Any, batch: Batch) -> Found:
        """Whether the postings of a transaction are missing, or its own number is wrong."""
        rows = self._transactions[batch.number]
        known = {each["seq"] for each in rows}
        for seq, lines in self._lines.get(batch.number, {}).items():
            if seq not in known and self._journal.has_digest(row, lines):
                return Found("transaction", row["id"], f"its seq is {row['seq']}, it was {seq}")
        if len(rows) > batch.transactions:
            return Found("transaction", row["id"], "it has no postings, and its batch no place")
        return Found("posting", f"{row['id']}#1", "it is missing")

    def _check_transaction(self, row: Any, lines: list[Line]) -> None:
        own = business_date(row["occurred_at"], row["zone"])
        day = self._journal.booked_on(own, row["recorded_at"])
        if row["business_date"] != day:
            moved = f", moved to {day} by a closing" if day != own else ""
            why = f"its business date is not {own}, the day it occurred in its zone{moved}"
            raise Found("transaction", row["id"], why)
        if row["reverses"] is not None:
            mirror = [(credit, debit, amount) for _, debit, credit, amount in lines]
            if self._originals.get(row["reverses"]) != mirror:
                raise Found("transaction", row["id"], "it is not the mirror of what it reverses")

    def _check_sums(self, batch: Batch, sums: Sums, count: int) -> None:
        if count != batch.transactions and (
            batch.where == "delta" or (count and sums != batch.added)
        ):
            if count > batch.transactions and self.odd:
                raise Found(self.odd.table, self.odd.key, self.odd.why)
            key = f"of batch {batch.number}"
            raise Found("transaction", key, f"there are {count}, not {batch.transactions}")
        if count != batch.transactions:
            why = f"it says {batch.transactions} transactions, there are {count}"
            raise Found("unsealed", batch.number, why)
        if sums != batch.added:
            for account, day in sorted(sums.keys() | batch.added.keys()):
                is_, should = batch.added.get((account, day)), sums.get((account, day))
                if is_ != should:
                    raise Found(
                        batch.where,
                        batch.row(account, day),
                        f"it is {_told(is_)}, but its postings make {_told(should)}",
                    )


def _add(sums: Sums, day: date, lines: list[Line]) -> None:
    for _, debit, credit, amount in lines:
        side = sums.get((debit, day))
        if side is None:
            side = sums[debit, day] = [0, 0, 0]
        side[0] += amount
        side[2] += 1
        side = sums.get((credit, day))
        if side is None:
            side = sums[credit, day] = [0, 0, 0]
        side[1] += amount
        side[2] += 1


def _told(sums: list[int] | None) -> str:
    return "missing" if sums is None else f"{sums[0]} / {sums[1]} in {sums[2]}"


async def check_sealed(connection: Connection, journal: Journal, first: int, last: int) -> Checked:
    """Everything in the seals from ``first`` to ``last``."""
    checked = Checked()
    try:
        await _check_sealed(connection, Stretch(journal, checked), first, last)
    except Found as found:
        checked.bad = found.bad
    return checked


async def _check_sealed(connection: Connection, stretch: Stretch, first: int, last: int) -> None:
    seals = await connection.fetch(SQL["seals_between"], first, last)
    start = seals[0]["first_position"]
    end = seals[-1]["first_position"] + seals[-1]["transactions"] - 1
    batches = await connection.fetch(SQL["batches_between"], start, end)
    await stretch.load(connection, [row["number"] for row in batches])
    deltas = await connection.fetch(SQL["deltas_between"], start, end)
    for batch in batches:
        if not stretch.knows(batch["number"]) and not any(
            each["batch"] == batch["number"] for each in deltas
        ):
            raise Found("batch", batch["number"], "no transaction has its number")
    added = _by_position(deltas, batches)
    rest = iter(batches)
    for row in seals:
        tags = list(seal.split_tags(row["tags"]))
        hashes: list[bytes] = []
        while len(hashes) < row["transactions"]:
            batch = next(rest)
            at = batch["position"] - row["first_position"]
            hashes += stretch.check(
                Batch(
                    batch["number"],
                    batch["transactions"],
                    added.get(batch["position"], {}),
                    "delta",
                    tags[at : at + batch["transactions"]],
                )
            )
        if merkle.root(hashes) != row["root"]:
            bad = stretch.odd or BadRow("seal", str(row["number"]), "its root is not of its leaves")
            raise Found(bad.table, bad.key, bad.why)
        if stretch.odd:
            raise Found("seal", row["number"], "its tags are not of its leaves")


def _by_position(deltas: Iterable[Any], batches: Iterable[Any]) -> dict[int, Sums]:
    numbers = {row["position"]: row["number"] for row in batches}
    added: dict[int, Sums] = {}
    for position, batch, account, day, debits, credits, postings in deltas:
        if numbers.get(position) != batch:
            raise Found("delta", f"{account} {day} {batch}", f"no such batch at {position}")
        added.setdefault(position, {})[account, day] = [debits, credits, postings]
    return added


async def check_unsealed(
    connection: Connection, journal: Journal, first: int, last: int
) -> Checked:
    """Everything in the waiting batches from ``first`` to ``last``."""
    checked = Checked()
    stretch = Stretch(journal, checked)
    rows = await connection.fetch(SQL["unsealed_between"], first, last)
    await stretch.load(connection, [row["number"] for row in rows])
    try:
        for row in rows:
            columns = [row[name] for name in ("accounts", "dates", "debits", "credits", "postings")]
            if len({len(column) for column in columns}) > 1:
                raise Found("unsealed", row["number"], "its columns are not of one length")
            added = {(each[0], each[1]): list(each[2:]) for each in zip(*columns, strict=True)}
            stretch.check(Batch(row["number"], row["transactions"], added, "unsealed"))
    except Found as found:
        checked.bad = found.bad
    checked.deltas = 0  # they are in no table of their own yet
    return checked
