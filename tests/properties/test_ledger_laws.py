"""Laws of the books: money is conserved in every currency, who is refused leaves nothing, one key
has one effect, and a batch can do no more than its members one by one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.money import Money
from kernel.privacy import Keys
from ledger import journal, reports
from ledger.engine import Ledger
from ledger.guards import Guard, guard
from ledger.journal import LedgerRefusal, Posted, Posting, Refused, Transaction
from ledger.seal import Signer
from ledger.sealer import seal_once
from tests.properties.test_ledger_model import undone
from tests.unit.ledger.makers import CASH, IDS, MORNING, OPENING, book_all, movement, told

CURRENCIES = ("JOD", "ILS", "SYP")
NAMES = ("Assets:Bank:A", "Liabilities:Agency:X:Y", "Income:ServiceFee", "Equity:Opening")
SAFES = ("Assets:Bank:SAFE-A:JOD", "Assets:Bank:SAFE-B:JOD")
SHUT = "Assets:Bank:SHUT:JOD"

unhurried = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

moves = st.tuples(
    st.sampled_from(CURRENCIES),
    st.permutations(NAMES),
    st.integers(1, 10**16),
)

IN_EVERY_SUM = """
SELECT s.kind, a.currency, sum(s.signed)
FROM (
    SELECT 'total' AS kind, account, debits - credits AS signed FROM ledger.total
    UNION ALL SELECT 'day ' || business_date, account, debits - credits FROM ledger.balance
    UNION ALL SELECT 'delta ' || position, account, debits - credits FROM ledger.delta
    UNION ALL SELECT 'mark ' || position, account, debits - credits FROM ledger.mark
    UNION ALL SELECT 'waiting ' || batch, account, debits - credits FROM ledger.unsealed_delta
    UNION ALL SELECT 'entry ' || seq, account, signed FROM ledger.entry
) s LEFT JOIN ledger.account a ON a.id = s.account
GROUP BY s.kind, a.currency HAVING sum(s.signed) <> 0 OR a.currency IS NULL
"""


@unhurried
@given(st.lists(st.lists(st.lists(moves, min_size=1, max_size=4), max_size=4), max_size=4))
async def test_debits_are_credits_in_every_currency_and_every_sum_that_is_kept(
    database: Database, keys: Keys, batches: list[list[list[Any]]]
) -> None:
    for batch in batches:
        entries = [
            movement(
                str(IDS.new()),
                *((f"{path[0]}:{currency}", f"{path[1]}:{currency}", minor)
                  for currency, path, minor in each),
            )
            for each in batch
        ]  # fmt: skip
        await book_all(database, entries)
        await seal_once(database, Signer(keys), ManualClock(MORNING), limit=3, mark_every=2)
        async with database.read() as connection:
            assert await connection.fetch(IN_EVERY_SUM) == []
            assert await reports.is_balanced(connection)


def changed(entry: Transaction, **changes: Any) -> Transaction:
    """Another id and key, and something else that is wrong."""
    facts: dict[str, Any] = {"id": IDS.new(), "key": str(IDS.new())}
    return dataclasses.replace(entry, **(facts | changes))


Wrong = Callable[[Transaction, Transaction], Transaction]
"""A bad entry made of a good new one and of one that is in the books and reversed."""


def moving(debit: str, credit: str, minor: int) -> Wrong:
    """One with another movement behind its own."""

    def make(new: Transaction, _: Transaction) -> Transaction:
        more = Posting(debit, credit, Money(minor, "JOD"))
        return changed(new, postings=(*new.postings, more))

    return make


WRONG: dict[LedgerRefusal, Wrong] = {
    LedgerRefusal.MALFORMED: lambda new, _: changed(new, note="two\nlines"),
    LedgerRefusal.ACCOUNT_INVALID: moving("Nowhere:JOD", OPENING, 1),
    LedgerRefusal.ACCOUNTS_EQUAL: moving(CASH, CASH, 1),
    LedgerRefusal.AMOUNT_NOT_POSITIVE: moving(CASH, OPENING, 0),
    LedgerRefusal.CURRENCY_MISMATCH: moving("Assets:Bank:A:ILS", OPENING, 1),
    LedgerRefusal.KEY_REUSED: lambda new, old: changed(new, key=old.key),
    LedgerRefusal.ID_TAKEN: lambda new, old: changed(new, id=old.id),
    LedgerRefusal.ORIGINAL_UNKNOWN: lambda new, _: changed(new, reverses=IDS.new()),
    LedgerRefusal.ALREADY_REVERSED: lambda new, old: changed(new, reverses=old.id),
    LedgerRefusal.ACCOUNT_CLOSED: moving(SHUT, OPENING, 1),
    LedgerRefusal.BELOW_MINIMUM: moving(OPENING, SAFES[0], 1),
    LedgerRefusal.ABOVE_MAXIMUM: moving(SAFES[0], OPENING, 101),
}


async def prepare(connection: Connection) -> Transaction:
    """Guards, and one entry that is reversed."""
    for safe in SAFES:
        await guard(connection, Guard(safe, Money(0, "JOD"), Money(100, "JOD")))
    await guard(connection, Guard(SHUT, is_closed=True))
    old = movement(str(IDS.new()))
    undo = movement(str(IDS.new()), (OPENING, CASH, 1000), reverses=old.id)
    for each in (old, undo):
        (result,) = await journal.submit(connection, [each])
        assert isinstance(result, Posted)
    return old


async def everything(connection: Connection) -> dict[str, tuple[int, str]]:
    """How many rows every table of the ledger has, and a hash of them."""
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname = 'ledger'"
    )
    assert len(tables) > 10
    found = {}
    for (name,) in tables:
        row = await connection.fetchrow(
            "SELECT count(*), md5(string_agg(each::text, ' ' ORDER BY each::text))"
            f" FROM {name} AS each"
        )
        assert row is not None
        found[name] = (row[0], row[1] or "")
    return found


def test_every_refusal_is_among_the_wrong_ones() -> None:
    assert set(WRONG) == set(LedgerRefusal)


@unhurried
@given(st.lists(st.sampled_from(list(WRONG)), min_size=1, max_size=15))
async def test_what_is_refused_leaves_no_trace_in_any_table(
    database: Database, reasons: list[LedgerRefusal]
) -> None:
    async with undone(database) as connection:
        old = await prepare(connection)
        before = await everything(connection)
        wrong = []
        for n, reason in enumerate(reasons):
            new = movement(str(IDS.new()), (f"Assets:Bank:NEW-{n}:JOD", OPENING, 5))
            wrong.append(WRONG[reason](new, old))
        results = await journal.submit(connection, wrong)
        assert [each.reason for each in results if isinstance(each, Refused)] == reasons
        assert await everything(connection) == before


@unhurried
@given(st.lists(st.sampled_from([None, None, *WRONG]), min_size=1, max_size=15))
async def test_among_others_what_is_refused_changes_nothing_for_them(
    database: Database, reasons: list[LedgerRefusal | None]
) -> None:
    """The same tables as if only the good ones had been submitted, but for numbers and times."""
    good = [movement(str(IDS.new()), (f"Assets:Bank:N{n}:JOD", OPENING, 5)) for n in range(15)]
    async with undone(database) as connection:
        old = await prepare(connection)
        mixed = [
            WRONG[reason](good[n], old) if reason else good[n] for n, reason in enumerate(reasons)
        ]
        results = await journal.submit(connection, mixed)
        found = await contents(connection)
    booked = [good[n] for n, reason in enumerate(reasons) if reason is None]
    assert [each.id for each in results if isinstance(each, Posted)] == [e.id for e in booked]
    async with undone(database) as connection:
        await prepare(connection)
        await journal.submit(connection, booked)
        assert found == await contents(connection)


async def contents(connection: Connection) -> list[Any]:
    """What is in the journal and what waits to be sealed."""
    page = await reports.journal(connection, limit=1000)
    new = [each.transaction for each in page.items if "-" not in each.transaction.postings[0].debit]
    waiting = await connection.fetch(
        "SELECT transactions, cardinality(accounts), debits, credits, postings FROM ledger.unsealed"
    )
    rows = sorted([tuple(map(str, row)) for row in waiting])
    return [
        sorted(map(repr, (e for e in new if e.postings[0].debit.startswith("Assets:Bank:N")))),
        rows,
        await reports.accounts(connection),
    ]


@pytest.mark.parametrize("engines", [1, 2])
async def test_two_hundred_submits_of_one_key_through_engines_have_one_effect(
    database: Database, engines: int
) -> None:
    ledgers = [Ledger(database) for _ in range(engines)]
    results = await asyncio.gather(
        *(ledgers[n % engines].submit(movement("one", id=IDS.new())) for n in range(200))
    )
    for each in ledgers:
        await each.close()
    posted = [each for each in results if isinstance(each, Posted)]
    assert Counter(each.is_replay for each in posted) == {False: 1, True: 199}
    assert len({repr(dataclasses.replace(each, is_replay=False)) for each in posted}) == 1
    async with database.read() as connection:
        page = await reports.journal(connection)
        assert (await reports.trial_balance(connection)).totals["JOD"].debits.minor == 1000
        assert await connection.fetchval("SELECT sum(transactions) FROM ledger.unsealed") == 1
    assert [each.transaction.id for each in page.items] == [posted[0].id]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rule", "OTHER"),
        ("version", 2),
        ("zone", "Asia/Amman"),
        ("reference", UUID(int=1)),
        ("note", "other"),
        ("postings", (Posting(CASH, OPENING, Money(1, "JOD")),)),
    ],
)
async def test_of_two_hundred_at_once_those_with_another_body_are_told_what_differs(
    database: Database, field: str, value: Any
) -> None:
    ledger = Ledger(database)
    await ledger.submit(movement("one"))
    same = [movement("one") for _ in range(200)]
    for n in range(1, 200, 2):
        same[n] = dataclasses.replace(same[n], **{field: value})
    results = await asyncio.gather(*(ledger.submit(each) for each in same))
    await ledger.close()
    assert all(isinstance(each, Posted) and each.is_replay for each in results[::2])
    assert set(results[1::2]) == {Refused(LedgerRefusal.KEY_REUSED, field)}


passages = st.lists(
    st.lists(
        st.tuples(st.sampled_from([*SAFES, CASH, OPENING]), st.integers(1, 3), st.integers(1, 90)),
        min_size=1,
        max_size=3,
    ),
    min_size=1,
    max_size=12,
)


@unhurried
@given(passages)
async def test_a_batch_passes_no_limit_that_its_members_one_by_one_could_not(
    database: Database, wanted: list[list[tuple[str, int, int]]]
) -> None:
    ring = [*SAFES, CASH, OPENING]
    entries = [
        movement(
            str(IDS.new()),
            *((ring[(ring.index(to) + step) % 4], to, minor) for to, step, minor in each),
        )
        for each in wanted
    ]
    outcomes = []
    for size in (len(entries), 1, 3):
        async with undone(database) as connection:
            await prepare(connection)
            results = []
            for at in range(0, len(entries), size):
                results += await journal.submit(connection, entries[at : at + size])
                trial = await reports.trial_balance(connection)
                for account, turnover in trial.accounts.items():
                    assert account.path not in SAFES or 0 <= turnover.balance.minor <= 100
            outcomes.append((told(results), trial.accounts))
    assert outcomes[0] == outcomes[1] == outcomes[2]
