"""A phone of the operator seen from a terminal: its prompts, its messages, what its wallet paid."""

from __future__ import annotations

import json
from typing import Any

from kernel.http import HttpClient, NoAnswer, NotSent

_JSON = {"content-type": "application/json"}


class Unhappy(Exception):
    """The call cannot go on; the message says why and what to do."""


class OperatorPhone:
    """The same phone on the operator's side; every method raises Unhappy if nobody answers."""

    def __init__(self, http: HttpClient, url: str, msisdn: str) -> None:
        self._http, self._url, self._msisdn = http, url, msisdn
        self._handset = ""
        self._known: set[str] = set()

    async def switch_on(self) -> None:
        """Find the phone and remember which messages are old."""
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

    async def debits(self) -> int:
        """How often money left this phone's wallet, by the operator's book."""
        book = await self._ask("POST", "/sandbox/book", {"payer": self._msisdn})
        movements = [move for request in book["requests"] for move in request["movements"]]
        return sum(move["kind"] == "collection" for move in movements)

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
