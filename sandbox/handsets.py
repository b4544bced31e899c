"""Phones: an id for each number, so that no number stands in a URL, and its USSD dialogue."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

from kernel import log
from kernel.clock import Clock
from sandbox.book import SQL, Book, stamp
from sandbox.hop import Fault, Leaving, Line, Screen, Sent, Session
from sandbox.networks import HOME_NETWORK, NETWORKS, Network


class LineSays(StrEnum):
    """What came of a disturbance; the key of the words for it."""

    SAME = "line_same"
    DIFFERENT = "line_different"
    DROPPED = "line_dropped"
    TIMED_OUT = "line_timed_out"
    OTHER_SIM = "line_sim"
    NO_SESSION = "line_none"


@dataclass(slots=True)
class Dialogue:
    """What a phone shows: nothing, a screen or a fault; ``draft`` is keyed but not sent yet.

    ``session`` is the last one, also when it is over: what it sent can be delivered again.
    """

    network: Network = NETWORKS[HOME_NETWORK]
    session: Session | None = None
    fault: Fault | None = None
    draft: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_open(self) -> bool:
        """Whether the service waits for an answer."""
        return self.fault is None and self.session is not None and self.session.is_open

    @property
    def screen(self) -> Screen | None:
        """What the service said last, while it stands there."""
        return self.session.screen if self.session and self.fault is None else None

    @property
    def sent(self) -> list[Sent]:
        """The hops of the last session."""
        return self.session.sent if self.session else []


class Handsets:
    """All phones of this operator. Ids live in the book; dialogues end with the process."""

    def __init__(self, book: Book, line: Line, clock: Clock) -> None:
        self._book, self._line, self._clock = book, line, clock
        self._dialogues: dict[str, Dialogue] = {}

    async def pick_up(self, msisdn: str) -> str:
        """The id of a number's phone; always the same one."""
        row = {"id": secrets.token_hex(5), "msisdn": msisdn, "at": stamp(self._clock.now())}

        def job(connection: sqlite3.Connection) -> str:
            connection.execute(SQL["insert_handset"], row)
            found: str = connection.execute(SQL["handset_of"], {"msisdn": msisdn}).fetchone()["id"]
            return found

        return await self._book.do(job)

    async def number_of(self, handset: str) -> str | None:
        """The number of a phone."""
        row = await self._book.do(lambda c: c.execute(SQL["handset"], {"id": handset}).fetchone())
        return row["msisdn"] if row else None

    def dialogue(self, handset: str) -> Dialogue:
        """What a phone shows now."""
        return self._dialogues.setdefault(handset, Dialogue())

    def join(self, handset: str, network: Network) -> None:
        """Move a phone to another network; what it showed is gone, and nobody is told."""
        self._dialogues[handset] = Dialogue(network)

    async def enter(self, handset: str, msisdn: str, text: str) -> Dialogue:
        """Dial a code, or answer the screen that waits for one."""
        dialogue = self.dialogue(handset)
        async with dialogue.lock:
            dialogue.draft = ""
            session = dialogue.session
            if session is not None and dialogue.is_open:
                await self._line.answer(session, text)
            else:
                session = await self._line.dial(dialogue.network, msisdn, text)
                dialogue.session = session
            result = session.sent[-1].result if session else Fault.BAD_CODE
            dialogue.fault = result if isinstance(result, Fault) else None
            log.event(
                "sandbox.hop",
                network=dialogue.network.name,
                session=session.id if session else None,
                hop=len(dialogue.sent),
                result=dialogue.fault or ("con" if dialogue.is_open else "end"),
            )
        return dialogue

    async def again(self, handset: str, hop: int) -> bool | None:
        """Deliver a hop once more; whether the answer was the same. None: no such hop."""
        dialogue = self.dialogue(handset)
        async with dialogue.lock:
            if dialogue.session is None or not 1 <= hop <= len(dialogue.sent):
                return None
            await self._line.again(dialogue.session, hop)
            return dialogue.sent[hop - 1].again[-1]

    async def hang_up(self, handset: str) -> None:
        """Leave the session and clear the screen."""
        dialogue = self.dialogue(handset)
        async with dialogue.lock:
            if dialogue.session is not None and dialogue.is_open:
                await self._line.leave(dialogue.session, Leaving.HUNG_UP)
            self._dialogues[handset] = Dialogue(dialogue.network)

    async def lose(self, handset: str, *, timed_out: bool) -> bool:
        """The network drops the session, or gives up waiting; False: there is none."""
        dialogue = self.dialogue(handset)
        async with dialogue.lock:
            if dialogue.session is None or not dialogue.is_open:
                return False
            if timed_out:
                await self._line.leave(dialogue.session, Leaving.TIMED_OUT)
            dialogue.fault = Fault.TIMED_OUT if timed_out else Fault.DROPPED
            return True

    async def change_sim(self, handset: str, msisdn: str) -> bool:
        """From now on the session's hops come from another subscriber; False: there is none."""
        dialogue = self.dialogue(handset)
        async with dialogue.lock:
            if dialogue.session is None or not dialogue.is_open:
                return False
            dialogue.session.msisdn = msisdn
            return True
