"""Phones: an id for each number, so that no number stands in a URL, and its USSD dialogue."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from dataclasses import dataclass, field

from kernel import log
from kernel.clock import Clock
from kernel.http import HttpClient
from kernel.ids import Ids
from sandbox.book import SQL, Book, stamp
from sandbox.hop import Fault, Screen, Session, dialled_entries, hop


@dataclass(slots=True)
class Dialogue:
    """What a phone shows: nothing, a screen or a fault; ``draft`` is keyed but not sent yet."""

    session: Session | None = None
    screen: Screen | None = None
    fault: Fault | None = None
    draft: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_open(self) -> bool:
        """Whether the service waits for an answer."""
        return self.session is not None


class Handsets:
    """All phones of this operator. Ids live in the book; dialogues end with the process."""

    def __init__(self, book: Book, http: HttpClient, clock: Clock, ids: Ids, gateway: str) -> None:
        self._book, self._http, self._clock, self._ids = book, http, clock, ids
        self._gateway = gateway
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

    async def enter(self, handset: str, msisdn: str, text: str) -> Dialogue:
        """Dial a code, or answer the screen that waits for one."""
        dialogue = self.dialogue(handset)
        async with dialogue.lock:
            dialogue.draft = ""
            if dialogue.session is not None:
                dialogue.session.entries.append(text)
                return await self._hop(dialogue, dialogue.session)
            entries = dialled_entries(text)
            if entries is None:
                dialogue.screen, dialogue.fault = None, Fault.BAD_CODE
                return dialogue
            return await self._hop(dialogue, Session(str(self._ids.new()), msisdn, entries))

    def hang_up(self, handset: str) -> None:
        """Leave the session and clear the screen."""
        self._dialogues.pop(handset, None)

    async def _hop(self, dialogue: Dialogue, session: Session) -> Dialogue:
        result = await hop(self._http, self._gateway, session)
        log.event(
            "sandbox.hop",
            session=session.id,
            hop=len(session.entries),
            result=result if isinstance(result, Fault) else ("end" if result.ends else "con"),
        )
        if isinstance(result, Fault):
            dialogue.session, dialogue.screen, dialogue.fault = None, None, result
        else:
            dialogue.session = None if result.ends else session
            dialogue.screen, dialogue.fault = result, None
        return dialogue
