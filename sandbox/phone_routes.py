"""Pages and JSON of the operator's phones: dial, approve, read and write messages; inbox and book.

No number stands in a URL: a phone is named by a short random id.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kernel.clock import Clock
from kernel.digits import only_digits
from kernel.msisdn import BadMsisdn, Msisdn
from sandbox.behaviours import BEHAVIOURS, DEMO_NUMBERS, Verdict, behaviour_of
from sandbox.book import Book
from sandbox.handsets import Dialogue, Handsets, LineSays
from sandbox.networks import NETWORKS
from sandbox.oracle import BadFilter, read_book, read_filter
from sandbox.pages import SAFETY, language_of, page, zone_of
from sandbox.requests import Request
from sandbox.settings import SHORT_CODE
from sandbox.sms import MAX_CHARACTERS, Message, SmsCentre
from sandbox.teller import PersonSays, Teller

SERVICE: Final = "Mizan"
"""Where a phone writes to when nobody has written to it yet."""

_STATUS: Final = {
    PersonSays.UNKNOWN: 404,
    PersonSays.TOO_LATE: 409,
    PersonSays.BAD_PIN: 422,
}
_MAX_ENTRY: Final = 182
_NOTICES: Final = frozenset({*PersonSays, *LineSays, "sms_sent", "sms_empty", "bad_number"})


@dataclass(frozen=True, slots=True)
class PhonePages:
    """Everything a person (or ``mizan dial``) does with a phone of this operator."""

    book: Book
    teller: Teller
    handsets: Handsets
    sms: SmsCentre
    clock: Clock

    def routes(self) -> list[BaseRoute]:
        """Everything under ``/sandbox``."""
        get, post = ["GET"], ["POST"]
        phone = "/sandbox/phone/{handset}"
        return [
            Route("/", self.first_phone, methods=get),
            Route("/sandbox", self.first_phone, methods=get),
            Route("/sandbox/phone", self.first_phone, methods=get),
            Route("/sandbox/phone/handsets", self.pick_up, methods=post),
            Route("/sandbox/phone/prompts/{id}/approve", self.approve, methods=post),
            Route("/sandbox/phone/prompts/{id}/decline", self.decline, methods=post),
            Route(phone, self.on_phone(self.show), methods=get),
            Route(f"{phone}/state", self.on_phone(self.state), methods=get),
            Route(f"{phone}/enter", self.on_phone(self.enter), methods=post),
            Route(f"{phone}/hang-up", self.on_phone(self.hang_up), methods=post),
            Route(f"{phone}/network", self.on_phone(self.join), methods=post),
            Route(f"{phone}/line", self.on_phone(self.disturb), methods=post),
            Route(f"{phone}/sms", self.on_phone(self.write), methods=post),
            Route("/sandbox/inbox", self.inbox, methods=get),
            Route("/sandbox/book", self.read_book, methods=["GET", "POST"]),
        ]

    def on_phone(
        self, act: Callable[[HttpRequest, str, str], Awaitable[Response]]
    ) -> Callable[[HttpRequest], Awaitable[Response]]:
        """Find the number behind the id in the path; an unknown id goes to the first phone."""

        async def found(http: HttpRequest) -> Response:
            handset = http.path_params["handset"]
            msisdn = await self.handsets.number_of(handset)
            if msisdn is None:
                return await self.first_phone(http)
            return await act(http, handset, msisdn)

        return found

    async def first_phone(self, http: HttpRequest) -> Response:
        """Go to the phone of the first demo number."""
        handset = await self.handsets.pick_up(DEMO_NUMBERS[0])
        return _to_phone(handset, language_of(http.query_params))

    async def pick_up(self, http: HttpRequest) -> Response:
        """Choose a number: form ``msisdn``, or JSON ``{"msisdn": "…"}``, which answers its id."""
        form = await _form(http)
        try:
            msisdn = Msisdn.parse(form.get("msisdn", "")).e164
        except BadMsisdn as problem:
            if _is_json(http):
                return JSONResponse({"error": str(problem)}, 422)
            handset = form.get("handset") or await self.handsets.pick_up(DEMO_NUMBERS[0])
            return _to_phone(handset, language_of(form), "bad_number")
        handset = await self.handsets.pick_up(msisdn)
        if _is_json(http):
            return JSONResponse({"handset": handset})
        return _to_phone(handset, language_of(form))

    async def show(self, http: HttpRequest, handset: str, msisdn: str) -> Response:
        """The phone page."""
        language, said = language_of(http.query_params), http.query_params.get("say", "")
        messages = await self.sms.messages(msisdn)
        return page(
            "phone.html",
            language,
            here=f"/sandbox/phone/{handset}",
            handset=handset,
            msisdn=msisdn,
            zone=zone_of(msisdn),
            now=self.clock.now(),
            behaviour=behaviour_of(msisdn),
            behaviours=BEHAVIOURS,
            numbers=[(number, behaviour_of(number)) for number in DEMO_NUMBERS],
            balance=await self.teller.balance(msisdn),
            dialogue=self.handsets.dialogue(handset),
            prompts=await self.teller.prompts(msisdn),
            messages=messages,
            service=next((m.sender for m in messages if m.direction == "to_phone"), SERVICE),
            notice=said if said in _NOTICES else "",
            networks=NETWORKS,
            short_code=SHORT_CODE,
            max_characters=MAX_CHARACTERS,
        )

    async def state(self, _: HttpRequest, handset: str, msisdn: str) -> Response:
        """The same as JSON: screen, prompts, messages, balance."""
        balance = await self.teller.balance(msisdn)
        return JSONResponse(
            {
                "handset": handset,
                "balance": {"amount": balance.plain(), "currency": balance.currency}
                if balance
                else None,
                "ussd": _dialogue_json(self.handsets.dialogue(handset)),
                "prompts": [_prompt_json(request) for request in await self.teller.prompts(msisdn)],
                "messages": [_message_json(message) for message in await self.sms.messages(msisdn)],
            }
        )

    async def enter(self, http: HttpRequest, handset: str, msisdn: str) -> Response:
        """The entry line: ``press`` is one key (keypad without JavaScript), else it is sent."""
        form = await _form(http)
        entry, press = form.get("entry", "")[:_MAX_ENTRY], form.get("press")
        dialogue = self.handsets.dialogue(handset)
        if press is not None:
            dialogue.draft = entry[:-1] if press == "back" else entry + press[:1]
        else:
            await self.handsets.enter(handset, msisdn, entry.strip())
        return await self._done(http, form, handset, msisdn)

    async def hang_up(self, http: HttpRequest, handset: str, msisdn: str) -> Response:
        """Leave the USSD session."""
        await self.handsets.hang_up(handset)
        return await self._done(http, await _form(http), handset, msisdn)

    async def write(self, http: HttpRequest, handset: str, msisdn: str) -> Response:
        """Write an SMS to the service: ``to``, ``text``."""
        form = await _form(http)
        text = form.get("text", "").strip()[:MAX_CHARACTERS]
        if text:
            recipient = form.get("to", "").strip()[:20] or SERVICE
            await self.sms.send_from_phone(msisdn, recipient, text)
        return await self._done(http, form, handset, msisdn, "sms_sent" if text else "sms_empty")

    async def join(self, http: HttpRequest, handset: str, msisdn: str) -> Response:
        """Move the phone to another ``network``; 422 for one that does not exist."""
        form = await _form(http)
        network = NETWORKS.get(form.get("network", ""))
        if network is None:
            return JSONResponse({"error": f"no such network; one of {list(NETWORKS)}"}, 422)
        self.handsets.join(handset, network)
        return await self._done(http, form, handset, msisdn)

    async def disturb(self, http: HttpRequest, handset: str, msisdn: str) -> Response:
        """What goes wrong on the line: ``again`` (the number of a hop), or ``act``: ``drop``,
        ``timeout``, or ``sim`` with ``other``, the number of another subscriber.
        """
        form = await _form(http)
        said = await self._disturbed(handset, form)
        return await self._done(http, form, handset, msisdn, said)

    async def _disturbed(self, handset: str, form: dict[str, str]) -> str:
        hop, act = form.get("again", ""), form.get("act", "")
        if hop:
            is_same = await self.handsets.again(handset, int(only_digits(hop[:4]) or 0))
            if is_same is None:
                return LineSays.NO_SESSION
            return LineSays.SAME if is_same else LineSays.DIFFERENT
        if act == "sim":
            try:
                other = Msisdn.parse(form.get("other", "")).e164
            except BadMsisdn:
                return "bad_number"
            done, said = await self.handsets.change_sim(handset, other), LineSays.OTHER_SIM
        else:
            is_late = act == "timeout"
            done = await self.handsets.lose(handset, timed_out=is_late)
            said = LineSays.TIMED_OUT if is_late else LineSays.DROPPED
        return said if done else LineSays.NO_SESSION

    async def approve(self, http: HttpRequest) -> Response:
        """Approve a prompt with ``pin`` (any four digits; it is looked at and forgotten)."""
        return await self._answer(http, Verdict.APPROVE)

    async def decline(self, http: HttpRequest) -> Response:
        """Decline a prompt."""
        return await self._answer(http, Verdict.DECLINE)

    async def inbox(self, http: HttpRequest) -> Response:
        """All messages of all phones; JSON with ``Accept: application/json``."""
        messages = await self.sms.messages(None, limit=200)
        if _is_json(http):
            return JSONResponse({"messages": [_message_json(message) for message in messages]})
        return page(
            "inbox.html",
            language_of(http.query_params),
            here="/sandbox/inbox",
            messages=messages,
            zone=zone_of(""),
        )

    async def read_book(self, http: HttpRequest) -> Response:
        """The operator's book; filters in the query string, or as JSON (a must for a number)."""
        try:
            values = await http.json() if http.method == "POST" else dict(http.query_params)
            if not isinstance(values, dict):
                raise BadFilter("send a JSON object")
            if http.method == "GET" and "payer" in values:
                raise BadFilter("a number does not belong in a URL: POST it as JSON")
            wants_page = "text/html" in http.headers.get("accept", "")
            language = language_of(values)
            values.pop("lang", None)
            if wants_page:
                values.setdefault("limit", "100")
            book = await read_book(self.book, read_filter(values))
        except (ValueError, RecursionError) as problem:
            return JSONResponse({"error": str(problem)}, 400)
        if not wants_page:
            return JSONResponse(book)
        return page("book.html", language, here="/sandbox/book", book=book, zone=zone_of(""))

    async def _answer(self, http: HttpRequest, verdict: Verdict) -> Response:
        form = await _form(http)
        pin = only_digits(form.get("pin", ""))
        if verdict is Verdict.APPROVE and (pin is None or len(pin) != 4):
            said = PersonSays.BAD_PIN
        else:
            said = await self.teller.answer_prompt(http.path_params["id"], verdict)
        if _is_json(http):
            return JSONResponse({"result": said}, _STATUS.get(said, 200))
        handset = form.get("handset", "")
        return _to_phone(handset, language_of(form), said)

    async def _done(
        self, http: HttpRequest, form: dict[str, str], handset: str, msisdn: str, said: str = ""
    ) -> Response:
        if _is_json(http):
            return await self.state(http, handset, msisdn)
        return _to_phone(handset, language_of(form), said)


