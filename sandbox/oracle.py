"""The operator's book for reading, as JSON: what really happened, for tests and reconciliation."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, fields
from typing import Any

from kernel.money import Money
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.book import SQL, Book

MAX_ROWS = 5000
_PARTS = ("outcomes", "movements", "queries", "callbacks")


class BadFilter(ValueError):
    """A filter that the book does not know, or a value it cannot use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which requests to show; None lets all through. ``ends``: last two digits of the payer."""

    id: str | None = None
    correlation: str | None = None
    reference: str | None = None
    payer: str | None = None
    ends: str | None = None
    since: str | None = None
    limit: int = 1000


def read_filter(values: dict[str, Any]) -> Filter:
    """Filters from a query string or a JSON object; raises BadFilter."""
    unknown = sorted(set(values) - {item.name for item in fields(Filter)})
    if unknown:
        raise BadFilter(f"unknown filter: {', '.join(unknown)}")
    if not all(isinstance(value, str | int) for value in values.values()):
        raise BadFilter("filters are strings")
    texts = {name: str(value) for name, value in values.items() if name != "limit"}
    limit = str(values.get("limit", 1000))
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MAX_ROWS):
        raise BadFilter(f"limit must be 1 to {MAX_ROWS}")
    try:
        if "payer" in texts:
            texts["payer"] = Msisdn.parse(texts["payer"]).e164
    except BadMsisdn as problem:
        raise BadFilter(str(problem)) from None
    return Filter(limit=int(limit), **texts)


async def read_book(book: Book, chosen: Filter) -> dict[str, Any]:
    """Requests (newest first) with all that happened to each, merchants' holdings and totals."""

    def job(connection: sqlite3.Connection) -> dict[str, Any]:
        values = {item.name: getattr(chosen, item.name) for item in fields(Filter)}
        rows = connection.execute(SQL["book_requests"], values).fetchall()
        ids = {"requests": json.dumps([row["id"] for row in rows])}
        parts = {
            part: _by_request(connection.execute(SQL[f"book_{part}"], ids).fetchall())
            for part in _PARTS
        }
        unmatched = connection.execute(SQL["book_unmatched_queries"], values).fetchall()
        merchants = connection.execute(SQL["book_merchants"]).fetchall()
        return {
            "requests": [_request(row, parts) for row in rows],
            "unmatched_queries": [dict(row) for row in unmatched],
            "merchants": [_with_amount(dict(row)) for row in merchants],
            "totals": dict(connection.execute(SQL["book_totals"]).fetchone()),
        }

    return await book.do(job)


def _request(row: sqlite3.Row, parts: dict[str, dict[str, list[dict[str, Any]]]]) -> dict[str, Any]:
    request = _with_amount(dict(row))
    request["echo"] = json.loads(row["echo"])
    for part in _PARTS:
        request[part] = parts[part].get(row["id"], [])
    outcomes = request["outcomes"]
    request["status"] = outcomes[-1]["status"] if outcomes else "pending"
    request["reference"] = outcomes[-1]["reference"] if outcomes else None
    return request


def _by_request(rows: list[sqlite3.Row]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        item = dict(row)
        if "minor" in item:
            item = _with_amount(item)
        if isinstance(item.get("body"), bytes):
            item["body"] = item["body"].decode("utf-8", "backslashreplace")
        found[item.pop("request")].append(item)
    return found


def _with_amount(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "amount": Money(row["minor"], row["currency"]).plain()}
