"""Tells clients what became of their requests: HTTP PUT to ``X-Callback-URL`` (GSMA 1.2).

GSMA fixes no retries; this operator tries three times and cannot know whether one arrived.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any, Final

from kernel import log
from kernel.clock import Clock
from kernel.http import HttpClient, NoAnswer, NotSent
from sandbox import requests
from sandbox.behaviours import Tell
from sandbox.book import SQL, Book, stamp
from sandbox.errands import Errand, Errands
from sandbox.gsma import error_object, failure_of, transaction
from sandbox.requests import Failure, Outcome, Request

RETRY_AFTER_S: Final = (2.0, 10.0)
TIMEOUT_S: Final = 5.0
_GARBAGE: Final = b'<html>\xff\xfe{"transactionStatus": "completed", "amount": NaN'
_LIE: Final = Failure("businessRule", "insufficientFunds", "the wallet does not hold that much")


class Callbacks:
    """Sends what was decided and writes every attempt in the book."""

    def __init__(self, book: Book, errands: Errands, http: HttpClient, clock: Clock) -> None:
        self._book, self._errands, self._http, self._clock = book, errands, http, clock
        self._awaited: dict[str, asyncio.Event] = {}

    def expect(self, request_id: str) -> asyncio.Event:
        """An event that is set once the first callbacks of a request have gone out."""
        return self._awaited.setdefault(request_id, asyncio.Event())

    def forget(self, request_id: str) -> None:
        """Nobody waits for the event any more."""
        self._awaited.pop(request_id, None)

    async def tell(self, errand: Errand) -> None:
        """Send the callbacks of one outcome in order; plan the ones that were not taken again."""
        detail, request_id = errand.detail, errand.subject

        def load(connection: sqlite3.Connection) -> tuple[Request, Outcome]:
            request = requests.find(connection, "id", request_id)
            assert request is not None
            return request, requests.outcome(connection, detail["outcome"])

        request, outcome = await self._book.do(load)
        for name in detail["tells"]:
            await self._attempt(request, outcome, Tell(name), detail["attempt"])
        if request_id in self._awaited:
            self._awaited[request_id].set()

    async def _attempt(self, request: Request, outcome: Outcome, tell: Tell, attempt: int) -> None:
        body = _body(request, outcome, tell, stamp(self._clock.now()))
        status, problem = await self._put(request.callback_url, body)
        row: dict[str, Any] = {
            "at": stamp(self._clock.now()),
            "request": request.id,
            "tell": tell,
            "attempt": attempt,
            "body": body,
            "http_status": status,
            "problem": problem,
        }
        taken = status is not None and 200 <= status < 300
        again = {"outcome": outcome.id, "tells": [tell], "attempt": attempt + 1}

        def job(connection: sqlite3.Connection) -> None:
            connection.execute(SQL["insert_callback"], row)
            if not taken and attempt <= len(RETRY_AFTER_S):
                after_s = RETRY_AFTER_S[attempt - 1]
                self._errands.plan(connection, "tell", request.id, after_s=after_s, detail=again)

        await self._book.do(job)
        log.event(
            "sandbox.callback",
            request=request.id,
            tell=tell,
            attempt=attempt,
            status=status,
            problem=problem,
        )

    async def _put(self, url: str, body: bytes) -> tuple[int | None, str | None]:
        headers = {"content-type": "application/json", "x-date": stamp(self._clock.now())}
        try:
            answer = await self._http.send(
                "PUT", url, headers=headers, body=body, timeout_s=TIMEOUT_S
            )
        except (NotSent, NoAnswer) as problem:
            return None, f"{type(problem).__name__}: {problem}"
        return answer.status, None


def _body(request: Request, outcome: Outcome, tell: Tell, at: str) -> bytes:
    if tell is Tell.GARBAGE:
        return _GARBAGE
    if tell is Tell.FAILURE:
        return _json(error_object(_LIE, at))
    if outcome.reference is None:
        return _json(error_object(failure_of(outcome), outcome.at))
    told = transaction(request, outcome)
    if tell is Tell.OTHER_AMOUNT:
        told["amount"] = request.amount.times(2).plain()
    return _json(told)


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
