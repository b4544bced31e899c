"""Plays a dialogue file against a running gateway and says where it was not as written."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from kernel.http import HttpClient
from kernel.ids import Ids
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.hop import Fault, Leaving, Line, Screen, Session
from sandbox.networks import HOME_NETWORK, NETWORKS, Network
from sandbox.operator_phone import OperatorPhone, Unhappy
from sandbox.script import GRAMMAR, BadScript, Step, pattern, valued

LOOK_EVERY_S: Final = 0.05
MAX_PAGES: Final = 20
PIN: Final = "1234"

Issue = Callable[[str, str, Mapping[str, str]], Awaitable[str]]
"""Issues a bill of an agency and service, with options; gives its control number, or Unhappy."""


class Broken(Exception):
    """A dialogue that did not go as written."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(expected, seen)
        self.expected, self.seen = expected, seen


@dataclass(slots=True)
class Report:
    """How a dialogue went: ``steps`` that were done, and the one that was not as written."""

    steps: list[dict[str, Any]] = field(default_factory=list)
    failure: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        """Whether everything was as written."""
        return self.failure is None


@dataclass(slots=True)
class InHand:
    """A phone that the dialogue uses, and what it has shown."""

    msisdn: str
    network: Network
    operator: OperatorPhone
    session: Session | None = None
    shown: Screen | Fault | None = None
    problem: str = ""
    lost: bool = False
    read: set[str] = field(default_factory=set)
    told: str = ""
    """The last message, or the last screen: what ``keep`` looks at."""


