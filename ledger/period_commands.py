"""./mizan ledger close, closings, reopen, approve and cut."""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final

from kernel.clock import Clock, SystemClock
from kernel.database import Connection
from kernel.ids import Ids, RandomIds
from kernel.money import Money
from ledger import periods
from ledger.checklist import CHECKS, Check, Item
from ledger.cut import NotSealed, cut
from ledger.periods import Closing, Order, PeriodKind, PeriodRefusal, Refused
from ledger.terminal import MAX_NUMBER, MAX_POSITION, Commands, complain, number, signed_in

PATIENCE_S: Final = 10.0
"""How long a closing waits for the sealer when nothing else is open."""

_LOOK_AGAIN_S: Final = 0.25
_number = number(1, MAX_NUMBER)
_position = number(0, MAX_POSITION)


async def _no_zones(connection: Connection) -> Iterable[str]:
    del connection
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingDesk:
    """What closing needs from outside the ledger: all checks, the zones of the books, a clock."""

    checks: Mapping[str, Check] = field(default_factory=lambda: CHECKS)
    zones: Callable[[Connection], Awaitable[Iterable[str]]] = _no_zones
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    patience_s: float = PATIENCE_S


def add_commands(commands: Commands, desk: ClosingDesk) -> None:
    """Add the commands to the parser of ``./mizan ledger``."""
    close = commands.add_parser("close", help="shut a day or a month, and all days before it")
    close.add_argument("kind", choices=[*PeriodKind], metavar="day|month")
    close.add_argument(
        "--until", type=date.fromisoformat, metavar="DATE",
        help="last day that is shut (the last one that is over)",
    )  # fmt: skip
    close.add_argument(
        "--accept", action="append", default=[], type=_acceptance, metavar="NAME=REASON",
        help="close although this check is open",
    )  # fmt: skip
    close.add_argument(
        "--to-retained-earnings", action="store_true",
        help="carry income and expenses to equity first",
    )  # fmt: skip
    _by(close, partial(_close, desk))

    listed = commands.add_parser("closings", help="every closing there was, newest first")
    listed.add_argument("--number", type=_number, metavar="N", help="one, with its balances")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(command=_closings)

    reopen = commands.add_parser("reopen", help="ask for the last closing to be reopened")
    reopen.add_argument("--reason", required=True)
    _by(reopen, partial(_reopen, desk))
    approve = commands.add_parser("approve", help="agree to reopening, as another person")
    approve.add_argument("request", type=_number)
    _by(approve, partial(_approve, desk))

    part = commands.add_parser("cut", help="turnovers between two positions of the journal")
    part.add_argument(
        "--since", type=_position, required=True, metavar="P", help="behind this one; 0: all"
    )
    part.add_argument(
        "--until", type=_position, metavar="P", help="up to this one (all that is sealed)"
    )
    part.add_argument("--account-prefix", default="", metavar="PATH")
    form = part.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--csv", action="store_true")
    part.set_defaults(command=_cut)


def _by(parser: argparse.ArgumentParser, command: object) -> None:
    parser.add_argument("--by", default=signed_in(), metavar="NAME", help="who does it (you)")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(command=command)


def _acceptance(text: str) -> tuple[str, str]:
    name, _, reason = text.partition("=")
    if not name.strip() or not reason.strip():
        raise argparse.ArgumentTypeError("must be NAME=REASON")
    return name.strip(), reason.strip()


async def _close(desk: ClosingDesk, connection: Connection, options: argparse.Namespace) -> int:
    now = desk.clock.now()
    latest = periods.latest_day(now, await desk.zones(connection))
    kind = PeriodKind(options.kind)
    order = Order(
        kind=kind,
        until=options.until or (latest if kind is PeriodKind.DAY else periods.month_end(latest)),
        latest=latest,
        by=options.by,
        at=now,
        accepted=dict(options.accept),
    )
    if options.to_retained_earnings:
        refused = await _carry(desk, connection, order)
        if refused:
            return _refuse(refused, options)
    made = await _close_when_sealed(desk, connection, order)
    if isinstance(made, Refused):
        return _refuse(made, options)
    changed = []
    if made.replaces:
        before = await periods.closing(connection, made.replaces)
        changed = await periods.changes(connection, before) if before else []
    told = _as_json(made) | {
        "changes": [
            {"account": each.account, "then": each.then.plain(), "now": each.now.plain()}
            for each in changed
        ]
    }
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    print(f"closed up to and with {made.until}: number {made.number}, position {made.position}")
    print(f"balances {made.hash.hex()}")
    _print_items(made.items)
    for each in changed:
        print(f"not as in closing {made.replaces}: {each.account}  {each.then} -> {each.now}")
    return 0


async def _carry(desk: ClosingDesk, connection: Connection, order: Order) -> Refused | None:
    """Book the results of the period, if it can be closed but for the sealer."""
    refused = await periods.check(connection, order, desk.checks)
    if refused and not refused.is_for_the_sealer:
        return refused
    carried = await periods.carry_results(
        connection, id=desk.ids.new(), until=order.until, by=order.by
    )
    return carried if isinstance(carried, Refused) else None


