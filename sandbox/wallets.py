"""The operator's wallets: opened when a number is first seen, moved only by the book."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from kernel.money import Money
from sandbox.behaviours import behaviour_of
from sandbox.book import SQL

OPENING: Final = {
    "+962": Money.parse("500.000", "JOD"),
    "+961": Money.parse("200000000", "LBP"),
    "+973": Money.parse("200.000", "BHD"),
    "+970": Money.parse("2000.00", "ILS"),
    "+963": Money.parse("50000.00", "SYP"),
}
"""What a new wallet holds, by calling code; a number of another country has no wallet here."""

VAULT: Final = "operator"
"""Where opening balances come from."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that changes hands: from ``debit`` to ``credit`` (a number or a merchant)."""

    kind: str
    debit: str
    credit: str
    amount: Money
    request: str | None = None
    reference: str | None = None
    original: str | None = None


def currency_of(msisdn: str) -> str | None:
    """The currency of a number's wallet; None if this operator has no wallets in that country."""
    opening = OPENING.get(msisdn[:4])
    return opening.currency if opening else None


def balance(connection: sqlite3.Connection, msisdn: str, at: str) -> Money | None:
    """What a wallet holds; opens it at first sight. None: not a number of this operator."""
    opening = OPENING.get(msisdn[:4])
    if opening is None:
        return None
    if connection.execute(SQL["wallet"], {"msisdn": msisdn}).fetchone() is None:
        wallet = {"msisdn": msisdn, "currency": opening.currency, "at": at}
        connection.execute(SQL["open_wallet"], wallet)
        if not behaviour_of(msisdn).empty_wallet:
            move(connection, Movement("opening", VAULT, msisdn, opening), at)
    (minor,) = connection.execute(SQL["balance"], {"account": msisdn}).fetchone()
    return Money(minor, opening.currency)


def move(connection: sqlite3.Connection, movement: Movement, at: str) -> None:
    """Write one movement."""
    connection.execute(
        SQL["insert_movement"],
        {
            "at": at,
            "kind": movement.kind,
            "debit": movement.debit,
            "credit": movement.credit,
            "minor": movement.amount.minor,
            "currency": movement.amount.currency,
            "request": movement.request,
            "reference": movement.reference,
            "original": movement.original,
        },
    )


def reversible(connection: sqlite3.Connection, reference: str) -> Money | None:
    """What is left to reverse of a collection; None if there is no such collection."""
    row = connection.execute(SQL["movement_by_reference"], {"reference": reference}).fetchone()
    if row is None or row["kind"] != "collection":
        return None
    (gone,) = connection.execute(SQL["reversed_minor"], {"reference": reference}).fetchone()
    return Money(row["minor"] - gone, row["currency"])
