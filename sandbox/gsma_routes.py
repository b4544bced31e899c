"""HTTP of the operator's GSMA Mobile Money API 1.2, under ``/gsma/v1.2/mm``."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from kernel import log
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.behaviours import HANG_S, Answer, behaviour_of
from sandbox.book import stamp
from sandbox.callbacks import Callbacks
from sandbox.gsma import (
    HTTP_STATUS,
    Refused,
    error_object,
    read_collection,
    read_reversal,
    request_state,
    transaction,
    uuid_text,
)
from sandbox.requests import Failure, Request
from sandbox.teller import Teller
from sandbox.wallets import currency_of

MAX_BODY_BYTES: Final = 64 * 1024
CALLBACK_FIRST_S: Final = 5.0
_GARBAGE: Final = b"<html><body>200 OK \xff\xfe<b>request accepted"
_NOT_FOUND: Final = Failure("identification", "identifierError", "nothing is known under this id")
_Endpoint = Callable[[HttpRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class GsmaApi:
    """The operations this operator offers."""

    teller: Teller
    callbacks: Callbacks

    def routes(self) -> list[BaseRoute]:
        """Everything under ``/gsma/v1.2/mm``."""
        table: list[tuple[str, str, _Endpoint]] = [
            ("POST", "/transactions/type/{type}", self.collect),
            ("POST", "/transactions/{reference}/reversals", self.reverse),
            ("GET", "/transactions/{reference}", self.transaction),
            ("GET", "/requeststates/{id}", self.state),
            ("GET", "/responses/{id}", self.response),
            ("GET", "/heartbeat", self.heartbeat),
            ("GET", "/accounts/msisdn/{msisdn}/status", self.account_status),
            ("GET", "/accounts/msisdn/{msisdn}/balance", self.account_balance),
            ("GET", "/{rest:path}", self.unknown),
            ("POST", "/{rest:path}", self.unknown),
        ]
        routes = [Route(path, self._guarded(act), methods=[method]) for method, path, act in table]
        return [Mount("/gsma/v1.2/mm", routes=routes)]

    async def collect(self, http: HttpRequest) -> Response:
        """``POST /transactions/type/merchantpay``: 202 with a request state."""
        if http.path_params["type"] != "merchantpay":
            raise Refused("businessRule", "transactionTypeError", "only merchantpay is offered")
        order = read_collection(await _body(http), http.headers)
        answer = behaviour_of(order.payer).answer
        if answer is Answer.UNAVAILABLE:
            log.event("sandbox.collect", answer=answer)
            raise Refused("serviceUnavailable", "genericError", "come back later")
        request_id = str(self.teller.ids.new())
        told = self.callbacks.expect(request_id) if answer is Answer.AFTER_CALLBACK else None
        try:
            request = await self.teller.take_collection(order, request_id)
            log.event("sandbox.collect", request=request.id, payer=order.payer, answer=answer)
            if told is not None and request.callback_url:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), CALLBACK_FIRST_S)
        finally:
            self.callbacks.forget(request_id)
        return await self._answered(request, answer)

    async def reverse(self, http: HttpRequest) -> Response:
        """``POST /transactions/{reference}/reversals``: 202 with a request state."""
        order = read_reversal(await _body(http), http.headers, http.path_params["reference"])
        request = await self.teller.take_reversal(order, str(self.teller.ids.new()))
        log.event("sandbox.reverse", request=request.id, original=order.original)
        return self._json(request_state(request, None), 202)

    async def state(self, http: HttpRequest) -> Response:
        """``GET /requeststates/{serverCorrelationId}``."""
        request_id = _uuid(http.path_params["id"])
        found = await self.teller.look_up("requeststate", "id", request_id)
        if found is None:
            raise Refused.because(_NOT_FOUND)
        request, outcomes = found
        return self._json(request_state(request, outcomes[-1] if outcomes else None))

    async def response(self, http: HttpRequest) -> Response:
        """``GET /responses/{clientCorrelationId}``: where the lost answer can be read."""
        found = await self.teller.look_up("response", "correlation", _uuid(http.path_params["id"]))
        if found is None:
            raise Refused.because(_NOT_FOUND)
        return self._json({"link": f"/requeststates/{found[0].id}"})

    async def transaction(self, http: HttpRequest) -> Response:
        """``GET /transactions/{transactionReference}``."""
        reference = http.path_params["reference"]
        found = await self.teller.look_up("transaction", "reference", reference)
        if found is None:
            raise Refused.because(_NOT_FOUND)
        return self._json(transaction(found[0], found[1][-1]))

    async def heartbeat(self, _: HttpRequest) -> Response:
        """``GET /heartbeat``."""
        return self._json({"serviceStatus": "available"})

    async def account_status(self, http: HttpRequest) -> Response:
        """``GET /accounts/msisdn/{msisdn}/status``."""
        is_ours = currency_of(_account(http)) is not None
        return self._json({"accountStatus": "available" if is_ours else "unregistered"})

    async def account_balance(self, http: HttpRequest) -> Response:
        """``GET /accounts/msisdn/{msisdn}/balance``."""
        held = await self.teller.balance(_account(http))
        if held is None:
            raise Refused.because(_NOT_FOUND)
        amounts = {"currentBalance": held.plain(), "availableBalance": held.plain()}
        return self._json({"accountStatus": "available", "currency": held.currency, **amounts})

    async def unknown(self, http: HttpRequest) -> Response:
        """Any other path: 404 with an error object."""
        raise Refused("identification", "identifierError", f"{http.method} is not offered here")

    async def _answered(self, request: Request, answer: Answer) -> Response:
        if answer is Answer.SERVER_ERROR:
            raise Refused("internal", "genericError", "something went wrong")
        if answer is Answer.GARBAGE:
            return Response(_GARBAGE, 200, media_type="text/html")
        if answer is Answer.HANG:
            await asyncio.sleep(HANG_S * self.teller.pace)
        return self._json(request_state(request, None), 202)

    def _guarded(self, endpoint: _Endpoint) -> _Endpoint:
        async def guarded(http: HttpRequest) -> Response:
            try:
                return await endpoint(http)
            except Refused as refused:
                failure = refused.failure
                log.event("sandbox.refused", category=failure.category, code=failure.code)
                at = stamp(self.teller.clock.now())
                return self._json(error_object(failure, at), HTTP_STATUS[failure.category])

        return guarded

    def _json(self, body: dict[str, Any], status: int = 200) -> Response:
        return JSONResponse(body, status, {"X-Date": stamp(self.teller.clock.now())})


async def _body(http: HttpRequest) -> bytes:
    body = bytearray()
    async for chunk in http.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Refused("validation", "lengthError", f"the body exceeds {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _uuid(text: str) -> str:
    found = uuid_text(text)
    if found is None:
        raise Refused("validation", "formatError", "the id must be a UUID")
    return found


def _account(http: HttpRequest) -> str:
    try:
        return Msisdn.parse("+" + http.path_params["msisdn"].lstrip("+ ")).e164
    except BadMsisdn:
        raise Refused("validation", "formatError", "not a MSISDN") from None