async def _close_when_sealed(
    desk: ClosingDesk, connection: Connection, order: Order
) -> Closing | Refused:
    loop = asyncio.get_running_loop()
    give_up = loop.time() + desk.patience_s
    while True:
        made = await periods.close(connection, order, desk.checks)
        if not isinstance(made, Refused) or not made.is_for_the_sealer or loop.time() >= give_up:
            return made
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _closings(connection: Connection, options: argparse.Namespace) -> int:
    if options.number is not None:
        found = await periods.closing(connection, options.number)
        if found is None:
            return complain(f"no closing {options.number}")
        changed = await periods.changes(connection, found)
        if options.json:
            told = _as_json(found) | {"snapshot": found.snapshot, "intact": found.is_intact}
            print(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            print(found.snapshot, end="")
        for each in changed:
            complain(f"not so any more: {each.account} {each.then} -> {each.now}")
        is_wrong = not found.is_intact or (changed and found.reopening is None)
        return 1 if is_wrong else 0
    made = await periods.closings(connection)
    pending = await periods.pending_reopenings(connection)
    if options.json:
        asked = [
            {
                "number": each.number,
                "closing": each.closing,
                "by": each.requested_by,
                "at": each.requested_at.isoformat(),
                "reason": each.reason,
            }
            for each in pending
        ]
        shut = await periods.lock_date(connection)
        document = {
            "locked_until": str(shut) if shut else None,
            "closings": [_as_json(each) for each in made],
            "requests": asked,
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return 0
    for one in made:
        again = f"  reopened by {one.reopening.approved_by}" if one.reopening else ""
        print(f"{one.number:5}  {one.kind:5}  {one.until}  {one.closed_by}{again}")
    for asks in pending:
        print(f"request {asks.number} by {asks.requested_by}: reopen {asks.closing}: {asks.reason}")
    if not made:
        print("Nothing is closed.")
    return 0


async def _reopen(desk: ClosingDesk, connection: Connection, options: argparse.Namespace) -> int:
    asked = await periods.request_reopening(
        connection, by=options.by, at=desk.clock.now(), reason=options.reason
    )
    if isinstance(asked, Refused):
        return _refuse(asked, options)
    if options.json:
        print(json.dumps({"request": asked.number, "closing": asked.closing}))
    else:
        print(f"request {asked.number}; another person: ./mizan ledger approve {asked.number}")
    return 0


async def _approve(desk: ClosingDesk, connection: Connection, options: argparse.Namespace) -> int:
    opened = await periods.approve_reopening(
        connection, options.request, by=options.by, at=desk.clock.now()
    )
    if isinstance(opened, Refused):
        return _refuse(opened, options)
    shut = await periods.lock_date(connection)
    if options.json:
        document = {"reopened": opened.number, "locked_until": str(shut) if shut else None}
        print(json.dumps(document))
    else:
        print(f"closing {opened.number} is reopened; shut up to: {shut or 'nothing'}")
    return 0


async def _cut(connection: Connection, options: argparse.Namespace) -> int:
    try:
        found = await cut(
            connection,
            since=options.since,
            until=options.until,
            account_prefix=options.account_prefix,
        )
    except NotSealed as problem:
        return complain(str(problem))
    header = ("account", "currency", "debits", "credits", "balance")
    rows = [
        (account.path, account.currency, each.debits, each.credits, each.balance)
        for account, each in found.accounts.items()
    ]
    plain = [[cell.plain() if isinstance(cell, Money) else cell for cell in row] for row in rows]
    if options.json:
        document = {
            "since": found.since,
            "until": found.until,
            "transactions": found.transactions,
            "accounts": [dict(zip(header, row, strict=True)) for row in plain],
        }
        print(json.dumps(document, indent=2))
    elif options.csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([header, *plain])
    else:
        print(f"positions {found.since + 1} to {found.until}: {found.transactions} transactions")
        for path, _, debits, credits, balance in rows:
            print(f"{path}  {debits}  {credits}  {balance}")
    return 0


def _as_json(made: Closing) -> dict[str, object]:
    again = made.reopening
    return {
        "number": made.number,
        "kind": made.kind,
        "until": made.until.isoformat(),
        "closed_at": made.closed_at.isoformat(),
        "by": made.closed_by,
        "position": made.position,
        "hash": made.hash.hex(),
        "replaces": made.replaces,
        "checks": [each.as_json() for each in made.items],
        "reopened": again
        and {
            "requested_by": again.requested_by,
            "approved_by": again.approved_by,
            "at": again.approved_at.isoformat(),
            "reason": again.reason,
        },
    }


def _refuse(refused: Refused, options: argparse.Namespace) -> int:
    if options.json:
        document = {
            "refused": refused.reason,
            "detail": refused.detail,
            "checks": [each.as_json() for each in refused.items],
        }
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _print_items(refused.items)
    detail = f" ({refused.detail})" if refused.detail else ""
    return complain(f"{periods.MEANING[PeriodRefusal(refused.reason)]}{detail}")


def _print_items(items: Iterable[Item]) -> None:
    for item in items:
        state = "open" if item.is_open else f"accepted: {item.accepted}" if item.findings else "ok"
        print(f"{item.name:10}  {state}")
        for each in item.findings:
            since = f", since {each.since}" if each.since else ""
            print(f"            {each.count} × {each.what}{since}")
