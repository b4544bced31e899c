"""Which row is to blame for a transaction whose digest is not that of what stands in the books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from ledger.findings import Found, Journal, Line, Sums


def blame(journal: Journal, row: Any, lines: list[Line], *, sums: Sums, added: Sums) -> Found:
    """The row that spoils a transaction's digest: a posting, if undoing one change mends it.

    ``sums`` are those of its batch's postings, ``added`` those that the batch was booked with.
    """
    for n, mended in _mendings(row["business_date"], lines, sums, added):
        if journal.has_digest(row, mended):
            return Found("posting", f"{row['id']}#{n}", _change(n, lines, mended))
    if sums != added:
        return Found("posting", row["id"], "its postings are not those that its digest is of")
    why = "the digest is not that of its fields and postings"
    return Found("transaction", row["id"], why)


def _mendings(
    day: date, lines: list[Line], sums: Sums, added: Sums
) -> Iterator[tuple[int, list[Line]]]:
    """Lines as they may have been, each with the number of the one that was changed."""
    off: dict[int, tuple[int, int]] = {}
    for key in sums.keys() | added.keys():
        now, then = sums.get(key, [0, 0, 0]), added.get(key, [0, 0, 0])
        if key[1] == day and now != then:
            off[key[0]] = int(then[0] - now[0]), int(then[1] - now[1])
    for at, (n, debit, credit, amount) in enumerate(lines):
        rest = lines[:at], lines[at + 1 :]
        yield n, [*rest[0], *rest[1]]
        yield n, [*rest[0], (n, debit, credit, amount + off.get(debit, (0, 0))[0]), *rest[1]]
        for account in off:
            yield n, [*rest[0], (n, account, credit, amount), *rest[1]]
            yield n, [*rest[0], (n, debit, account, amount), *rest[1]]
        for other in range(at + 1, len(lines)):
            swapped = list(lines)
            swapped[at], swapped[other] = lines[other], lines[at]
            yield n, swapped
    for debit, (more, _) in off.items():
        for credit, (_, same) in off.items():
            if more == same > 0:
                yield len(lines) + 1, [*lines, (len(lines) + 1, debit, credit, more)]


def _change(n: int, lines: list[Line], mended: list[Line]) -> str:
    if len(mended) > len(lines):
        return "it is missing"
    if len(mended) < len(lines):
        return "it was put in later"
    names = ("number", "debit", "credit", "amount")
    for name, now, then in zip(names, lines[n - 1], mended[n - 1], strict=True):
        if name != "number" and now != then:
            return f"its {name} is {now}, it was booked as {then}"
    return "it was booked in another place"
