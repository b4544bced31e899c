"""A very small GSMA operator with a will of its own: enough to hold the adapter to the contract."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from kernel.money import Money
from tests.contract.wallets.scripted_operator import BASE_PATH
from tests.contract.wallets.wallet_contract import Mood

_LOST = (Mood.answers_500_after_taking, Mood.answers_garbage, Mood.never_answers)


class TinyGsma:
    """An ASGI application and a rig. One collection is a dictionary; the book is a list."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """An empty book."""
        self._mood = Mood.approves
        self._by_client_id: dict[str, dict[str, Any]] = {}
        self._book: list[tuple[str, str]] = []
        self._lies = False

    def behaves(self, mood: Mood) -> None:
        """From now on."""
        self._mood = mood

    def lies_about_the_amount(self) -> None:
        """Its answers name one minor unit more than it took."""
        self._lies = True

    def debits(self) -> list[tuple[str, str]]:
        """The truth."""
        return list(self._book)

    def payer_approves(self) -> None:
        """Everybody who was asked says yes."""
        for taken in self._by_client_id.values():
            if taken["status"] == "pending":
                self._debit(taken)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        match request.method, request.url.path.removeprefix(BASE_PATH).strip("/").split("/"):
            case "POST", ["transactions", "type", "merchantpay"]:
                response = await self._take(request, receive)
            case "GET", ["responses", name]:
                taken = self._by_client_id.get(name)
                link = {"link": f"/requeststates/{taken['id']}"} if taken else None
                response = _told(link)
            case "GET", ["requeststates", name]:
                response = _told(self._state(self._find("id", name)))
            case "GET", ["transactions", name]:
                response = _told(self._transaction(self._find("reference", name)))
            case _:
                response = Response(status_code=404)
        if response is not None:
            await response(scope, receive, send)

    async def _take(self, request: Request, receive: Receive) -> Response | None:
        client_id = request.headers["x-correlationid"]
        if self._mood is Mood.turns_away:
            return _error(503, "serviceUnavailable", "genericError")
        if client_id in self._by_client_id:
            return _error(400, "businessRule", "duplicateRequest")
        asked = json.loads(await request.body())
        taken = {"id": str(uuid4()), "asked": asked, "status": "pending", "reference": None}
        self._by_client_id[client_id] = taken
        if self._mood is Mood.has_no_funds:
            taken["status"] = "failed"
        elif self._mood is Mood.approves:
            self._debit(taken)
        if self._mood is Mood.answers_500_after_taking:
            return _error(500, "internal", "genericError")
        if self._mood is Mood.answers_garbage:
            return Response(b"<html>\xff\xfe", media_type="text/html")
        if self._mood is Mood.never_answers:
            while (await receive())["type"] != "http.disconnect":
                pass
            return None
        pending = {**taken, "status": "pending", "reference": None}
        return _told(self._state(pending), 202)

    def _debit(self, taken: dict[str, Any]) -> None:
        asked = taken["asked"]
        taken["status"] = "completed"
        taken["reference"] = f"TINY-{len(self._book) + 1}"
        self._book.append((asked["debitParty"][0]["value"], asked["amount"]))

    def _find(self, key: str, name: str) -> dict[str, Any] | None:
        return next((t for t in self._by_client_id.values() if t[key] == name), None)

    def _state(self, taken: dict[str, Any] | None) -> dict[str, Any] | None:
        if taken is None:
            return None
        state = {"serverCorrelationId": taken["id"], "status": taken["status"]}
        state["notificationMethod"] = "callback"
        if taken["status"] == "failed":
            broke = {"errorCategory": "businessRule", "errorCode": "insufficientFunds"}
            return {**state, "error": broke}
        return {**state, "objectReference": taken["reference"]} if taken["reference"] else state

    def _transaction(self, taken: dict[str, Any] | None) -> dict[str, Any] | None:
        if taken is None:
            return None
        asked = taken["asked"]
        amount = Money.parse(asked["amount"], asked["currency"])
        more = Money(amount.minor + 1, amount.currency)
        return {
            **asked,
            "type": "merchantpay",
            "amount": (more if self._lies else amount).plain(),
            "transactionReference": taken["reference"],
            "transactionStatus": "completed",
            "creationDate": "2026-11-21T09:00:00Z",
        }


def _told(body: dict[str, Any] | None, status: int = 200) -> Response:
    if body is None:
        return _error(404, "identification", "identifierError")
    return JSONResponse(body, status, {"set-cookie": "session=not-for-the-evidence"})


def _error(status: int, category: str, code: str) -> Response:
    return JSONResponse({"errorCategory": category, "errorCode": code}, status)
