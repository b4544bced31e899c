"""Limits of accounts from a terminal: who set them and why, and what is not understood."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from kernel.database import Database
from ledger import journal
from ledger.guards import Guard, guard, guards, held
from ledger.journal import LedgerRefusal, Refused
from tests.unit.ledger.makers import CASH, OPENING, book, book_all, movement, told
from tests.unit.ledger.test_closing_race import waits_for_a_lock
from tests.unit.ledger.test_ledger_cli import Terminal, terminal

__all__ = ["terminal"]

WHY = ("--reason", "agreed with the operator", "--by", "Amal")


async def test_a_cap_is_kept_named_with_its_currency_and_says_who_set_it_and_why(
    terminal: Terminal, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await book_all(database, [movement("first")])
    with caplog.at_level(logging.INFO):
        code, out, err = await terminal("guard", CASH, "--most", "1.5", *WHY)
    assert (code, err) == (0, "")
    assert out == (
        f"{CASH}  at most 1.500 JOD, balance 1.000 JOD  (Amal: agreed with the operator)\n"
    )
    assert told(await book(database, movement("beyond"))) == [
        Refused(LedgerRefusal.ABOVE_MAXIMUM, CASH)
    ]
    (said,) = (each for each in caplog.records if each.getMessage() == "ledger.guarded")
    assert "agreed with the operator" in str(said.__dict__)
    found = await terminal.json("guards")
    (one,) = found["guards"]
    assert one.pop("at") is not None
    assert one == {
        "account": CASH,
        "currency": "JOD",
        "least": None,
        "most": "1.500",
        "closed": False,
        "balance": "1.000",
        "by": "Amal",
        "reason": "agreed with the operator",
    }
    assert "debits less credits" in found["measured"]


async def test_limits_that_are_not_named_stay_and_none_takes_all_away(
    terminal: Terminal, database: Database
) -> None:
    await book_all(database, [movement("first")])
    for limit in (("--most", "2"), ("--least", "-3"), ("--closed",)):
        code, out, _ = await terminal("guard", CASH, *limit, *WHY)
        assert code == 0
    assert "at least -3.000 JOD, at most 2.000 JOD, closed, balance 1.000 JOD" in out
    assert told(await book(database, movement("closed"))) == [
        Refused(LedgerRefusal.ACCOUNT_CLOSED, CASH)
    ]
    code, out, _ = await terminal("guard", CASH, "--none", *WHY)
    assert (code, out) == (0, f"{CASH}  no limits any more, balance 1.000 JOD\n")
    await book_all(database, [movement("goes on")])
    assert (await terminal("guards"))[1] == "No account has limits.\n"
    code, _, err = await terminal("guard", CASH, "--none", *WHY)
    assert (code, err) == (1, f"mizan ledger: {CASH} has no limits\n")


async def test_a_balance_beyond_its_limit_already_is_said(
    terminal: Terminal, database: Database
) -> None:
    await book_all(database, [movement("first")])
    code, _, err = await terminal("guard", CASH, "--most", "0.5", *WHY)
    assert code == 0
    assert "beyond a limit already" in err
    code, _, err = await terminal("guard", OPENING, "--least=-1,000.000", *WHY)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("Assets:Cash", "--closed", *WHY), "not an account"),
        (("Assets:Nowhere:JOD", "--closed", *WHY), "no account Assets:Nowhere:JOD (--new"),
        ((CASH, "--most", "much", *WHY), "not an amount: 'much'"),
        ((CASH, "--most", "1.0001", *WHY), "JOD has 3 decimals at most"),
        ((CASH, "--most", "9999999999999999", *WHY), "out of range"),
        ((CASH, "--least", "2", "--most", "1", *WHY), "the least, 2.000 JOD, is above the most"),
        ((CASH, *WHY), "name a limit"),
        ((CASH, "--none", "--closed", *WHY), "name a limit"),
        ((CASH, "--closed", "--by", " ", "--reason", "x"), "must be named"),
        ((CASH, "--closed", "--by", "Amal", "--reason", " "), "needs a reason"),
    ],
)
async def test_what_is_not_understood_is_explained_and_changes_nothing(
    terminal: Terminal, database: Database, arguments: tuple[str, ...], why: str
) -> None:
    await book_all(database, [movement("first")])
    code, out, err = await terminal("guard", *arguments)
    assert (code, out) == (1, "")
    assert why in err
    async with database.read() as connection:
        assert await guards(connection) == {}
        assert "Assets:Nowhere:JOD" not in str(
            await connection.fetch("SELECT * FROM ledger.account")
        )


async def test_an_account_can_be_limited_before_its_first_entry(terminal: Terminal) -> None:
    code, out, _ = await terminal("guard", "Assets:Clearing:NEW:BHD", "--most", "7", "--new", *WHY)
    assert code == 0
    assert "at most 7.000 BHD, balance 0.000 BHD" in out


async def test_limits_that_two_set_at_once_are_both_kept(
    terminal: Terminal, database: Database
) -> None:
    await book_all(database, [movement("first")])
    async with database.transaction() as connection:
        assert await held(connection, CASH) is None
        waiting = asyncio.create_task(terminal("guard", CASH, "--most", "5", *WHY))
        await waits_for_a_lock(database, 1)
        await guard(connection, Guard(CASH, is_closed=True))
    code, out, _ = await waiting
    assert code == 0
    assert "at most 5.000 JOD, closed" in out


async def test_limits_wait_for_the_submit_in_flight_and_hold_for_every_later_one(
    terminal: Terminal, database: Database
) -> None:
    await book_all(database, [movement("first")])
    async with database.transaction() as slow:
        await journal.submit(slow, [movement("in flight")])
        closing = asyncio.create_task(terminal("guard", CASH, "--closed", *WHY))
        await waits_for_a_lock(database, 1)
    code, out, _ = await closing
    assert code == 0
    assert "closed, balance 2.000 JOD" in out
    assert told(await book(database, movement("later"))) == [
        Refused(LedgerRefusal.ACCOUNT_CLOSED, CASH)
    ]


async def test_guards_as_json_is_a_document_also_without_any(terminal: Terminal) -> None:
    code, out, _ = await terminal("guards", "--json")
    assert (code, json.loads(out)["guards"]) == (0, [])
