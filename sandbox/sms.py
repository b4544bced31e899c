"""The operator's SMS centre: takes messages, reports on them, forwards what phones write."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from kernel import log
from kernel.clock import Clock
from kernel.http import HttpClient, NoAnswer, NotSent
from kernel.ids import Ids
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.addresses import is_http_url
from sandbox.book import SQL, Book, stamp
from sandbox.errands import Errand, Errands

SENT_S: Final = 0.2
DELIVERED_S: Final = 0.8
RETRY_AFTER_S: Final = (2.0, 10.0)
MAX_BODY_BYTES: Final = 16 * 1024
MAX_CHARACTERS: Final = 1600
_FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``status`` is what the sender was last told (or whether the gateway took it)."""

    id: str
    at: str
    direction: str
    sender: str
    recipient: str
    text: str
    status_url: str
    status: str | None = None


@dataclass(frozen=True, slots=True)
class SmsCentre:
    """Stores messages in the book; reports and forwards by errands."""

    book: Book
    errands: Errands
    http: HttpClient
    clock: Clock
    ids: Ids
    gateway: str

    def routes(self) -> list[BaseRoute]:
        """``POST /sms/messages``."""
        return [Route("/sms/messages", self.take, methods=["POST"])]

    async def take(self, request: HttpRequest) -> Response:
        """A message for a phone: 202 at once (also when it is repeated), reports follow."""
        message = read_message(await request.body(), stamp(self.clock.now()))
        if isinstance(message, str):
            return JSONResponse({"error": message}, 400)

        def job(connection: sqlite3.Connection) -> bool:
            is_new = _insert(connection, message)
            if is_new and message.status_url:
                for status, after_s in (("sent", SENT_S), ("delivered", DELIVERED_S)):
                    self._plan(connection, "sms_report", message.id, after_s, {"status": status})
            return is_new

        is_new = await self.book.do(job)
        log.event("sandbox.sms", sms=message.id, to=message.recipient, repeated=not is_new)
        return JSONResponse({"id": message.id, "status": "queued"}, 202)

    async def send_from_phone(self, msisdn: str, recipient: str, text: str) -> str:
        """A person writes to the service; returns the message id."""
        now = stamp(self.clock.now())
        message = Message(str(self.ids.new()), now, "from_phone", msisdn, recipient, text, "")

        def job(connection: sqlite3.Connection) -> None:
            _insert(connection, message)
            self._plan(connection, "sms_forward", message.id, 0, {})

        await self.book.do(job)
        return message.id

    async def messages(self, msisdn: str | None, limit: int = 50) -> list[Message]:
        """Messages of one number, or of all; newest first."""
        values = {"msisdn": msisdn, "limit": limit}
        rows = await self.book.do(lambda c: c.execute(SQL["sms_of"], values).fetchall())
        return [Message(**dict(row)) for row in rows]

    async def report(self, errand: Errand) -> None:
        """Errand: tell the sender that a message was sent, or delivered."""
        message = await self._load(errand.subject)
        form = {"id": message.id, "status": errand.detail["status"]}
        await self._post(errand, message.status_url, form, errand.detail["status"])

    async def forward(self, errand: Errand) -> None:
        """Errand: hand a phone's message to the gateway."""
        message = await self._load(errand.subject)
        form = {
            "id": message.id,
            "from": message.sender,
            "to": message.recipient,
            "text": message.text,
        }
        await self._post(errand, f"{self.gateway}/sms/sandbox/inbound", form, "forwarded")

    async def _post(self, errand: Errand, url: str, form: dict[str, str], done: str) -> None:
        status, problem = None, None
        try:
            body = urlencode(form).encode()
            status = (await self.http.send("POST", url, headers=_FORM, body=body)).status
        except (NotSent, NoAnswer) as caught:
            problem = f"{type(caught).__name__}: {caught}"
        taken = status is not None and 200 <= status < 300
        attempt = errand.detail.get("attempt", 1)
        row = {
            "at": stamp(self.clock.now()),
            "sms": errand.subject,
            "status": done if taken else f"{done}_not_taken",
            "http_status": status,
            "problem": problem,
        }

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["insert_sms_report"], row)
            if not taken and attempt <= len(RETRY_AFTER_S):
                again = {**errand.detail, "attempt": attempt + 1}
                after_s = RETRY_AFTER_S[attempt - 1]
                self._plan(connection, errand.action, errand.subject, after_s, again)

        await self.book.do(job)
        log.event("sandbox.sms_post", sms=errand.subject, what=done, status=status, problem=problem)

    async def _load(self, message_id: str) -> Message:
        row = await self.book.do(lambda c: c.execute(SQL["sms"], {"id": message_id}).fetchone())
        return Message(**dict(row))

    def _plan(
        self,
        connection: sqlite3.Connection,
        action: str,
        subject: str,
        after_s: float,
        detail: dict[str, Any],
    ) -> None:
        self.errands.plan(connection, action, subject, after_s=after_s, detail=detail)


def read_message(body: bytes, at: str) -> Message | str:
    """A message, or what is wrong with it."""
    if len(body) > MAX_BODY_BYTES:
        return "the body is too long"
    try:
        fields = json.loads(body)
        json.dumps(fields, ensure_ascii=False).encode()  # half a surrogate pair is no text
        texts = {name: fields[name] for name in ("id", "to", "from", "text", "status_url")}
    except (ValueError, TypeError, KeyError, RecursionError):
        return "send a JSON object with id, to, from, text and status_url"
    if not all(isinstance(value, str) for value in texts.values()):
        return "all fields are strings"
    if not (texts["id"] and 0 < len(texts["text"]) <= MAX_CHARACTERS):
        return f"id must not be empty and text must have 1 to {MAX_CHARACTERS} characters"
    if texts["status_url"] and not is_http_url(texts["status_url"]):
        return "status_url must be an http or https URL"
    try:
        recipient = Msisdn.parse(texts["to"]).e164
    except BadMsisdn:
        return "to must be a phone number like +962790000000"
    return Message(
        texts["id"], at, "to_phone", texts["from"], recipient, texts["text"], texts["status_url"]
    )


def _insert(connection: sqlite3.Connection, message: Message) -> bool:
    row = {
        "id": message.id,
        "at": message.at,
        "direction": message.direction,
        "sender": message.sender,
        "recipient": message.recipient,
        "text": message.text,
        "status_url": message.status_url,
    }
    return connection.execute(SQL["insert_sms"], row).rowcount == 1
