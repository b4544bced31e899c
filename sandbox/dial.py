"""./mizan dial: a phone in the terminal, from the short code to the receipt; and dialogue files."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from kernel.clock import SystemClock
from kernel.http import HttpClient
from kernel.ids import RandomIds
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.dialogue_commands import rehearse
from sandbox.hop import ANSWER_WITHIN_S, Fault, Leaving, Line, Screen, Session, dialled_entries
from sandbox.networks import HOME_NETWORK, NETWORKS
from sandbox.operator_phone import OperatorPhone, Unhappy
from sandbox.settings import SHORT_CODE

LOOK_EVERY_S: Final = 0.25
PROMPT_WITHIN_S: Final = 4.0
"""How long a person at the terminal waits for a prompt that may not come."""

_ROOT = Path(__file__).resolve().parent.parent
_DEFAULTS = {
    "MIZAN_PUBLIC_URL": "http://127.0.0.1:8000",
    "MIZAN_SANDBOX_URL": "http://127.0.0.1:8001",
}
_TRICKS = """\
instead of an answer:
  !again [N]   deliver the last request (or that of hop N) once more
  !sim NUMBER  another subscriber on the same session
  !drop        the network loses the session and tells nobody
  !timeout     the network gives up waiting, and says so where it can
  !hangup      the subscriber leaves, and the network says so where it can
"""


@dataclass(slots=True)
class Call:
    """One call and what came of it; ``--json`` prints it."""

    hops: list[dict[str, Any]] = field(default_factory=list)
    prompt: dict[str, Any] | None = None
    approval: str | None = None
    messages: list[dict[str, Any]] = field(default_factory=list)

    def add(self, sent: str, screen: Screen) -> None:
        """Write down one hop."""
        self.hops.append(
            {
                "sent": sent,
                "reply": screen.text,
                "ends": screen.ends,
                "alphabet": screen.alphabet,
                "units": screen.units,
                "budget": screen.budget,
            }
        )


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where screens go and answers come from; ``quiet`` for JSON, ``keys`` for scripts."""

    quiet: bool
    keys: tuple[str, ...] | None

    @property
    def asks(self) -> bool:
        """Whether a person answers."""
        return self.keys is None and not self.quiet

    def say(self, text: str) -> None:
        """A line that is not on the phone's screen."""
        if not self.quiet:
            print(text)

    def show(self, screen: Screen) -> None:
        """Draw a screen; rules instead of a frame, which right-to-left lines would break."""
        count = f" {screen.alphabet} {screen.units}/{screen.budget} "
        self.say("─" * 40 + "\n" + screen.text + "\n" + count.rjust(40, "─"))

    def next_answer(self, at: int) -> str | None:
        """What to send next; None: nothing more to send."""
        if self.keys is not None:
            return self.keys[at] if at < len(self.keys) else None
        if self.quiet:
            return None
        try:
            return input("> ").strip()
        except EOFError:
            return None


async def _talk(line: Line, session: Session, terminal: Terminal, call: Call) -> bool:
    """Answer until the service ends or there is nothing more to say; whether it ended."""
    asked = 0
    while True:
        newest = session.sent[-1]
        if isinstance(newest.result, Fault):
            raise Unhappy(_words(newest.result, newest.problem, line.gateway))
        call.add(newest.keyed, newest.result)
        terminal.show(newest.result)
        if newest.result.ends:
            return True
        while True:
            answer = terminal.next_answer(asked)
            asked += 1
            if answer is None:
                return False
            if not answer.startswith("!"):
                break
            if not await _trick(line, session, terminal, answer):
                return False
        await line.answer(session, answer)


async def _follow(
    phone: OperatorPhone, call: Call, terminal: Terminal, options: argparse.Namespace
) -> None:
    """Answer the prompt, if one comes, and wait for the message."""
    pin: str | None = options.approve
    patience_s = options.wait if pin is not None else PROMPT_WITHIN_S
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if call.approval is None and (prompt := await phone.prompt()):
            call.prompt = prompt
            terminal.say(
                f"\nOperator: pay {prompt['amount']} {prompt['currency']} to {prompt['payee']}"
                + (f" for {prompt['description']}" if prompt["description"] else "")
            )
            given = pin if pin is not None else _ask_pin()
            call.approval = await phone.answer(prompt["id"], given)
            terminal.say(f"Operator: {call.approval.replace('_', ' ')}")
            deadline = time.monotonic() + options.wait
        call.messages = await phone.news()
        if call.messages:
            for message in call.messages:
                terminal.say(f"\nSMS from {message['from']}\n{message['text']}")
            return
        await asyncio.sleep(LOOK_EVERY_S)
    if pin is not None:
        raise Unhappy(f"no message came within {patience_s:g} s")


def _ask_pin() -> str | None:
    try:
        pin = getpass.getpass("PIN to approve (any four digits), Enter to decline: ").strip()
    except EOFError:
        return None
    return pin or None


