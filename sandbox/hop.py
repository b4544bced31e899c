"""A phone's USSD sessions with the gateway: dial, answer, leave, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from kernel.alphabet import Alphabet, alphabet_of, units
from kernel.clock import Clock
from kernel.digits import to_western
from kernel.http import HttpClient, NoAnswer, NotSent
from kernel.ids import Ids
from sandbox.networks import Network
from sandbox.networks.wire import Heard, Request, Unheard
from sandbox.settings import SHORT_CODE

ANSWER_WITHIN_S: Final = 10.0
_CODE = re.compile(r"\*(\d+)((?:\*\d+)*)#")


class Fault(StrEnum):
    """Why there is no screen to show; also the key of the words for it."""

    BAD_CODE = "bad_code"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    BAD_ANSWER = "bad_answer"
    DROPPED = "dropped"
    TIMED_OUT = "timed_out"


class Leaving(StrEnum):
    """How a subscriber's part of a session ends; the value is what a network may tell us."""

    HUNG_UP = "abort"
    TIMED_OUT = "timeout"


@dataclass(frozen=True, slots=True)
class Screen:
    """What the phone shows; ``ends``: the session is over; ``budget``: what one page carries."""

    text: str
    ends: bool
    budget: int

    @property
    def alphabet(self) -> Alphabet:
        """The alphabet its text needs on the radio."""
        return alphabet_of(self.text)

    @property
    def units(self) -> int:
        """Its length in septets or UCS-2 units."""
        return units(self.text, self.alphabet)

    @property
    def fits(self) -> bool:
        """Whether the network carries it."""
        return self.units <= self.budget


@dataclass(slots=True)
class Sent:
    """One hop: what the subscriber keyed, the request, the gateway's bytes, what was read of them.

    ``again``: for each time the request was delivered once more, whether the answer was the same.
    """

    keyed: str
    msisdn: str
    request: Request
    values: Mapping[str, str]
    result: Screen | Fault = Fault.NO_ANSWER
    answer: bytes = b""
    problem: str = ""
    keeps: Mapping[str, str] = field(default_factory=dict)
    again: list[bool] = field(default_factory=list)


@dataclass(slots=True)
class Session:
    """One USSD session, as the network sees it: ``behind`` was dialled behind the code."""

    network: Network
    id: str
    msisdn: str
    behind: tuple[str, ...]
    typed: list[str] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def dialled(self) -> str:
        """The dialled string."""
        return "*".join([SHORT_CODE.removesuffix("#"), *self.behind]) + "#"

    @property
    def screen(self) -> Screen | None:
        """The newest reply, if it was one."""
        newest = self.sent[-1].result if self.sent else None
        return newest if isinstance(newest, Screen) else None

    @property
    def is_open(self) -> bool:
        """Whether the service waits for an answer."""
        return self.screen is not None and not self.screen.ends

    def values(self, at: str) -> dict[str, str]:
        """What a network's tables can ask for (docs/sandbox.md lists it)."""
        typed = self.typed[-1] if self.typed else ""
        return {
            **self.kept,
            "session": self.id,
            "e164": self.msisdn,
            "number": self.msisdn.removeprefix("+"),
            "code": SHORT_CODE,
            "digits": SHORT_CODE.strip("*#"),
            "dialled": self.dialled,
            "keyed": self.dialled.strip("*#"),
            "behind": "*".join(self.behind),
            "entries": "*".join((*self.behind, *self.typed)),
            "input": typed,
            "dcs": "15" if alphabet_of(typed) is Alphabet.GSM7 else "72",
            "hop": str(1 + len(self.typed)),
            "reply": self.screen.text if self.screen else "",
            "at": at,
            "ms": "1000",
        }


class Line:
    """The operator's side of all sessions: it posts to one gateway."""

    def __init__(self, http: HttpClient, gateway: str, clock: Clock, ids: Ids) -> None:
        self.gateway = gateway
        self._http, self._clock, self._ids = http, clock, ids

    async def dial(self, network: Network, msisdn: str, code: str) -> Session | None:
        """Start a session with what ``*789*…#`` carries; None: not a known code."""
        behind = dialled_entries(code)
        if behind is None:
            return None
        new = self._ids.new()
        name = str(new.int % 2**31) if network.session_ids == "number" else str(new)
        session = Session(network, name, msisdn, tuple(behind))
        await self._hop(session, "start", session.dialled)
        return session

    async def answer(self, session: Session, text: str, *, twice: bool = False) -> None:
        """Send what was typed on the screen that waits for it; ``twice``: two at once."""
        session.typed.append(text)
        await self._hop(session, "input", text, twice=twice)

    async def again(self, session: Session, hop: int) -> Sent:
        """Deliver the request of a hop (1: the dial) once more; the phone shows nothing of it."""
        sent = session.sent[hop - 1]
        repeated = await self._post(session.network, sent)
        sent.again.append(_same(repeated, sent))
        return repeated

    async def leave(self, session: Session, how: Leaving) -> None:
        """End a session; the gateway hears of it where the network tells."""
        await self._tell(session, how.value)

    async def _hop(self, session: Session, kind: str, keyed: str, *, twice: bool = False) -> None:
        ready = self._prepared(session, kind, keyed)
        posts = [self._post(session.network, ready) for _ in range(2 if twice else 1)]
        sent, *copies = await asyncio.gather(*posts)
        sent.again = [_same(copy, sent) for copy in copies]
        session.sent.append(sent)
        session.kept.update(sent.keeps)
        if isinstance(sent.result, Screen) and sent.result.ends:
            await self._tell(session, "over")

    async def _tell(self, session: Session, kind: str) -> None:
        """News that nobody reads an answer to; a gateway that is down misses it, as in life."""
        if session.network.tells(kind):
            await self._post(session.network, self._prepared(session, kind, ""))

    def _prepared(self, session: Session, kind: str, keyed: str) -> Sent:
        values = session.values(self._clock.now().strftime("%Y-%m-%dT%H:%M:%S"))
        request = session.network.request(kind, values)
        return Sent(keyed, session.msisdn, request, values)

    async def _post(self, network: Network, sent: Sent) -> Sent:
        """Send a request and read its answer; what is given back is a fresh copy."""
        request = sent.request
        url = f"{self.gateway}/ussd/{network.channel}{request.path}"
        try:
            answer = await self._http.send(
                request.method,
                url,
                headers=request.headers,
                body=request.body or None,
                timeout_s=ANSWER_WITHIN_S,
            )
        except NotSent:
            return replace(sent, result=Fault.UNREACHABLE)
        except NoAnswer:
            return replace(sent, result=Fault.NO_ANSWER)
        problem, heard = f"has status {answer.status}", None
        if answer.status == 200:
            heard = network.read(answer.headers, answer.body, sent.values)
            problem = str(heard) if isinstance(heard, Unheard) else ""
        if not isinstance(heard, Heard):
            return replace(sent, result=Fault.BAD_ANSWER, answer=answer.body, problem=problem)
        budget = network.budget(alphabet_of(heard.text))
        screen = Screen(heard.text, heard.ends, budget)
        return replace(sent, result=screen, answer=answer.body, keeps=heard.keeps)


def dialled_entries(code: str) -> list[str] | None:
    """What a dialled ``*789*…#`` carries after the short code; None: not a known code."""
    found = _CODE.fullmatch(to_western(code).replace(" ", ""))
    if found is None or f"*{found[1]}#" != SHORT_CODE:
        return None
    return found[2].split("*")[1:]


def _same(one: Sent, other: Sent) -> bool:
    return one.answer == other.answer and one.result == other.result
