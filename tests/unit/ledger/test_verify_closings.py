"""Verification of closings, of what they moved, and of books whose key was changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from ledger.findings import BadRow
from ledger.periods import Refused
from ledger.seal import NOTHING, Signer, as_text, hash_of
from ledger.sealer import checkpoint_days, seal_once
from ledger.verify import verify
from tests.databases import ALL_RIGHTS
from tests.unit.ledger.closers import YESTERDAY, Clerk
from tests.unit.ledger.makers import MORNING, book_all, movement
from tests.unit.ledger.test_proof import check, proof_of
from tests.unit.ledger.test_seal_commands import Terminal, terminal

__all__ = ["terminal"]

DAY = timedelta(days=1)
OTHER = Keys("the secret of an installation after a change")


@pytest.fixture
def clerk(database: Database, keys: Keys, clock: ManualClock) -> Clerk:
    """Who closes."""
    return Clerk(database, Signer(keys), clock)


@pytest.fixture
async def closed(database: Database, clerk: Clerk) -> Clerk:
    """Two closings, the second reopened and done again; entries before, between and behind, some
    of which were moved.
    """
    await book_all(database, [movement("old", occurred_at=MORNING - 5 * DAY)])
    await clerk.closed(YESTERDAY - 2 * DAY)
    await book_all(database, [movement("moved", occurred_at=MORNING - 5 * DAY)])
    await clerk.closed()
    await clerk.reopened()
    await book_all(database, [movement("again", occurred_at=MORNING - DAY)])
    await clerk.closed()
    await book_all(database, [movement("late", occurred_at=MORNING - DAY), movement("today")])
    return clerk


async def bad_row(database: Database, *trusted: bytes) -> BadRow | None:
    async with database.read() as connection:
        return (await verify(connection, trusted=trusted)).bad


async def test_closings_one_reopened_and_entries_that_they_moved_are_sound(
    closed: Clerk,
) -> None:
    assert await bad_row(closed.database) is None


async def unsealed(owner: Database, signer: Signer) -> None:
    """Seals as they were before decisions were sealed: without them, and signed so."""
    previous = NOTHING
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        for row in await connection.fetch("SELECT * FROM ledger.seal ORDER BY number"):
            lines = row["text"].splitlines(keepends=True)
            text = "".join(line for line in lines if not line.startswith("decisions"))
            text = text.replace("mizan-seal-v2", "mizan-seal-v1")
            text = text.replace(as_text(row["previous"]), as_text(previous))
            await connection.execute(
                """UPDATE ledger.seal SET text = $2, hash = $3, signature = $4, previous = $5,
                       decisions = '{}',
                       tags = substr(tags, 1, octet_length(tags) - 16 * cardinality(decisions))
                   WHERE number = $1""",
                row["number"],
                text,
                hash_of(text),
                signer.sign(text),
                previous,
            )
            previous = hash_of(text)


@pytest.fixture
async def old(closed: Clerk, owner: Database) -> Clerk:
    """The same books, as they come from the time in which closings were not sealed."""
    await unsealed(owner, closed.signer)
    return closed


RECORDED = "UPDATE ledger.transaction SET recorded_at = recorded_at {} WHERE key = '{}'"
CLOSING = "UPDATE ledger.closing SET {} WHERE number = {}"
REWRITTEN = "snapshot = replace(snapshot, '{}', '{}')"
HASHED = "UPDATE ledger.closing SET hash = sha256(convert_to(snapshot, 'UTF8'))"


@pytest.mark.parametrize(
    ("statements", "row", "why"),
    [
        ([RECORDED.format("- interval '1 day'", "late")], "transaction", "business date"),
        ([RECORDED.format("- interval '1 day'", "today")], None, ""),
        ([CLOSING.format("snapshot = snapshot || 'x'", 2)], "closing 2", "hash"),
        ([CLOSING.format(REWRITTEN.format("3000", "3001"), 3), HASHED], "closing 3", "books"),
        ([CLOSING.format(REWRITTEN.format("2000", "2001"), 2), HASHED], None, ""),
        ([CLOSING.format("until = until - 1", 1)], "closing 1", "columns"),
        ([CLOSING.format("position = position + 1", 1)], "closing 1", "columns"),
        ([CLOSING.format("replaces = NULL", 3)], "closing 3", "again"),
        (["DELETE FROM ledger.closing WHERE number = 1"], "closing 1", "missing"),
        (["DELETE FROM ledger.reopening"], "closing 3", "closing 2 had shut its day"),
        (["DELETE FROM ledger.reopening_request"], "reopening 2", "nobody had asked"),
        (["UPDATE ledger.reopening SET approved_by = ' AMAL'"], "reopening 2", "whoever asked"),
        (["UPDATE ledger.reopening SET closing = 1"], "reopening 1", "nobody had asked"),
        (
            ["UPDATE ledger.reopening_request SET closing = 1"],
            "reopening_request 1",
            "not the last",
        ),
        (["UPDATE ledger.reopening_request SET number = 2"], "reopening_request 1", "missing"),
        (
            ["UPDATE ledger.reopening SET recorded_at = recorded_at + interval '1 day'"],
            "closing 3",
            "closing 2 had shut its day",
        ),
    ],
)
async def test_a_closing_or_reopening_that_was_changed_before_its_seal_is_found(
    old: Clerk, owner: Database, statements: list[str], row: str | None, why: str
) -> None:
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        for statement in statements:
            await connection.execute(statement)
    bad = await bad_row(old.database)
    if row is None:
        # Told as what cannot be known: an entry or a closing in the second before its seal.
        assert bad is None
        return
    assert bad is not None
    assert f"{bad.table} {bad.key}".startswith(row)
    assert why in bad.why


SEALED = [
    ("closing", "closed_by = 'Basma'", 2, "closed_by"),
    ("closing", "closed_at = closed_at - interval '1 minute'", 3, "closed_at or recorded_at"),
    ("closing", """checks = jsonb_set(checks, '{0,accepted}', '"a lie"')""", 1, "checks"),
    ("closing", REWRITTEN.format("2000", "2001"), 2, "its hash is not that of its snapshot"),
    ("reopening_request", "requested_by = 'Basma'", 1, "requested_by"),
    ("reopening_request", "reason = 'none'", 1, "reason"),
    ("reopening", "approved_by = 'Basma'", 2, "approved_by"),
    ("reopening", "approved_at = approved_at - interval '1 minute'", 2, "approved_at"),
]


@pytest.mark.parametrize(("table", "change", "number", "why"), SEALED)
async def test_names_times_reasons_and_checklist_are_sealed_also_of_closings_from_before(
    old: Clerk, owner: Database, table: str, change: str, number: int, why: str
) -> None:
    assert await bad_row(old.database) is None
    await old.seal()
    assert await bad_row(old.database) is None
    key = "closing" if table == "reopening" else "number"
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(f"UPDATE ledger.{table} SET {change} WHERE {key} = {number}")
    bad = await bad_row(old.database)
    assert bad is not None
    assert (bad.table, bad.key) == (table, str(number))
    assert why in bad.why


async def test_what_a_reopened_closing_froze_cannot_be_written_anew(
    closed: Clerk, owner: Database
) -> None:
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(CLOSING.format(REWRITTEN.format("2000", "2001"), 2))
        await connection.execute(HASHED)
    bad = await bad_row(closed.database)
    assert bad is not None
    assert (bad.table, bad.key) == ("closing", "2")


async def test_a_closing_is_sealed_at_once_also_when_nothing_is_booked(closed: Clerk) -> None:
    await closed.seal()
    await closed.seal()
    assert await closed.lock_date() == YESTERDAY
    assert not isinstance(await closed.reopened(), Refused)
    await closed.seal()
    async with closed.database.read() as connection:
        rows = await connection.fetch(
            "SELECT transactions, decisions, text FROM ledger.seal ORDER BY number"
        )
    decided = [row["decisions"] for row in rows]
    assert decided == [
        [],
        ["closing 1"],
        ["closing 2", "reopening_request 1", "reopening 2"],
        ["closing 3"],
        ["reopening_request 2", "reopening 3"],
    ]
    assert rows[-1]["transactions"] == 0
    assert [row["text"][:13] for row in rows] == ["mizan-seal-v1", *["mizan-seal-v2"] * 4]
    await book_all(closed.database, [movement("goes on")])
    await closed.seal()
    assert await bad_row(closed.database) is None
    async with closed.database.read() as connection:
        goes_on = await connection.fetchval("SELECT id FROM ledger.transaction WHERE key = 'late'")
    said, out = check(
        as_text(closed.signer.public), (await proof_of(closed.database, goes_on)).document
    )
    assert said == 0, out


@pytest.mark.parametrize(
    ("name", "by"), [("closing 9", "Amal"), ("reopening 1", "Amal"), ("NULL", "B"), ("Amal 1", "B")]
)
async def test_a_seal_that_says_it_covers_something_else_is_found(
    closed: Clerk, owner: Database, name: str, by: str
) -> None:
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(CLOSING.format(f"closed_by = '{by}'", 1))
        await connection.execute(
            f"UPDATE ledger.seal SET decisions = '{{{name}}}' WHERE decisions = '{{closing 1}}'"
        )
    bad = await bad_row(closed.database)
    assert bad is not None
    assert (bad.table, bad.key) == ("seal", "2")


async def test_a_closing_that_seals_passed_over_is_found(closed: Clerk, owner: Database) -> None:
    await closed.seal()
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(
            """INSERT INTO ledger.reopening_request
               SELECT 2, closing, requested_at, 'Basma', 'none',
                      recorded_at + interval '1 microsecond'
               FROM ledger.reopening_request"""
        )
    assert await bad_row(closed.database) == BadRow(
        "reopening_request", "2", "no seal covers it, and one covers what came after it"
    )


async def test_an_entry_that_a_closing_should_have_moved_is_found(
    old: Clerk, owner: Database
) -> None:
    await book_all(old.database, [movement("before", occurred_at=MORNING)])
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(CLOSING.format("recorded_at = recorded_at - interval '1 day'", 1))
    bad = await bad_row(old.database)
    assert bad is not None
    assert bad.table == "transaction"
    assert "moved to 2026-11-19 by a closing" in bad.why


async def resealed(database: Database, keys: Keys, clock: ManualClock) -> None:
    """One more entry, sealed with a key."""
    await book_all(database, [movement(f"under {clock.now()}")])
    await seal_once(database, Signer(keys), clock)
    clock.forward(DAY)
    await checkpoint_days(database, Signer(keys), clock)


async def test_a_sealer_with_a_new_key_goes_on_with_the_chain(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    old, new = Signer(keys).public, Signer(OTHER).public
    await resealed(database, keys, clock)
    await resealed(database, OTHER, clock)
    assert await bad_row(database, old, new) is None
    bad = await bad_row(database, new)
    assert bad is not None
    assert (bad.table, bad.key) == ("seal", "1")
    bad = await bad_row(database)
    assert bad is not None
    assert (bad.table, bad.key) == ("seal", "2")
    async with database.read() as connection:
        ids = await connection.fetch("SELECT id FROM ledger.transaction ORDER BY seq")
    for (id,), key in zip(ids, (old, new), strict=True):
        assert check(as_text(key), (await proof_of(database, id)).document)[0] == 0


async def test_a_key_that_was_given_up_does_not_come_back(
    database: Database, keys: Keys, clock: ManualClock
) -> None:
    for each in (keys, OTHER, keys):
        await resealed(database, each, clock)
    bad = await bad_row(database, Signer(keys).public, Signer(OTHER).public)
    assert bad == BadRow("seal", "3", "its key had been given up before")


async def test_the_command_trusts_former_keys_that_it_is_told(
    terminal: Terminal, database: Database, keys: Keys, clock: ManualClock
) -> None:
    await resealed(database, OTHER, clock)
    await resealed(database, keys, clock)
    former = as_text(Signer(OTHER).public)
    assert (await terminal("verify"))[0] == 1
    code, out, _ = await terminal("verify", "--trust", former)
    assert (code, out) == (0, "sound: 2 transactions, 2 postings\n")
    async with database.read() as connection:
        first = await connection.fetchval("SELECT id FROM ledger.transaction ORDER BY seq LIMIT 1")
    _, _, said = await terminal("prove", str(first))
    assert f"'{former}' PROOF.json" in said
    assert "in use before" in said
    with pytest.raises(SystemExit):
        await terminal("verify", "--trust", "nonsense")
