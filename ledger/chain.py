"""Check what binds the journal together: accounts, the chains of seals and checkpoints, places of
batches, and the sums that are folded from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from typing import Any, Final

from kernel.database import Connection
from kernel.sql import package_sql
from ledger import chart, decisions, merkle, seal
from ledger.decisions import Decision
from ledger.findings import Checked, Found
from ledger.trust import Trust

SQL = package_sql(__file__)

_CHECKPOINT_WITHIN: Final = timedelta(hours=1)
"""A day that has been over for longer has its checkpoint, if anything was sealed since."""

_AT_ONCE: Final = 1000

Accounts = dict[int, Any]
"""Rows of accounts by id."""

Decided = Mapping[str, Decision]
"""Decisions by name."""

Covered = Set[str]
"""Names of the decisions that some seal covers."""


async def check_accounts(connection: Connection) -> Accounts:
    """Every account's row; raises Found if one is none of the chart."""
    rows = {row["id"]: row for row in await connection.fetch(SQL["all_accounts"])}
    for id, row in rows.items():
        try:
            account = chart.parse(row["path"])
        except chart.BadAccount as problem:
            raise Found("account", id, str(problem)) from None
        if (row["kind"], row["currency"]) != (account.kind, account.currency):
            raise Found("account", id, "its kind or currency is not that of its path")
    return rows


async def check_seals(
    connection: Connection, accounts: Accounts, decided: Decided, trust: Trust
) -> Covered:
    """Every seal's text, hash, signature and place in the chain; the accounts and decisions that
    they cover.

    Gives the names of the decisions that some seal covers.
    """
    previous, position, last = seal.NOTHING, 1, 0
    home: dict[int | str, int] = {}
    async for row in connection.cursor(SQL["all_seals"], prefetch=_AT_ONCE):
        number = last + 1
        if row["number"] != number:
            raise Found("seal", number, "it is missing")
        key = trust.key_of(row, "seal", number)
        if row["previous"] != previous:
            raise Found("seal", number, "it does not follow the seal before it")
        if row["first_position"] != position:
            raise Found("seal", number, f"it starts at {row['first_position']}, not at {position}")
        _check_tag_bytes(row)
        for account in row["accounts"]:
            if home.setdefault(account, number) != number:
                raise Found("seal", number, f"account {account} was sealed before")
        for name in row["decisions"]:
            if home.setdefault(name, number) != number:
                raise Found("seal", number, f"{name} was sealed before")
        await _check_seal_accounts(connection, row, accounts)
        covered = _check_decisions(row, decided)
        _check_text(row, _seal_of(row, accounts, covered, key).text(), "seal", number)
        _check_signed(row, key, "seal", number)
        previous, position, last = row["hash"], position + row["transactions"], number
    return frozenset(name for name in home if isinstance(name, str))


def _check_tag_bytes(row: Any) -> None:
    leaves = row["transactions"] + len(row["accounts"])
    size = seal.TAG_BYTES * leaves + decisions.TAGS_BYTES * len(row["decisions"])
    if row["tag_bytes"] != size:
        why = "its tags are not as many as its transactions, accounts and decisions"
        raise Found("seal", row["number"], why)


def _check_decisions(row: Any, decided: Decided) -> list[Decision]:
    """The decisions that a seal covers, if they are as they were sealed; raises Found."""
    kept = row["other_tags"][seal.TAG_BYTES * len(row["accounts"]) :]
    tags = dict(zip(row["decisions"], decisions.split_tags(kept), strict=True))
    for name in tags:
        if name in decided:
            continue
        table, _, key = str(name).partition(" ")
        is_other = any(each.tags() == tags[name] for each in decided.values())
        if is_other or table not in decisions.COLUMNS:
            raise Found("seal", row["number"], f"it did not cover {name}")
        raise Found(table, key, f"it is missing, seal {row['number']} covers it")
    covered = [decided[name] for name in tags]
    said = row["text"].partition("\ndecisions ")[2].partition("\n")[0]
    is_whole = said == f"{len(covered)} {seal.as_text(decisions.root(covered))}"
    for each in covered:
        changed = each.changed(tags[each.name])
        if changed and is_whole:
            raise Found("seal", row["number"], "its tags are not of its decisions")
        if changed:
            raise Found(each.table, each.key, f"it is not as it was sealed: {changed}")
    return covered


