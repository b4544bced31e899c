"""Requests for money as the book holds them, and what became of them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from kernel.money import Money
from sandbox.behaviours import Behaviour, behaviour_of
from sandbox.book import SQL


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A collection, or the reversal of one (``original``: its transaction reference).

    ``echo`` is what the client sent that the transaction object repeats. Times are ISO 8601 in UTC.
    """

    id: str
    correlation: str
    at: str
    kind: str
    payer: str
    payee: str
    amount: Money
    description: str
    callback_url: str
    echo: dict[str, Any]
    expires_at: str
    original: str | None = None

    @property
    def behaviour(self) -> Behaviour:
        """How the operator acts for this payer."""
        return behaviour_of(self.payer)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer to a request: ``completed`` with a reference, or ``failed`` with a code."""

    id: int
    request: str
    at: str
    status: str
    category: str | None
    code: str | None
    description: str | None
    reference: str | None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request fails, in GSMA words (``errorCategory``, ``errorCode``)."""

    category: str
    code: str
    description: str


def insert(connection: sqlite3.Connection, request: Request) -> bool:
    """Write a request; False if its correlation id was used before."""
    row = {
        "id": request.id,
        "correlation": request.correlation,
        "at": request.at,
        "kind": request.kind,
        "payer": request.payer,
        "payee": request.payee,
        "minor": request.amount.minor,
        "currency": request.amount.currency,
        "description": request.description,
        "callback_url": request.callback_url,
        "echo": json.dumps(request.echo, ensure_ascii=False),
        "behaviour": request.behaviour.digits,
        "expires_at": request.expires_at,
        "original": request.original,
    }
    return connection.execute(SQL["insert_request"], row).rowcount == 1


def find(connection: sqlite3.Connection, by: str, value: str) -> Request | None:
    """One request, by ``id``, ``correlation`` or transaction ``reference``."""
    block = "request" if by == "id" else f"request_by_{by}"
    row = connection.execute(SQL[block], {by: value}).fetchone()
    return _request(row) if row else None


def open_for(connection: sqlite3.Connection, payer: str, now: str) -> list[Request]:
    """Collections of a payer that still wait for an answer."""
    rows = connection.execute(SQL["open_requests"], {"payer": payer, "now": now}).fetchall()
    return [_request(row) for row in rows]


def outcomes(connection: sqlite3.Connection, request: str) -> list[Outcome]:
    """Everything that was decided about a request, oldest first; the last one stands."""
    rows = connection.execute(SQL["outcomes"], {"request": request}).fetchall()
    return [Outcome(**dict(row)) for row in rows]


def outcome(connection: sqlite3.Connection, outcome_id: int) -> Outcome:
    """One decision by its number."""
    return Outcome(**dict(connection.execute(SQL["outcome"], {"id": outcome_id}).fetchone()))


def complete(connection: sqlite3.Connection, request: str, *, at: str, reference: str) -> Outcome:
    """Write that the money moved."""
    return _insert_outcome(connection, request, at, None, reference)


def fail(connection: sqlite3.Connection, request: str, *, at: str, failure: Failure) -> Outcome:
    """Write that the request failed, and why."""
    return _insert_outcome(connection, request, at, failure, None)


def _insert_outcome(
    connection: sqlite3.Connection,
    request: str,
    at: str,
    failure: Failure | None,
    reference: str | None,
) -> Outcome:
    row = {
        "request": request,
        "at": at,
        "status": "failed" if failure else "completed",
        "category": failure.category if failure else None,
        "code": failure.code if failure else None,
        "description": failure.description if failure else None,
        "reference": reference,
    }
    written = connection.execute(SQL["insert_outcome"], row).lastrowid
    assert written is not None
    return Outcome(id=written, **row)  # type: ignore[arg-type]  # the row has exactly these columns


def _request(row: sqlite3.Row) -> Request:
    return Request(
        id=row["id"],
        correlation=row["correlation"],
        at=row["at"],
        kind=row["kind"],
        payer=row["payer"],
        payee=row["payee"],
        amount=Money(row["minor"], row["currency"]),
        description=row["description"],
        callback_url=row["callback_url"],
        echo=json.loads(row["echo"]),
        expires_at=row["expires_at"],
        original=row["original"],
    )