class Player:
    """Plays one dialogue; ``network`` is for phones that name none."""

    def __init__(
        self,
        http: HttpClient,
        line: Line,
        ids: Ids,
        *,
        operator: str,
        issue: Issue,
        network: str = HOME_NETWORK,
        values: Mapping[str, str] | None = None,
        wait_s: float = 30.0,
    ) -> None:
        self._http, self._line, self._ids, self._operator = http, line, ids, operator
        self._issue, self._network, self._wait_s = issue, network, wait_s
        self._values: dict[str, str] = {"NETWORK": network, **(values or {})}
        self._given = frozenset(values or ())
        self._phones: dict[str, InHand] = {}
        self._phone: InHand | None = None

    async def play(self, steps: Sequence[Step]) -> Report:
        """Do every step until one is not as written."""
        report = Report()
        for step in steps:
            done: dict[str, Any] = {"line": step.line, "step": step.words}
            report.steps.append(done)
            try:
                await self._do(step)
            except Broken as broken:
                report.failure = {**done, "expected": broken.expected, "seen": broken.seen}
            except (BadScript, Unhappy, BadMsisdn) as problem:
                report.failure = {**done, "expected": "", "seen": str(problem)}
            if self._phone is not None and isinstance(self._phone.shown, Screen):
                done["screen"] = self._phone.shown.text
            if report.failure is not None:
                return report
        return report

    async def _do(self, step: Step) -> None:
        if step.verb not in ("bill", "number", "let", "keep"):
            step = replace(
                step,
                argument=valued(step.argument, self._values),
                block=tuple(valued(line, self._values) for line in step.block),
            )
        await _ACTS[step.verb](self, step)

    # Values.

    async def _let(self, step: Step) -> None:
        name, value = step.named
        if name not in self._given:
            self._values[name] = valued(value, self._values)

    async def _number(self, step: Step) -> None:
        name, shape = step.named
        if name not in self._given:
            self._values[name] = re.sub(r"\?", lambda _: self._ids.digits(2)[-1], shape)

    async def _bill(self, step: Step) -> None:
        name, what = step.named
        # A value is one word, whatever is in it.
        agency, service, *options = [valued(word, self._values) for word in what.split()]
        if name not in self._given:
            chosen = dict(option.split("=", 1) for option in options)
            self._values[name] = await self._issue(agency, service, chosen)

    async def _keep(self, step: Step) -> None:
        name, shape = step.named
        told = self._mine.told
        try:
            found = re.search(shape, told)
        except re.error as problem:
            raise BadScript(f"keep has no regular expression: {problem}") from None
        if found is None:
            raise Broken(f"something like {shape}", told)
        self._values[name] = re.sub(r"\s", "", found[1] if found.re.groups else found[0])

    # Phones and sessions.

    @property
    def _mine(self) -> InHand:
        if self._phone is None:
            raise BadScript("take a phone in hand first: phone NUMBER")
        return self._phone

    async def _take(self, step: Step) -> None:
        number, _, name = step.argument.partition(" on ")
        network = NETWORKS.get(name.strip() or self._network)
        if network is None:
            raise BadScript(f"no network {name.strip()!r}; there are {', '.join(NETWORKS)}")
        msisdn = Msisdn.parse(number).e164
        if msisdn not in self._phones:
            operator = OperatorPhone(self._http, self._operator, msisdn)
            await operator.switch_on()
            self._phones[msisdn] = InHand(msisdn, network, operator)
        self._phone = self._phones[msisdn]
        if name:
            self._phone.network = network

    async def _dial(self, step: Step) -> None:
        phone = self._mine
        phone.session = await self._line.dial(phone.network, phone.msisdn, step.argument)
        if phone.session is None:
            raise BadScript("the operator knows *789# and *789*…# only")
        self._show(phone)

    async def _press(self, step: Step) -> None:
        for key in step.argument.split():
            await self._send(key)

    async def _type(self, step: Step) -> None:
        await self._send(step.argument)

    async def _twice(self, step: Step) -> None:
        await self._send(step.argument, twice=True)
        sent = self._session.sent[-1]
        if not sent.again[-1]:
            raise Broken("the same answer to both", "two answers, the first is: " + self._seen)

    async def _choose(self, step: Step) -> None:
        await self._send(self._key_of(step.argument))

    async def _find(self, step: Step) -> None:
        text, _, option = step.argument.rpartition(" by ")
        for _ in range(MAX_PAGES):
            if pattern(text).search(self._text):
                return
            await self._send(self._key_of(option))
        raise Broken(text, f"not on {MAX_PAGES} screens; the last is {self._seen}")

    async def _send(self, text: str, *, twice: bool = False) -> None:
        phone, session = self._mine, self._session
        if phone.lost or not session.is_open:
            raise Broken(f"a screen that waits for {text!r}", self._seen)
        await self._line.answer(session, text, twice=twice)
        self._show(phone)

    async def _again(self, step: Step) -> None:
        session = self._session
        hop = int(step.argument) if step.argument else len(session.sent)
        if hop > len(session.sent):
            raise BadScript(f"the session has {len(session.sent)} hops only")
        repeated = await self._line.again(session, hop)
        self._mine.shown, self._mine.problem = repeated.result, repeated.problem
        if hop == len(session.sent) and not session.sent[-1].again[-1]:
            raise Broken(session.sent[-1].answer.decode("utf-8", "replace"), self._seen)

    async def _drop(self, _: Step) -> None:
        self._leave(Fault.DROPPED)

    async def _timeout(self, _: Step) -> None:
        session = self._leave(Fault.TIMED_OUT)
        await self._line.leave(session, Leaving.TIMED_OUT)

    async def _hangup(self, _: Step) -> None:
        session = self._leave(Fault.DROPPED)
        await self._line.leave(session, Leaving.HUNG_UP)

    def _leave(self, how: Fault) -> Session:
        phone, session = self._mine, self._session
        if phone.lost or not session.is_open:
            raise Broken("a session that goes on", self._seen)
        phone.lost, phone.shown = True, how
        return session

    async def _sim(self, step: Step) -> None:
        self._session.msisdn = Msisdn.parse(step.argument).e164

    # What is seen.

    async def _see(self, step: Step) -> None:
        if not pattern(step.argument).search(self._text):
            raise Broken(step.argument, self._seen)

    async def _absent(self, step: Step) -> None:
        if pattern(step.argument).search(self._text):
            raise Broken(f"no {step.argument}", self._seen)

    async def _screen(self, step: Step) -> None:
        lines = [" ".join(line.split()) for line in self._text_of_screen.splitlines()]
        same = len(lines) == len(step.block) and all(
            pattern(wanted).fullmatch(line) for wanted, line in zip(step.block, lines, strict=True)
        )
        if not same:
            raise Broken("\n".join(step.block), self._seen)

    async def _ends(self, _: Step) -> None:
        if not (isinstance(self._mine.shown, Screen) and self._mine.shown.ends):
            raise Broken("the end of the session", self._seen)

    async def _waits(self, _: Step) -> None:
        if not (isinstance(self._mine.shown, Screen) and not self._mine.shown.ends):
            raise Broken("a screen that waits for an answer", self._seen)

    # The operator's side.

    async def _prompt(self, step: Step) -> None:
        prompt = await self._prompted()
        told = f"pay {prompt['amount']} {prompt['currency']} to {prompt['payee']}"
        told = f"{told} for {prompt['description']}"
        if not pattern(step.argument).search(told):
            raise Broken(step.argument, told)

    async def _approve(self, step: Step) -> None:
        await self._answer_prompt("approved", step.argument or PIN)

    async def _decline(self, _: Step) -> None:
        await self._answer_prompt("declined", None)

    async def _answer_prompt(self, wanted: str, pin: str | None) -> None:
        said = await self._mine.operator.answer((await self._prompted())["id"], pin)
        if said != wanted:
            raise Broken(wanted, said)

    async def _prompted(self) -> dict[str, Any]:
        deadline = time.monotonic() + self._wait_s
        while (prompt := await self._mine.operator.prompt()) is None:
            if time.monotonic() > deadline:
                raise Broken("a prompt on the phone", f"none within {self._wait_s:g} s")
            await asyncio.sleep(LOOK_EVERY_S)
        return prompt

    async def _sms(self, step: Step) -> None:
        phone, deadline = self._mine, time.monotonic() + self._wait_s
        while True:
            unread = [one for one in await phone.operator.news() if one["id"] not in phone.read]
            for message in unread:
                if pattern(step.argument).search(" ".join(message["text"].split())):
                    phone.read.add(message["id"])
                    phone.told = message["text"]
                    return
            if time.monotonic() > deadline:
                texts = "\n".join(message["text"] for message in unread) or "no message"
                raise Broken(step.argument, f"{texts} (within {self._wait_s:g} s)")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _debits(self, step: Step) -> None:
        count = await self._mine.operator.debits()
        if count != int(step.argument):
            raise Broken(f"{step.argument} debits in the operator's book", str(count))

    # The screen that was shown last.

    def _show(self, phone: InHand) -> None:
        assert phone.session is not None
        newest = phone.session.sent[-1]
        phone.shown, phone.problem, phone.lost = newest.result, newest.problem, False
        if isinstance(newest.result, Fault):
            raise Broken("a screen", self._seen)
        phone.told = newest.result.text
        if not newest.result.fits:
            limit = f"{newest.result.budget} {newest.result.alphabet} units a page"
            raise Broken(f"{limit} on {phone.network.name}", self._seen)

    @property
    def _session(self) -> Session:
        if self._mine.session is None:
            raise BadScript("dial first")
        return self._mine.session

    @property
    def _text_of_screen(self) -> str:
        shown = self._mine.shown
        if not isinstance(shown, Screen):
            raise Broken("a screen", self._seen)
        return shown.text

    @property
    def _text(self) -> str:
        return " ".join(self._text_of_screen.split())

    @property
    def _seen(self) -> str:
        phone, shown = self._mine, self._mine.shown
        if not isinstance(shown, Screen):
            what = "nothing yet" if shown is None else f"no screen ({shown.replace('_', ' ')})"
            return f"{what}{': the answer ' + phone.problem if phone.problem else ''}"
        state = "over" if shown.ends else "open"
        count = f"{shown.alphabet} {shown.units}/{shown.budget}"
        return f"{phone.network.name}, {count}, {state}\n{shown.text}"

    def _key_of(self, label: str) -> str:
        wanted = pattern(label)
        for line in self._text_of_screen.splitlines():
            option = re.fullmatch(r"([0-9]+)[.)] ?(.*)", line.strip())
            if option and wanted.search(" ".join(option[2].split())):
                return option[1]
        raise Broken(f"an option {label!r}", self._seen)


_ACTS: Final[Mapping[str, Callable[[Player, Step], Awaitable[None]]]] = {
    "phone": Player._take,
    **{verb: getattr(Player, f"_{verb}") for verb in GRAMMAR if verb != "phone"},
}