async def _check_seal_accounts(connection: Connection, row: Any, accounts: Accounts) -> None:
    """Whether accounts are as they were when they were sealed, by their tags."""
    number, ids = row["number"], row["accounts"]
    tags = seal.split_tags(row["other_tags"][: seal.TAG_BYTES * len(ids)])
    if ids != sorted(ids):
        raise Found("seal", number, "its accounts are not in order")
    odd = None
    for id, tag in zip(ids, tags, strict=True):
        if id not in accounts:
            is_used = await connection.fetchval(SQL["is_account_used"], id)
            odd = odd or Found(*(("account", id) if is_used else ("seal", number)), _missing(id))
        elif not _account_hash(accounts, id).startswith(tag):
            odd = odd or Found("account", id, "it is not as it was sealed")
    said = row["text"].partition("\naccounts ")[2].partition("\n")[0]
    root = merkle.root([_account_hash(accounts, id) for id in ids])
    if odd and said != f"{len(ids)} {seal.as_text(root)}":
        raise odd
    if odd:
        raise Found("seal", number, "its tags are not of its accounts")


def _missing(id: int) -> str:
    return f"there is no account {id}"


def _account_hash(accounts: Accounts, id: int) -> bytes:
    row = accounts.get(id)
    return seal.account_hash(id, row["path"], row["opened_at"]) if row else b""


def _seal_of(row: Any, accounts: Accounts, covered: Sequence[Decision], key: bytes) -> seal.Seal:
    return seal.Seal(
        number=row["number"],
        first_position=row["first_position"],
        transactions=row["transactions"],
        root=row["root"],
        accounts=len(row["accounts"]),
        accounts_root=merkle.root([_account_hash(accounts, id) for id in row["accounts"]]),
        previous=row["previous"],
        sealed_at=row["sealed_at"],
        key=key,
        decisions=len(covered),
        decisions_root=decisions.root(covered),
    )


def _check_text(row: Any, expected: str, table: str, key: object) -> None:
    if row["text"] != expected:
        said, should = row["text"].split(), expected.split()
        first = next((one for one, other in zip(said, should, strict=False) if one != other), "")
        raise Found(table, key, f"its text is not that of its columns, from {first[:60]!r} on")
    if seal.hash_of(row["text"]) != row["hash"]:
        raise Found(table, key, "its hash is not that of its text")


def _check_signed(row: Any, key: bytes, table: str, name: object) -> None:
    if not seal.is_signed(row["text"], row["signature"], key):
        raise Found(table, name, "its signature is not one by the books' key")


async def check_checkpoints(connection: Connection, trust: Trust) -> None:
    """Every checkpoint's text, signature, seals and place in the chain; none may be missing."""
    previous, after = seal.NOTHING, 0
    async for row in connection.cursor(SQL["all_checkpoints"], prefetch=_AT_ONCE):
        day = row["day"]
        if row["first_seal"] != after + 1 or row["previous"] != previous:
            raise Found("checkpoint", day, "it does not follow the one before it")
        seals = await connection.fetch(SQL["seals_of_checkpoint"], after + 1, row["last_seal"])
        if not seals or seals[-1]["number"] != row["last_seal"]:
            raise Found("checkpoint", day, f"there is no seal {row['last_seal']}")
        if {each["day"] for each in seals} != {day}:
            raise Found("checkpoint", day, "its seals are not those of its day")
        if merkle.root([merkle.leaf_hash(each["hash"]) for each in seals]) != row["root"]:
            raise Found("checkpoint", day, "its root is not that of its seals")
        if row["last_position"] != seals[-1]["last_position"]:
            raise Found("checkpoint", day, "it ends at another position than its last seal")
        key = trust.key_of(row, "checkpoint", day)
        point = seal.Checkpoint(
            day=day,
            first_seal=row["first_seal"],
            last_seal=row["last_seal"],
            last_position=row["last_position"],
            root=row["root"],
            previous=previous,
            key=key,
        )
        _check_text(row, point.text(), "checkpoint", day)
        _check_signed(row, key, "checkpoint", day)
        previous, after = row["hash"], row["last_seal"]
    await _check_last_day(connection, after)


async def _check_last_day(connection: Connection, after: int) -> None:
    ends = await connection.fetchrow(SQL["sealed_since"], after)
    if ends is None or ends["first"] is None:
        return
    day = ends["first"].astimezone(UTC).date()
    over = datetime.combine(day + timedelta(days=1), time(), UTC)
    if ends["last"] > over + _CHECKPOINT_WITHIN:
        raise Found("checkpoint", day, "it is missing, the day is over")


async def check_places(connection: Connection) -> None:
    """Batches follow one another without a gap, each within its seal."""
    row = await connection.fetchrow(SQL["misplaced_batch"])
    if row is not None:
        raise await _misplaced(connection, row)
    last = await connection.fetchrow(SQL["last_batch"])
    end = await connection.fetchval(SQL["next_position"]) or 1
    if (last["next_position"] if last else 1) != end:
        if last and await _count(connection, last["number"]) != last["transactions"]:
            raise Found("batch", last["number"], f"it does not end at {end - 1} with its seal")
        raise Found("batch", f"at {last['next_position'] if last else 1}", "it is missing")
    twice = await connection.fetchval(SQL["sealed_twice"])
    if twice is not None:
        raise Found("unsealed", twice, "it is sealed already")


