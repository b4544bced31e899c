"""./mizan ledger guard and guards: limits that accounts must keep, and who set them."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from kernel.database import Connection
from kernel.money import BadAmount, Money
from ledger import chart, guards
from ledger.guards import Guard, Guarded
from ledger.terminal import Commands, complain, signed_in

_MEASURED = "balance: debits less credits, as in the trial balance; what we owe is negative"


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser of ``./mizan ledger``."""
    put = commands.add_parser(
        "guard",
        help="limits of one account, from now on",
        description="What would move the account beyond a limit is refused; what moves it back is"
        f" not. AMOUNT is in whole units of the account's currency (500.000 JOD, not fils) and of"
        f" the {_MEASURED}. What is not named stays as it is.",
    )
    put.add_argument("account", help="for example Assets:Clearing:SANDBOX:JOD")
    put.add_argument("--least", metavar="AMOUNT", help="no lower balance (0: no overdraft)")
    put.add_argument("--most", metavar="AMOUNT", help="no higher balance (an exposure cap)")
    put.add_argument("--closed", action="store_true", help="no entry at all")
    put.add_argument("--none", action="store_true", help="no limit any more, open again")
    put.add_argument("--new", action="store_true", help="nothing was booked on the account yet")
    put.add_argument("--reason", required=True, help="why; it stays with the limits")
    put.add_argument("--by", default=signed_in(), metavar="NAME", help="who does it (you)")
    put.set_defaults(command=_guard)

    listed = commands.add_parser("guards", help="every account with limits, and its balance")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(command=_guards)


async def _guard(connection: Connection, options: argparse.Namespace) -> int:
    why_not = _misunderstood(options)
    if why_not:
        return complain(why_not)
    try:
        currency = chart.parse(options.account).currency
        least, most = (
            None if typed is None else Money.parse(typed, currency)
            for typed in (options.least, options.most)
        )
        async with connection.transaction():
            if not options.new and not await guards.is_account(connection, options.account):
                return complain(f"no account {options.account} (--new if it is about to be used)")
            known = await guards.held(connection, options.account)
            if options.none:
                return await _lift(connection, options, known)
            before = known.guard if known else Guard(options.account)
            wanted = replace(
                before,
                minimum=before.minimum if least is None else least,
                maximum=before.maximum if most is None else most,
                is_closed=before.is_closed or options.closed,
                by=options.by.strip(),
                reason=options.reason.strip(),
            )
            await guards.guard(connection, wanted)
            now = (await guards.guards(connection, options.account))[options.account]
    except (chart.BadAccount, BadAmount, ValueError) as problem:
        return complain(str(problem))
    print(_told(now))
    if now.guard.is_passed_by(now.balance):
        complain("it is beyond a limit already: what moves it back is booked, what moves it"
                 " further is refused")  # fmt: skip
    return 0


def _misunderstood(options: argparse.Namespace) -> str:
    limits = options.closed or options.least is not None or options.most is not None
    if limits == options.none:
        return "name a limit (--least, --most, --closed), or --none"
    if not options.by.strip():
        return "who does it must be named (--by)"
    return "" if options.reason.strip() else "it needs a reason (--reason)"


async def _lift(connection: Connection, options: argparse.Namespace, known: Guarded | None) -> int:
    if known is None:
        return complain(f"{options.account} has no limits")
    by, reason = options.by.strip(), options.reason.strip()
    await guards.lift(connection, options.account, by=by, reason=reason)
    print(f"{options.account}  no limits any more, balance {known.balance}")
    return 0


async def _guards(connection: Connection, options: argparse.Namespace) -> int:
    found = list((await guards.guards(connection)).values())
    if options.json:
        document = {"measured": _MEASURED, "guards": [_as_json(each) for each in found]}
        print(json.dumps(document, ensure_ascii=False, indent=2))
        return 0
    for each in found:
        print(_told(each))
    print(f"({_MEASURED})" if found else "No account has limits.")
    return 0


def _told(found: Guarded) -> str:
    limits = found.guard
    said = [
        *([f"at least {limits.minimum}"] if limits.minimum is not None else []),
        *([f"at most {limits.maximum}"] if limits.maximum is not None else []),
        *(["closed"] if limits.is_closed else []),
    ]
    who = f"  ({limits.by}: {limits.reason})" if limits.by else ""
    return f"{limits.account}  {', '.join(said)}, balance {found.balance}{who}"


def _as_json(found: Guarded) -> dict[str, object]:
    limits = found.guard
    return {
        "account": limits.account,
        "currency": found.balance.currency,
        "least": limits.minimum.plain() if limits.minimum is not None else None,
        "most": limits.maximum.plain() if limits.maximum is not None else None,
        "closed": limits.is_closed,
        "balance": found.balance.plain(),
        "by": limits.by,
        "reason": limits.reason,
        "at": found.set_at.isoformat() if found.set_at else None,
    }
