"""The ledger as a slow, obvious Python model: lists that are read from the beginning each time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from ledger.chart import is_kept_by_payment
from ledger.guards import Guard
from ledger.journal import LedgerRefusal, Posted, Refused, Transaction
from ledger.periods import PeriodRefusal
from tests.unit.ledger.makers import Told, posted, replayed

Turnovers = dict[str, tuple[int, int]]
"""Debits and credits in minor units by account."""

Open = tuple[UUID | None, date, int]
"""What is left of a payment (None: of a day): since when, and how much, positive in debit."""


@dataclass(eq=False)
class Batch:
    """Transactions of one commit."""

    transactions: list[Transaction] = field(default_factory=list)


@dataclass
class ModelLedger:
    """What the books must say after the same operations."""

    batches: list[Batch] = field(default_factory=list)
    sealed: int = 0
    """How many batches are sealed, from the first on."""
    guards: dict[str, Guard] = field(default_factory=dict)
    stands: dict[UUID, date] = field(default_factory=dict)
    """The business date on which each entry stands."""
    closed: list[date] = field(default_factory=list)
    """Last days of the closings that stand, the latest last."""

    def copy(self) -> ModelLedger:
        """Books that go their own way from here."""
        return ModelLedger(
            [Batch(list(batch.transactions)) for batch in self.batches],
            self.sealed,
            dict(self.guards),
            dict(self.stands),
            list(self.closed),
        )

    def seal(self, limit: int) -> None:
        """The oldest batches up to so many transactions, but one in any case."""
        taken = 0
        for batch in self.batches[self.sealed :]:
            taken += len(batch.transactions)
            if taken > limit and taken != len(batch.transactions):
                break
            self.sealed += 1

    def close(self, until: date, latest: date) -> PeriodRefusal | None:
        """Shut the days up to one, or say why not."""
        if until > latest:
            return PeriodRefusal.NOT_OVER
        if self.closed and until <= self.closed[-1]:
            return PeriodRefusal.ALREADY_CLOSED
        self.closed.append(until)
        return None

    def submit(self, transactions: Iterable[Transaction]) -> list[Told]:
        """One commit; the result of each in its order."""
        batch = Batch()
        earlier = {each.id for each in self.entries()}
        self.batches.append(batch)
        results = [self._one(each, batch, earlier) for each in transactions]
        if not batch.transactions:
            self.batches.pop()
        return results

    def entries(self, until: int | None = None) -> list[Transaction]:
        """All transactions in the order of commit, or those up to a position."""
        booked = [each for batch in self.batches for each in batch.transactions]
        return booked if until is None else booked[:until]

    def last_position(self) -> int:
        """Where the sealed part ends."""
        return sum(len(batch.transactions) for batch in self.batches[: self.sealed])

    def turnovers(self, *, day: date | None = None, position: int | None = None) -> Turnovers:
        """Of every account touched, up to and with a business date or a position."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for each in self.entries(position):
            if day is None or self.stands[each.id] <= day:
                for posting in each.postings:
                    sums[posting.debit][0] += posting.amount.minor
                    sums[posting.credit][1] += posting.amount.minor
        return {path: (debits, credits) for path, (debits, credits) in sums.items()}

    def lines(self, account: str, among: Iterable[Transaction]) -> list[tuple[UUID, int]]:
        """Entries of an account with their sign, in order."""
        return [
            (each.id, posting.amount.minor * (1 if posting.debit == account else -1))
            for each in among
            for posting in each.postings
            if account in (posting.debit, posting.credit)
        ]

    def open_items(self, account: str, day: date) -> list[Open]:
        """What stands on an account at the end of a day, oldest first; of the same day, what was
        booked first.
        """
        is_by_payment = is_kept_by_payment(account)
        moved: dict[object, list[int]] = defaultdict(list)
        since: dict[object, tuple[date, UUID | None]] = {}  # in the order of booking
        for each in self.entries():
            stands = self.stands[each.id]
            for _, minor in self.lines(account, [each]) if stands <= day else []:
                item: object = (each.reference or each.id) if is_by_payment else stands
                moved[item].append(minor)
                first = min(stands, since[item][0]) if item in since else stands
                since[item] = first, each.reference if is_by_payment else None
        if is_by_payment:
            moved = defaultdict(list, {item: [sum(all)] for item, all in moved.items()})
        sign = 1 if sum(map(sum, moved.values())) > 0 else -1
        cleared = sum(-minor * sign for all in moved.values() for minor in all if minor * sign < 0)
        left: list[Open] = []
        for item, (first, reference) in sorted(since.items(), key=lambda each: each[1][0]):
            came = sum(minor * sign for minor in moved[item] if minor * sign > 0)
            taken = min(came, cleared)
            cleared -= taken
            if came > taken:
                left.append((reference, first, (came - taken) * sign))
        return left

    def _one(self, new: Transaction, batch: Batch, earlier: set[UUID]) -> Told:
        booked = self.entries()
        same_key = next((each for each in booked if each.key == new.key), None)
        if same_key and same_key.digest() == new.digest():
            return replayed(same_key.id)
        if same_key:
            return Refused(LedgerRefusal.KEY_REUSED)
        if any(each.id == new.id for each in booked):
            return Refused(LedgerRefusal.ID_TAKEN)
        if new.reverses and new.reverses not in earlier:
            return Refused(LedgerRefusal.ORIGINAL_UNKNOWN)
        if new.reverses and any(each.reverses == new.reverses for each in booked):
            return Refused(LedgerRefusal.ALREADY_REVERSED)
        reason = self._guarded(new)
        if reason:
            return Refused(reason)
        batch.transactions.append(new)
        day = new.business_date
        self.stands[new.id] = max(day, self.closed[-1] + timedelta(days=1)) if self.closed else day
        return posted(new.id)

    def _guarded(self, new: Transaction) -> LedgerRefusal | None:
        balances = {path: d - c for path, (d, c) in self.turnovers().items()}
        for path, guard in sorted(self.guards.items()):
            moved = sum(minor for _, minor in self.lines(path, [new]))
            after = balances.get(path, 0) + moved
            if guard.is_closed and self.lines(path, [new]):
                return LedgerRefusal.ACCOUNT_CLOSED
            if moved > 0 and guard.maximum and after > guard.maximum.minor:
                return LedgerRefusal.ABOVE_MAXIMUM
            if moved < 0 and guard.minimum and after < guard.minimum.minor:
                return LedgerRefusal.BELOW_MINIMUM
        return None


def without_detail(results: Iterable[Told]) -> list[Told]:
    """Refusals by reason only."""
    return [Refused(each.reason) if isinstance(each, Refused) else each for each in results]


def booked(results: Iterable[Posted | Refused]) -> list[UUID]:
    """Ids of what was not refused."""
    return [each.id for each in results if isinstance(each, Posted)]
