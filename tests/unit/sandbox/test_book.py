"""The operator's book: jobs that wait together share a commit, and none can harm another."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sandbox.book import Book

OPEN = "INSERT INTO wallet (msisdn, currency, at) VALUES (?, 'JOD', '2026-11-21')"
COUNT = "SELECT count(*) FROM wallet"


def opens(number: str) -> Callable[[sqlite3.Connection], str]:
    """A job that opens a wallet, and then fails if the number says so."""

    def job(connection: sqlite3.Connection) -> str:
        connection.execute(OPEN, (number,))
        if number.startswith("bad"):
            raise LookupError(number)
        return number

    return job


async def test_a_job_that_fails_takes_only_its_own_writes_along(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.sqlite3")
    names = [f"{'bad' if index % 3 == 0 else 'good'}-{index}" for index in range(30)]
    results = await asyncio.gather(
        *(book.do(opens(name)) for name in names),
        return_exceptions=True,
    )
    assert [isinstance(result, LookupError) for result in results] == [
        name.startswith("bad") for name in names
    ]
    assert (await book.do(lambda c: c.execute(COUNT).fetchone()))[0] == 20
    book.close()


async def test_what_was_answered_is_on_disk_for_the_next_process(tmp_path: Path) -> None:
    first = Book(tmp_path / "book.sqlite3")
    await first.do(opens("+962790000000"))
    second = Book(tmp_path / "book.sqlite3")
    assert (await second.do(lambda c: c.execute(COUNT).fetchone()))[0] == 1
    first.close()
    second.close()


async def test_every_table_refuses_update_and_delete(tmp_path: Path) -> None:
    book = Book(tmp_path / "book.sqlite3")

    def triggers(connection: sqlite3.Connection) -> set[str]:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        return {row["name"] for row in rows}

    def tables(connection: sqlite3.Connection) -> set[str]:
        rows = connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        )
        return {row["name"] for row in rows}

    names = await book.do(tables)
    guards = {f"{table}_no_{verb}" for table in names for verb in ("update", "delete")}
    assert guards <= await book.do(triggers)
    await book.do(opens("+962790000000"))
    for statement in ("UPDATE wallet SET currency = 'USD'", "DELETE FROM wallet"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await book.do(partial(_execute, statement))
    book.close()


async def test_closing_finishes_the_jobs_that_wait(tmp_path: Path) -> None:
    book, begun, gate = Book(tmp_path / "book.sqlite3"), threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        gate.wait(10)

    held = asyncio.ensure_future(book.do(hold))
    await asyncio.to_thread(begun.wait, 10)
    waiting = [asyncio.ensure_future(book.do(opens(str(number)))) for number in range(50)]
    await asyncio.wait(waiting, timeout=0.05)  # all of them reach the queue; none can be done
    closing = asyncio.ensure_future(asyncio.to_thread(book.close))
    await asyncio.wait({closing}, timeout=0.05)
    gate.set()
    await asyncio.gather(held, closing)
    done = await asyncio.wait_for(asyncio.gather(*waiting), 10)
    assert done == [str(number) for number in range(50)]


def _execute(statement: str, connection: sqlite3.Connection) -> None:
    connection.execute(statement)