async def _misplaced(connection: Connection, row: Any) -> Found:
    if row["position"] != row["expected"]:
        before = row["before"]
        if before is not None:
            said = await _count(connection, before)
            if row["expected"] - await connection.fetchval(SQL["position"], before) != said:
                return Found("batch", before, f"it has {said} transactions")
        moved = await connection.fetchrow(SQL["moved_batch"], row["expected"])
        if moved is not None:
            why = f"it stands at {moved['position']}, it was sealed at {row['expected']}"
            return Found("batch", moved["number"], why)
        lost = await connection.fetchrow(SQL["batchless"])
        if lost is not None:
            return Found("batch", lost["batch"], "it is missing, its transactions are there")
        why = f"it stands at {row['position']}, the one before it ends at {row['expected'] - 1}"
        return Found("batch", row["number"], why)
    if not row["is_sealed"] and row["position"] == (
        await connection.fetchval(SQL["next_position"]) or 1
    ):
        return Found("seal", row["seal"], "it is missing, its batches are there")
    return Found("batch", row["number"], f"it does not belong to seal {row['seal']}")


async def _count(connection: Connection, batch: int) -> int:
    return int(await connection.fetchval(SQL["count_of_batch"], batch))


async def check_folded(connection: Connection, mark_every: int) -> None:
    """Balances are sums of deltas, totals of balances, marks of the deltas up to them."""
    row = await connection.fetchrow(SQL["wrong_balance"])
    if row is not None:
        key = f"{row['account']} {row['business_date']}"
        raise Found("balance", key, "it is not the sum of what was added")
    account = await connection.fetchval(SQL["wrong_total"])
    if account is not None:
        raise Found("total", account, "it is not the sum of its balances by day")
    row = await connection.fetchrow(SQL["unsealed_account"])
    if row is not None:
        raise Found("seal", row["seal"], f"account {row['account']} is not among those it opened")
    await _check_marks(connection, mark_every)


async def _check_marks(connection: Connection, mark_every: int) -> None:
    edges = [row[0] for row in await connection.fetch(SQL["mark_positions"], mark_every)]
    added = await connection.fetch(SQL["sums_between_marks"], [edge + 1 for edge in edges] or [0])
    at = {key: list(rows) for key, rows in groupby(added, lambda row: row["at"])}
    marks = {
        position: {row["account"]: row for row in rows}
        for position, rows in groupby(
            await connection.fetch(SQL["all_marks"]), lambda row: row["position"]
        )
    }
    totals: dict[int, list[Any]] = {}
    for place, edge in enumerate(edges):
        for row in at.get(place, ()):
            sums = totals.setdefault(row["account"], [0, 0, 0])
            for n, name in enumerate(("debits", "credits", "postings")):
                sums[n] += row[name]
        _check_mark(edge, marks.pop(edge, {}), totals)
    for position in marks:
        raise Found("mark", f"{position} {min(marks[position])}", "no total is marked there")


def _check_mark(position: int, rows: dict[int, Any], totals: dict[int, list[Any]]) -> None:
    for account in sorted(totals.keys() | rows.keys()):
        row = rows.get(account)
        if row is None:
            raise Found("mark", f"{position} {account}", "it is missing")
        if [row["debits"], row["credits"], row["postings"]] != totals.get(account):
            raise Found("mark", f"{position} {account}", "it is not the sum up to its position")


async def check_nothing_over(connection: Connection, checked: Checked) -> None:
    """Whether there are more rows than were found through their batches."""
    row = await connection.fetchrow(SQL["journal_counts"])
    assert row is not None  # aggregates always give a row
    if row["transactions"] != checked.transactions:
        lost = await connection.fetchrow(SQL["batchless"])
        assert lost is not None  # there are more than were found through their batches
        raise Found("unsealed", lost["batch"], f"it is missing, transaction {lost['id']} is there")
    if row["postings"] != checked.postings:
        over = await connection.fetchrow(SQL["orphan_posting"])
        assert over is not None
        raise Found("posting", f"#{over['seq']}#{over['n']}", "it has no transaction")
    if row["deltas"] != checked.deltas:
        over = await connection.fetchrow(SQL["orphan_delta"])
        assert over is not None
        key = f"{over['account']} {over['business_date']} {over['batch']}"
        raise Found("delta", key, f"there is no batch at {over['position']}")
