"""The oracle: after any fault, our books beside the operator's own, payment by payment.

I1 to I8 are the invariants of payments under faults: money conserved, no double debit, no lost
payment, no phantom, no false receipt, an end for everybody within few questions, legal steps only,
one effect per key.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from kernel.database import Connection, Database
from kernel.msisdn import Msisdn
from launch.rehearsal import PATIENCE_S
from ledger.verify import verify
from payments.states import EDGES, TERMINAL, Event, State
from tests.faults.wreck import Wreck

QUERY_BUDGET = 3
WAITING = "state IN ('created', 'sent', 'pending', 'unknown')"
UNSENT = "state IN ('queued', 'sending')"
UNDONE = (
    "kind IN ('payments.collect', 'sms.tell', 'sms.send') AND due_at < now() + interval '30 s'"
    # A repeated callback is looked at seconds later; the payment did not wait for it.
    " OR kind = 'wallets.callback' AND due_at < now() + interval '2 s'"
)

LEFT = (
    f"SELECT concat_ws(' ', 'payment', id, state) AS what FROM payments.payment WHERE {WAITING}"
    f" UNION ALL SELECT concat_ws(' ', 'message', id, state) FROM sms.message WHERE {UNSENT}"
    f" UNION ALL SELECT concat_ws(' ', kind, key, last_error) FROM kernel.work WHERE {UNDONE}"
)

UNTOLD = (
    "SELECT action, subject, detail FROM errand"
    " WHERE NOT EXISTS (SELECT 1 FROM errand_done WHERE errand = errand.id)"
    " AND (action = 'tell' OR json_extract(detail, '$.verdict') = 'approve')"
)

LATE_SUCCESS = "08"
"""Last digits of payers whom the operator refuses first and debits later."""


@dataclass(frozen=True)
class Debit:
    """Money that the operator really took."""

    payer: str
    minor: int
    currency: str


@dataclass(frozen=True)
class Truth:
    """What the operator's file says: by our id of the attempt; receipts by payer and word."""

    debits: dict[str, list[Debit]] = field(default_factory=lambda: defaultdict(list))
    asked: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    told: set[str] = field(default_factory=set)
    """Attempts whose success we were told, and we acknowledged it."""
    texts: Counter[tuple[str, str]] = field(default_factory=Counter)


async def settle(wreck: Wreck, *, patience_s: float = PATIENCE_S) -> None:
    """Wait until every payment has ended, all money has moved and was told, and so were people."""
    await _we_are_done(wreck, patience_s)
    await _operator_is_done(wreck, patience_s)
    await _we_are_done(wreck, patience_s)  # with what it told in the meantime


async def _we_are_done(wreck: Wreck, patience_s: float) -> None:
    try:
        await wreck.stack.until(f"SELECT NOT EXISTS ({LEFT})", patience_s=patience_s)
    except AssertionError as problem:
        problem.add_note(str(await wreck.stack.value(f"SELECT array_agg(what) FROM ({LEFT}) x")))
        raise


async def _operator_is_done(wreck: Wreck, patience_s: float) -> None:
    """Until it will take no more money and has told, or given up telling, what it took."""
    deadline = time.monotonic() + patience_s
    with closing(_operators_book(wreck)) as book:
        while left := book.execute(UNTOLD).fetchall():
            assert time.monotonic() < deadline, f"the operator never got to {left}"
            await asyncio.sleep(0.05)


