"""./mizan dial: a phone in the terminal, from the short code to the receipt."""

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

from kernel.http import HttpClient, NoAnswer, NotSent
from kernel.ids import RandomIds
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.hop import ANSWER_WITHIN_S, Fault, Screen, Session, dialled_entries, hop
from sandbox.settings import SHORT_CODE

LOOK_EVERY_S: Final = 0.25
PROMPT_WITHIN_S: Final = 4.0
"""How long a person at the terminal waits for a prompt that may not come."""

_JSON = {"content-type": "application/json"}
_ROOT = Path(__file__).resolve().parent.parent
_DEFAULTS = {
    "MIZAN_PUBLIC_URL": "http://127.0.0.1:8000",
    "MIZAN_SANDBOX_URL": "http://127.0.0.1:8001",
}


class Unhappy(Exception):
    """The call cannot go on; the message says why and what to do."""


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
            }
        )


class OperatorPhone:
    """The same phone on the operator's side: its prompts and messages."""

    def __init__(self, http: HttpClient, url: str, msisdn: str) -> None:
        self._http, self._url, self._msisdn = http, url, msisdn
        self._handset = ""
        self._known: set[str] = set()

    async def switch_on(self) -> None:
        """Find the phone and remember which messages are old; raises Unhappy."""
        answer = await self._ask("POST", "/sandbox/phone/handsets", {"msisdn": self._msisdn})
        self._handset = answer["handset"]
        self._known = {message["id"] for message in (await self._state())["messages"]}

    async def prompt(self) -> dict[str, Any] | None:
        """The prompt that the phone shows now."""
        prompts: list[dict[str, Any]] = (await self._state())["prompts"]
        return prompts[0] if prompts else None

    async def news(self) -> list[dict[str, Any]]:
        """Messages that came since the phone was switched on, oldest first."""
        messages = reversed((await self._state())["messages"])
        return [m for m in messages if m["direction"] == "to_phone" and m["id"] not in self._known]

    async def answer(self, prompt_id: str, pin: str | None) -> str:
        """Approve with a PIN, or decline without; returns what came of it."""
        verb = "decline" if pin is None else "approve"
        fields = {} if pin is None else {"pin": pin}
        result = await self._ask("POST", f"/sandbox/phone/prompts/{prompt_id}/{verb}", fields)
        return str(result["result"])

    async def _state(self) -> dict[str, Any]:
        return await self._ask("GET", f"/sandbox/phone/{self._handset}/state")

    async def _ask(
        self, method: str, path: str, fields: dict[str, str] | None = None
    ) -> dict[str, Any]:
        body = None if fields is None else json.dumps(fields).encode()
        try:
            answer = await self._http.send(method, self._url + path, headers=_JSON, body=body)
            told: dict[str, Any] = json.loads(answer.body)
        except (NotSent, NoAnswer, ValueError):
            raise Unhappy(
                f"no sandbox operator answers at {self._url}; ./mizan run starts it"
            ) from None
        return told


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


async def _talk(
    http: HttpClient, gateway: str, session: Session, terminal: Terminal, call: Call
) -> None:
    """Dial and answer until the service ends or there is nothing more to say; raises Unhappy."""
    sent = "*".join([SHORT_CODE.removesuffix("#"), *session.entries]) + "#"
    while True:
        result = await hop(http, gateway, session)
        if isinstance(result, Fault):
            raise Unhappy(_words(result, gateway))
        call.add(sent, result)
        terminal.show(result)
        answer = None if result.ends else terminal.next_answer(len(call.hops) - 1)
        if answer is None:
            return
        session.entries.append(answer)
        sent = answer


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


async def _run(options: argparse.Namespace, terminal: Terminal, call: Call) -> None:
    http = HttpClient()
    try:
        phone = await _phone(http, options, terminal)
        session = Session(str(RandomIds().new()), options.msisdn.e164, options.entries)
        await _talk(http, options.gateway, session, terminal, call)
        if phone is not None and call.hops[-1]["ends"]:
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
    urls = _addresses(os.environ)
    parser = argparse.ArgumentParser(prog="./mizan dial", description=__doc__)
    parser.add_argument("msisdn", metavar="MSISDN", help="the phone that dials: +962790000000")
    parser.add_argument("code", nargs="?", default=SHORT_CODE, help=f"'{SHORT_CODE}' (quote it)")
    parser.add_argument("--keys", help="answers, separated by commas: 1,2,1 (no questions asked)")
    parser.add_argument("--json", action="store_true", help="print every hop as JSON")
    parser.add_argument(
        "--approve", metavar="PIN", help="approve the operator's prompt and wait for the message"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=30.0,
        metavar="S",
        help="how long for the message (%(default)g s)",
    )
    parser.add_argument("--gateway", default=urls["MIZAN_PUBLIC_URL"], help="(%(default)s)")
    parser.add_argument("--operator", default=urls["MIZAN_SANDBOX_URL"], help="(%(default)s)")
    options = parser.parse_args(argv)
    try:
        options.msisdn = Msisdn.parse(options.msisdn)
    except BadMsisdn as problem:
        parser.error(str(problem))
    options.entries = dialled_entries(options.code)
    if options.entries is None:
        parser.error(f"the operator knows '{SHORT_CODE}' and '*789*CONTROL NUMBER#' only")
    if options.keys is not None:
        options.keys = tuple(key.strip() for key in options.keys.split(",") if key.strip())
    options.gateway, options.operator = options.gateway.rstrip("/"), options.operator.rstrip("/")
    return options


def _addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Where gateway and operator listen: by the environment, or where the last run put them."""
    home = Path(environ.get("MIZAN_HOME") or _ROOT / "var")
    try:
        last: dict[str, str] = json.loads((home / "run" / "addresses.json").read_text())
    except (OSError, ValueError):
        last = {}
    given = {name: environ[name] for name in _DEFAULTS if environ.get(name)}
    return _DEFAULTS | last | given


def _words(fault: Fault, gateway: str) -> str:
    return {
        Fault.BAD_CODE: f"the operator knows {SHORT_CODE} only",
        Fault.UNREACHABLE: f"nothing listens at {gateway}; start it with ./mizan run",
        Fault.NO_ANSWER: f"{gateway} did not answer within {ANSWER_WITHIN_S:g} s",
        Fault.BAD_ANSWER: f"{gateway} gave an answer that is no USSD screen",
    }[fault]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