def _to_phone(handset: str, language: str, said: str = "") -> Response:
    path = f"/sandbox/phone/{handset}" if handset.isalnum() else "/sandbox/phone"
    say = f"&say={said}" if said else ""
    return RedirectResponse(f"{path}?lang={language}{say}", 303, SAFETY)


async def _form(http: HttpRequest) -> dict[str, str]:
    """Fields of a form or of a JSON object; whatever is no text is left out."""
    if _is_json(http):
        try:
            values = await http.json()
            json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError):
            return {}
        fields = values if isinstance(values, dict) else {}
        return {name: value for name, value in fields.items() if isinstance(value, str)}
    async with http.form(max_files=0, max_fields=20) as form:
        return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}


def _is_json(http: HttpRequest) -> bool:
    wanted = http.headers.get("content-type", ""), http.headers.get("accept", "")
    return any(value.startswith("application/json") for value in wanted)


def _dialogue_json(dialogue: Dialogue) -> dict[str, Any]:
    screen = dialogue.screen
    return {
        "open": dialogue.is_open,
        "text": screen.text if screen else None,
        "alphabet": screen.alphabet if screen else None,
        "units": screen.units if screen else None,
        "budget": screen.budget if screen else None,
        "fault": dialogue.fault,
        "network": dialogue.network.name,
        "hops": [{"sent": hop.keyed, "same_again": hop.again} for hop in dialogue.sent],
    }


def _prompt_json(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "payee": request.payee,
        "description": request.description,
        "amount": request.amount.plain(),
        "currency": request.amount.currency,
        "expires_at": request.expires_at,
    }


def _message_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": message.at,
        "direction": message.direction,
        "from": message.sender,
        "to": message.recipient,
        "text": message.text,
        "status": message.status,
    }
