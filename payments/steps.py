"""Steps of payments, taken together: those that come at the same moment share a transaction.

The payments are locked in the order of their ids, each decision is made in Python on what the lock
protects, and what all came to is written by a few statements. A decision that fails fails alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, TypeVar, cast
from uuid import UUID

from kernel import work
from kernel.database import Connection
from kernel.group_commit import GroupCommit
from kernel.log import event
from kernel.sql import package_sql
from kernel.work import LeaseLost, Work
from ledger.journal import Transaction
from payments import books
from payments.desk import Desk
from payments.moving import Heard, Moving
from payments.states import State
from payments.writing import write
from wallets import collections
from wallets.port import Verdict

T = TypeVar("T")

SQL = package_sql(__file__)

_AT_ONCE: Final = 100
_WAITING: Final = 1000


@dataclass(eq=False, slots=True)
class Step(Generic[T]):
    """One decision about one payment.

    ``decide`` changes only the ``Moving`` it gets, and may be called again when the transaction has
    to be repeated. ``held``: the work that it may finish, if it is still ours. ``heard`` is stored
    as evidence; such a step returns None.
    """

    payment: UUID
    decide: Callable[[Moving], T]
    held: Work | None = None
    heard: Heard | None = None
    events: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Came:
    """What a step came to."""

    value: object = None
    problem: Exception | None = None
    is_held: bool = False
    """Somebody else has locked the payment; nothing was done."""


_Steps = GroupCommit[Step[Any], _Came]


def heard(desk: Desk, verdict: Verdict) -> Heard:
    """A verdict with ids for its evidence: by them a commit that nobody heard of is found."""
    return Heard(verdict, tuple(desk.ids.new() for _ in verdict.evidence))


async def take(desk: Desk, step: Step[T]) -> T:
    """Take a step; returns what it decided when that is committed.

    Raises LeaseLost if it finishes work that is another's now, LookupError if there is no such
    payment, what ``decide`` raised, Busy (nothing written) or Lost. A step without evidence whose
    commit got lost is taken again: it finds what a worker finds whose predecessor died.
    """
    came = await _steps(desk).submit(step)
    if came.is_held:
        # By another process, or by one that is gone and whose session is not yet: nobody else shall
        # wait for that.
        async with desk.database.transaction() as connection:
            (came,) = await _write(desk, connection, [step], waits=True)
    if came.problem is not None:
        raise came.problem
    for name, level, fields in step.events:
        event(name, level=level, **fields)
    return cast(T, came.value)


def _steps(desk: Desk) -> _Steps:
    def make() -> _Steps:
        return GroupCommit(
            desk.database,
            partial(_write, desk),
            recall=_recall,
            name="advances",
            limit=_AT_ONCE,
            waiting=_WAITING,
        )

    return desk.groups.of("advances", make)


async def _write(
    desk: Desk, connection: Connection, steps: Sequence[Step[Any]], *, waits: bool = False
) -> list[_Came]:
    """Take steps in the caller's transaction; ``waits``: for payments that others hold, too."""
    came: dict[int, _Came] = {}
    entries: list[Transaction] = []
    waiting = dict(enumerate(steps))
    payments = {step.payment for step in steps}
    rows = await connection.fetch(SQL["lock_payments" if waits else "lock_free_payments"], payments)
    if held := payments - {row["id"] for row in rows}:
        there = await connection.fetch(SQL["payments_there"], held)
        held = {row["id"] for row in there}
        came = {at: _Came(is_held=True) for at, step in waiting.items() if step.payment in held}
        waiting = {at: step for at, step in waiting.items() if at not in came}
    while waiting:
        came |= await _round(desk, connection, waiting, entries)
        waiting = {place: step for place, step in waiting.items() if place not in came}
    if entries:
        await books.book(connection, entries)
    return [came[place] for place in range(len(steps))]


async def _round(
    desk: Desk,
    connection: Connection,
    waiting: Mapping[int, Step[Any]],
    entries: list[Transaction],
) -> dict[int, _Came]:
    """Take the first step of each payment; the next one of the same sees what it did."""
    first: dict[UUID, int] = {}
    for place, step in waiting.items():
        first.setdefault(step.payment, place)
    rows = {row["id"]: row for row in await connection.fetch(SQL["locked_payments"], [*first])}
    items = [item for place in first.values() if (item := waiting[place].held) is not None]
    held = await work.hold(connection, items) if items else set()
    # Under the lock, for one whose commit nobody heard of may have committed only now.
    taken = await _taken(connection, [waiting[place] for place in first.values()])
    at = desk.clock.now()
    came: dict[int, _Came] = {}
    moved: list[Moving] = []
    for payment, place in first.items():
        step, row = waiting[place], rows.get(payment)
        if row is None:
            came[place] = _Came(problem=LookupError(f"no payment {payment}"))
            continue
        if _last_word(step) in taken:
            came[place] = _Came()
            continue
        moving = Moving(payment, State(row["state"]), row, at)
        came[place] = outcome = _decide(step, moving, held)
        if outcome.problem is None:
            moved.append(moving)
    if moved:
        await write(desk, connection, moved, at=at)
        entries += [entry for moving in moved for entry in moving.changes.entries]
    return came


def _decide(step: Step[Any], moving: Moving, held: set[int]) -> _Came:
    moving.changes.heard = step.heard
    moving.evidence = _last_word(step)
    try:
        value = step.decide(moving)
    except Exception as problem:  # this step's alone: its caller gets it
        return _Came(problem=problem)
    for item in moving.changes.finished:
        if item.id not in held:
            return _Came(problem=LeaseLost(f"{item.kind} {item.key}"))
    step.events = moving.changes.events
    return _Came(value)


async def _recall(connection: Connection, steps: Sequence[Step[Any]]) -> list[_Came | None]:
    """Steps whose evidence is there were taken; of the others nobody knows."""
    taken = await _taken(connection, steps)
    return [_Came() if _last_word(step) in taken else None for step in steps]


async def _taken(connection: Connection, steps: Sequence[Step[Any]]) -> set[UUID | None]:
    words = [word for step in steps if (word := _last_word(step)) is not None]
    return {*await collections.stored(connection, words)} if words else set()


def _last_word(step: Step[Any]) -> UUID | None:
    return step.heard.ids[-1] if step.heard is not None and step.heard.ids else None
