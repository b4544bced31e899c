"""./mizan ledger audit and rules."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from decimal import Decimal
from typing import Final

from kernel.database import Connection
from ledger.audit import Audit, Opinion, audit
from ledger.rules.page import markdown
from ledger.terminal import Commands, complain

_HOW_TO_GET: Final = {
    "beancount": "pip install -r requirements-dev.txt",
    "hledger": "Debian, Ubuntu: apt install hledger",
}


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser of ``./mizan ledger``."""
    judged = commands.add_parser(
        "audit", help="let beancount and hledger add up the journal, where they are installed"
    )
    judged.add_argument("--json", action="store_true")
    judged.set_defaults(command=_audit)

    rules = commands.add_parser("rules", help="every way in which money is booked, for finance")
    rules.add_argument("--markdown", action="store_true", required=True, help="as docs/ has it")
    rules.set_defaults(page=markdown)


async def _audit(connection: Connection, options: argparse.Namespace) -> int:
    found = await audit(connection)
    if options.json:
        print(json.dumps(_as_json(found), ensure_ascii=False, indent=2))
    else:
        print(f"{found.transactions} transactions")
        for name, opinion in found.opinions.items():
            for line in _told(opinion, name):
                print(f"{name}: {line}")
    if not any(found.opinions.values()):
        return complain("nobody audited anything: neither program is installed")
    return 0 if found.is_sound else 1


def _told(opinion: Opinion | None, name: str) -> list[str]:
    """One program's opinion in lines."""
    if opinion is None:
        return [f"not installed, so it checked nothing ({_HOW_TO_GET.get(name, name)})"]
    if opinion.refusal:
        return [f"REFUSES the journal: {opinion.refusal}"]
    lines = [f"accepts the journal, {opinion.accounts} accounts"]
    lines += [
        f"OTHER BALANCE of {each.account}: {_plain(each.theirs)}, ours is {_plain(each.ours)}"
        for each in opinion.differences
    ] or ["computes every balance as ours"]
    control = {
        True: "refuses it with one posting changed by one minor unit",
        False: "DOES NOT NOTICE one posting changed by one minor unit: its word is worth nothing",
        None: "nothing is booked, so there is no posting to change",
    }
    return [*lines, control[opinion.noticed]]


def _plain(balance: Decimal | None) -> str:
    return "missing" if balance is None else str(balance)


def _as_json(found: Audit) -> dict[str, object]:
    programs = {
        name: None if each is None else asdict(each) | {"sound": each.is_sound}
        for name, each in found.opinions.items()
    }
    told: dict[str, object] = json.loads(json.dumps(programs, default=str))
    return {"transactions": found.transactions, "sound": found.is_sound, "programs": told}
