"""Books in memory for tests of the rules: they book what the ledger would, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from kernel.money import Money
from ledger import chart
from ledger.journal import Transaction


class Books:
    """Balances by account (debits less credits, minor units) and the entries they come from."""

    def __init__(self) -> None:
        self.entries: list[Transaction] = []
        self.balances: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._reversed: set[UUID] = set()

    def book(self, entry: Transaction) -> Transaction:
        """Book an entry; fails for whatever the ledger would refuse."""
        assert entry.key not in self._keys, entry.key
        assert entry.reverses not in self._reversed, entry.reverses
        assert entry.postings
        self._keys.add(entry.key)
        if entry.reverses:
            self._reversed.add(entry.reverses)
        for posting in entry.postings:
            debit, credit = chart.parse(posting.debit), chart.parse(posting.credit)
            assert debit.currency == credit.currency == posting.amount.currency
            assert debit != credit
            assert posting.amount.minor > 0
            self.balances[debit.path] += posting.amount.minor
            self.balances[credit.path] -= posting.amount.minor
        self.entries.append(entry)
        return entry

    def holds(self, path: str) -> Money:
        """What an account holds on the debit side."""
        return Money(self.balances[path], path[-3:])

    def owes(self, path: str) -> Money:
        """What an account holds on the credit side."""
        return Money(-self.balances[path], path[-3:])

    def all(self, *starts: str) -> Mapping[str, Money]:
        """Balances that are not zero of accounts whose paths start so."""
        return {
            path: self.holds(path)
            for path, minor in sorted(self.balances.items())
            if minor and path.startswith(starts)
        }

    def sums(self) -> dict[str, int]:
        """What all accounts of each currency hold together: nothing, if the books balance."""
        sums: Counter[str] = Counter()
        for path, minor in self.balances.items():
            sums[path[-3:]] += minor
        return dict(sums)