async def agree(wreck: Wreck, *, in_doubt: int = 0) -> None:
    """Every payment of the installation is what the operator's book says; raises AssertionError.

    ``in_doubt``: how many payments may have been left to a person although money moved.
    """
    truth = read_operator(wreck)
    database = await Database.connect(wreck.stack.servers.urls.database_url, size=1)
    try:
        async with (
            database.read() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(PAYMENTS)
            wrong = {
                str(row["id"]): problems
                for row in rows
                if (problems := _problems(wreck, row, truth))
            }
            assert not wrong, f"our books and the operator's differ: {wrong}"
            _check_bills(rows, truth.debits)
            await _check_steps(connection)
            await _check_books(connection, truth, rows, in_doubt)
        async with database.read() as connection:
            found = await verify(connection)
            assert found.is_sound, found.bad
    finally:
        await database.close()


PAYMENTS = """
SELECT payment.id, payment.state, payment.total, payment.currency, payment.payer,
       payment.collection_id, payment.control_number, collection.queried_at,
       (SELECT array_agg(number) FROM payments.receipt WHERE payment_id = payment.id) AS receipts,
       (SELECT count(*) FROM sms.message
        WHERE payment_id = payment.id AND purpose = 'receipt') AS told_paid,
       (SELECT count(*) FROM sms.message
        WHERE payment_id = payment.id AND purpose = 'late') AS told_late,
       (SELECT count(*) FROM payments.late_money
        WHERE late_money.payment_id = payment.id) AS late_cases,
       (SELECT count(*) FROM payments.transition
        WHERE payment_id = payment.id AND event = 'sending') AS sendings,
       EXISTS (SELECT FROM kernel.work JOIN wallets.evidence ON evidence.id::text = work.key
               WHERE collection = collection_id) AS still_to_ask,
       (SELECT array_agg(concat_ws(' ', to_char(at, 'MI:SS.MS'), event, detail) ORDER BY n)
        FROM payments.transition WHERE payment_id = payment.id) AS walked,
       (SELECT array_agg(concat_ws(' ', to_char(at, 'MI:SS.MS'), kind, status, note)
                         ORDER BY position)
        FROM wallets.evidence WHERE collection = collection_id) AS heard,
       (SELECT COALESCE(sum(signed), 0)::bigint FROM ledger.entry
        JOIN ledger.account ON account.id = entry.account
        JOIN ledger.transaction ON transaction.seq = entry.seq
        WHERE reference = payment.id AND path LIKE 'Assets:Clearing:%') AS cleared
FROM payments.payment JOIN wallets.collection ON collection.id = payment.collection_id
"""


def _is_unheard(row: Any, truth: Truth) -> bool:
    """Whether the operator took money after a refusal, and no callback has made us ask about it.

    After a refusal nobody asks on schedule: what was never told is not in our books.
    """
    collection = str(row["collection_id"])
    return (
        row["state"] == State.REFUSED
        and any(debit.payer.endswith(LATE_SUCCESS) for debit in truth.debits[collection])
        and (collection not in truth.told or row["still_to_ask"])
        and not row["late_cases"]
    )


def _problems(wreck: Wreck, row: Any, truth: Truth) -> list[str]:
    """What is wrong with one payment, held against the operator's truth."""
    collection, state = str(row["collection_id"]), State(row["state"])
    taken = truth.debits[collection]
    numbers = row["receipts"] or []
    is_known = not (state is State.REVIEW or _is_unheard(row, truth))
    checks = {
        "refused or expired, yet debited": state not in (State.REFUSED, State.EXPIRED)
        or all(debit.payer.endswith(LATE_SUCCESS) for debit in taken),
        "still under way": state in TERMINAL or state is State.REVIEW,
        "debited twice": len(taken) <= 1,
        "collected without a debit, or not once": state is not State.COLLECTED or len(taken) == 1,
        "another amount, currency or payer": all(
            (debit.minor, debit.currency) == (row["total"], row["currency"])
            and wreck.keys.pseudonym(Msisdn(debit.payer)) == row["payer"]
            for debit in taken
        ),
        "booked is not what was debited, as far as we know": row["cleared"]
        == (sum(debit.minor for debit in taken) if is_known else 0),
        "not one receipt": len(numbers) == (state is State.COLLECTED),
        "not one receipt message": row["told_paid"] == (state is State.COLLECTED),
        "the phone did not get one receipt": state is not State.COLLECTED
        or truth.texts[taken[0].payer, numbers[0]] == 1,
        "late money without a case, or a case without money": row["late_cases"]
        == (len(taken) if is_known and state in (State.REFUSED, State.EXPIRED) else 0),
        "late money not told": row["told_late"] == row["late_cases"],
        "asked too often": len(row["queried_at"]) <= QUERY_BUDGET
        # An id that was sent again is refused as a duplicate, and looked up on the spot.
        and all(n < QUERY_BUDGET + row["sendings"] for n in truth.asked[collection].values()),
    }
    return [f"{name} ({state})" for name, holds in checks.items() if not holds]


def _check_bills(rows: list[Any], debits: dict[str, list[Debit]]) -> None:
    """A bill is collected once; money beyond that is in a late-money case (checked per payment)."""
    collected = Counter(row["control_number"] for row in rows if row["state"] == State.COLLECTED)
    assert not [bill for bill, times in collected.items() if times > 1], "a bill was paid twice"
    known = {str(row["collection_id"]) for row in rows}
    strangers = {each for each, taken in debits.items() if taken} - known
    assert not strangers, f"debits that no payment of ours asked for: {strangers}"


async def _check_steps(connection: Connection) -> None:
    """Every payment went along the edges and stands where its last step ended."""
    steps: dict[Any, list[Any]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT payment_id, n, from_state, to_state, event, state FROM payments.transition"
        " JOIN payments.payment ON payment.id = payment_id ORDER BY payment_id, n"
    ):
        steps[row["payment_id"]].append(row)
    for payment, walked in steps.items():
        at: State | None = None
        for n, row in enumerate(walked, 1):
            edge = State.CREATED if at is None else EDGES.get((at, Event(row["event"])))
            assert (row["n"], row["from_state"], row["to_state"]) == (n, at, edge), payment
            at = State(row["to_state"])
        assert at == walked[-1]["state"], payment


async def _check_books(
    connection: Connection, truth: Truth, rows: list[Any], in_doubt: int
) -> None:
    """Debits equal credits; clearing is all that the operator took, payment by payment.

    Less what nobody could know: what is left to a person, and what the operator never told.
    """
    unbalanced = await connection.fetch(
        "SELECT currency, sum(signed) FROM ledger.entry"
        " JOIN ledger.account ON account.id = entry.account"
        " GROUP BY currency HAVING sum(signed) <> 0"
    )
    assert not unbalanced
    doubtful = {
        str(row["collection_id"]): (row["walked"], row["heard"], len(row["queried_at"]))
        for row in rows
        if row["state"] == State.REVIEW and truth.debits[str(row["collection_id"])]
    }
    assert len(doubtful) <= in_doubt, f"left to a person although money moved: {doubtful}"
    unheard = {str(row["collection_id"]) for row in rows if _is_unheard(row, truth)}
    took: Counter[tuple[str, str]] = Counter()
    for collection, taken in truth.debits.items():
        if collection not in doubtful.keys() | unheard:
            for debit in taken:
                took[collection, debit.currency] += debit.minor
    booked = {
        (str(row["collection_id"]), row["currency"]): row["minor"]
        for row in await connection.fetch(CLEARED)
    }
    differ = {
        key: {"booked": booked.get(key, 0), "taken": took[key]}
        for key in booked.keys() | took.keys()
        if booked.get(key, 0) != took[key]
    }
    assert not differ, f"booked on clearing is not what the operator took: {differ}"


CLEARED = """
SELECT collection_id, account.currency, sum(signed)::bigint AS minor FROM ledger.entry
JOIN ledger.account ON account.id = entry.account
JOIN ledger.transaction ON transaction.seq = entry.seq
LEFT JOIN payments.payment ON payment.id = reference
WHERE path LIKE 'Assets:Clearing:%' GROUP BY collection_id, account.currency
"""


def _operators_book(wreck: Wreck) -> sqlite3.Connection:
    path = wreck.stack.home / "sandbox" / "book.sqlite3"
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def read_operator(wreck: Wreck) -> Truth:
    """Read the operator's file, past its own code."""
    truth = Truth()
    with closing(_operators_book(wreck)) as book:
        for correlation, payer, minor, currency in book.execute(
            "SELECT correlation, movement.debit, movement.minor, movement.currency FROM movement"
            " JOIN request ON request.id = movement.request WHERE movement.kind = 'collection'"
        ):
            truth.debits[correlation].append(Debit(payer, minor, currency))
        for correlation, what in book.execute(
            "SELECT correlation, what FROM query JOIN request ON request.id = query.request"
        ):
            truth.asked[correlation][what] += 1
        for correlation, body in book.execute(
            "SELECT correlation, body FROM callback JOIN request ON request.id = callback.request"
            " WHERE http_status BETWEEN 200 AND 299"
        ):
            if b'"completed"' in body:
                truth.told.add(correlation)
        for payer, text in book.execute(
            "SELECT recipient, text FROM sms WHERE direction = 'to_phone'"
        ):
            for word in text.split():
                truth.texts[payer, word.strip(".,:؛،()")] += 1
    return truth