async def _trick(line: Line, session: Session, terminal: Terminal, said: str) -> bool:
    """Something that goes wrong on the way; whether the session goes on. Raises Unhappy."""
    trick, _, about = said[1:].partition(" ")
    if trick == "again":
        hop = int(about) if about.isdecimal() else len(session.sent)
        if not 1 <= hop <= len(session.sent):
            raise Unhappy(f"the session has {len(session.sent)} hops, there is no hop {hop}")
        await line.again(session, hop)
        was = "the same" if session.sent[hop - 1].again[-1] else "another one"
        terminal.say(f"Network: hop {hop} delivered once more; the answer was {was}")
        return True
    if trick == "sim":
        try:
            session.msisdn = Msisdn.parse(about).e164
        except BadMsisdn as problem:
            raise Unhappy(str(problem)) from None
        terminal.say("Network: another subscriber from here on")
        return True
    leaving = {"drop": None, "timeout": Leaving.TIMED_OUT, "hangup": Leaving.HUNG_UP}
    if trick not in leaving:
        raise Unhappy(f"no trick {said!r}; --help lists them")
    if (how := leaving[trick]) is not None:
        await line.leave(session, how)
    told = how is not None and session.network.tells(how)
    terminal.say(f"Network: session over; the gateway {'was told' if told else 'hears nothing'}")
    return False


async def _run(options: argparse.Namespace, terminal: Terminal, call: Call) -> None:
    http = HttpClient()
    try:
        phone = await _phone(http, options, terminal)
        line = Line(http, options.gateway, SystemClock(), RandomIds())
        session = await line.dial(NETWORKS[options.channel], options.msisdn.e164, options.code)
        assert session is not None  # the code was looked at before
        if await _talk(line, session, terminal, call) and phone is not None:
            await _follow(phone, call, terminal, options)
    finally:
        await http.close()


async def _phone(
    http: HttpClient, options: argparse.Namespace, terminal: Terminal
) -> OperatorPhone | None:
    """The operator's side, a must with ``--approve``; a person at a terminal can do without."""
    if options.approve is None and not (terminal.asks and sys.stdin.isatty()):
        return None
    phone = OperatorPhone(http, options.operator, options.msisdn.e164)
    try:
        await phone.switch_on()
    except Unhappy:
        if options.approve is not None:
            raise
        return None
    return phone


def main(argv: Sequence[str]) -> int:
    """0: the call went through; 1: it did not, and why is on standard error; 2: wrong arguments."""
    options = _options(argv)
    if options.script:
        return asyncio.run(rehearse(options))
    terminal = Terminal(quiet=options.json, keys=options.keys)
    call, problem = Call(), ""
    try:
        asyncio.run(_run(options, terminal, call))
    except Unhappy as caught:
        problem = str(caught)
    if options.json:
        result = {"hops": call.hops, "prompt": call.prompt, "approval": call.approval}
        result |= {"messages": call.messages, "problem": problem or None}
        print(json.dumps(result, ensure_ascii=False, indent=2))
    if problem:
        print(f"dial: {problem}", file=sys.stderr)
    return 1 if problem else 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = _parser(_addresses(os.environ))
    options = parser.parse_args(argv)
    options.gateway, options.operator = options.gateway.rstrip("/"), options.operator.rstrip("/")
    if options.script:
        options.values = dict(pair.partition("=")[::2] for pair in options.set)
        return options
    if options.msisdn is None or options.channel == "all":
        parser.error("a phone and its network: MSISDN, and --channel with one name")
    try:
        options.msisdn = Msisdn.parse(options.msisdn)
    except BadMsisdn as problem:
        parser.error(str(problem))
    if dialled_entries(options.code) is None:
        parser.error(f"the operator knows '{SHORT_CODE}' and '*789*CONTROL NUMBER#' only")
    if options.keys is not None:
        options.keys = tuple(key.strip() for key in options.keys.split(",") if key.strip())
    return options


def _parser(urls: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./mizan dial",
        description=__doc__,
        epilog=_TRICKS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("msisdn", nargs="?", metavar="MSISDN", help="the phone that dials: +962790000000")
    add("code", nargs="?", default=SHORT_CODE, help=f"'{SHORT_CODE}' (quote it)")
    add("--keys", help="answers, separated by commas: 1,2,1 (no questions asked)")
    add(
        "--channel",
        choices=[*NETWORKS, "all"],
        default=HOME_NETWORK,
        metavar="NAME",
        help=f"the network, and so the protocol: {', '.join(NETWORKS)}; with --script also all",
    )
    add("--json", action="store_true", help="print every hop, or how the files went, as JSON")
    add("--approve", metavar="PIN", help="approve the operator's prompt and wait for the message")
    wait = "how long for a prompt or a message (%(default)g s)"
    add("--wait", type=float, default=30.0, metavar="S", help=wait)
    add("--script", nargs="+", metavar="FILE", help="play dialogue files (docs/dialogues.md)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="a value for a script")
    add("--gateway", default=urls["MIZAN_PUBLIC_URL"], help="(%(default)s)")
    add("--operator", default=urls["MIZAN_SANDBOX_URL"], help="(%(default)s)")
    return parser


def _addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Where gateway and operator listen: by the environment, or where the last run put them."""
    home = Path(environ.get("MIZAN_HOME") or _ROOT / "var")
    try:
        last: dict[str, str] = json.loads((home / "run" / "addresses.json").read_text())
    except (OSError, ValueError):
        last = {}
    given = {name: environ[name] for name in _DEFAULTS if environ.get(name)}
    return _DEFAULTS | last | given


def _words(fault: Fault, problem: str, gateway: str) -> str:
    words = {
        Fault.UNREACHABLE: f"nothing listens at {gateway}; start it with ./mizan run",
        Fault.NO_ANSWER: f"{gateway} did not answer within {ANSWER_WITHIN_S:g} s",
    }
    return words.get(fault, f"{gateway} gave an answer that is no USSD screen: it {problem}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
