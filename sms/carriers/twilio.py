"""Twilio Programmable Messaging (API 2010-04-01) through its client library.

The library speaks through our own HTTP client, so that limits, time-outs and the base URL are ours.
Calls from Twilio are signed (HMAC over the public address and every form field), which is checked
before a field is used.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from logging import getLogger
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import (  # type: ignore[import-untyped]  # ships no types
    TwilioException,
    TwilioRestException,
    TwilioServiceException,
)
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # ships no types
from twilio.request_validator import (  # type: ignore[import-untyped]  # ships no types
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    add_port,
    get_signature_algorithm,
    remove_port,
)
from twilio.rest import Client  # type: ignore[import-untyped]  # ships no types

from kernel.config import CarrierConfig
from kernel.http import HttpClient, NoAnswer, NotSent
from sms.port import (
    Delivery,
    Failure,
    Form,
    Handover,
    Inbound,
    Outgoing,
    Refused,
    Report,
    Sent,
    Unknown,
    Webhook,
    read_uuid,
    single,
)

STATES: Final = {
    "accepted": Delivery.SENDING,
    "scheduled": Delivery.SENDING,
    "queued": Delivery.SENDING,
    "sending": Delivery.SENDING,
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "read": Delivery.DELIVERED,
    "undelivered": Delivery.UNDELIVERED,
    "failed": Delivery.FAILED,
    "canceled": Delivery.FAILED,
}
"""MessageStatus of a status callback; an unlisted one moves nothing."""

FAILURES: Final = {
    20003: Failure.CREDENTIALS,
    21211: Failure.BAD_RECIPIENT,
    21408: Failure.REGION_CLOSED,
    21606: Failure.BAD_SENDER,
    21610: Failure.UNSUBSCRIBED,
    21612: Failure.BAD_SENDER,
    21614: Failure.BAD_RECIPIENT,
    21617: Failure.TEXT_REFUSED,
    30003: Failure.UNREACHABLE,
    30004: Failure.FILTERED,
    30005: Failure.BAD_RECIPIENT,
    30006: Failure.LANDLINE,
    30007: Failure.FILTERED,
    30018: Failure.BAD_SENDER,
    30024: Failure.BAD_SENDER,
}
"""Error codes after which asking again is no use."""

BUSY: Final = frozenset({14107, 20429, 30001, 30017})
"""Error codes that pass: rate limits, a full queue, congestion."""

_HOST: Final = "https://api.twilio.com"
_ALGORITHMS: Final = frozenset({"HMAC_SHA1", "HMAC_SHA256"})


class _OwnHttp(AsyncHttpClient):  # type: ignore[misc]  # the library ships no types
    """Carries the library's requests over our HTTP client, to another host if told."""

    def __init__(self, http: HttpClient, base_url: str, timeout_s: float) -> None:
        super().__init__(getLogger("twilio"), is_async=True, timeout=timeout_s)
        self._http = http
        self._base_url = (base_url or _HOST).rstrip("/")
        self._timeout_s = timeout_s

    async def request(
        self, method: str, uri: str, *, auth: Any, data: Any = None, headers: Any = None, **_: Any
    ) -> Response:
        """One call; raises NotSent or NoAnswer instead of answering late."""
        basic = b64encode(":".join(auth).encode()).decode()
        answer = await self._http.send(
            method,
            uri.replace(_HOST, self._base_url, 1),
            # Our client hands over raw bytes, so nothing may come compressed.
            headers={
                **(headers or {}),
                "Authorization": f"Basic {basic}",
                "Accept-Encoding": "identity",
            },
            body=urlencode(data or {}, doseq=True).encode(),
            timeout_s=self._timeout_s,
        )
        text = answer.body.decode("utf-8", errors="replace")
        return Response(answer.status, text, dict(answer.headers))


class Twilio:
    """One Twilio account; ``sender`` is a number, a name or a messaging service (``MG…``)."""

    def __init__(self, config: CarrierConfig, http: HttpClient) -> None:
        self._config = config
        own = _OwnHttp(http, config.base_url, config.timeout_s)
        self._messages = Client(config.account_sid, config.auth_token, http_client=own).messages
        self._validator = RequestValidator(config.auth_token)

    async def send(self, message: Outgoing) -> Handover:
        """Create a message; our id is in its callback address, which may be called first."""
        sender = self._config.sender
        kind = "messaging_service_sid" if re.fullmatch(r"MG[0-9a-f]{32}", sender) else "from_"
        try:
            created = await self._messages.create_async(
                to=message.to.e164,
                body=message.text,
                status_callback=f"{message.status_url}?message={message.id}",
                **{kind: sender},
            )
        except (NotSent, NoAnswer) as problem:
            return Unknown(str(problem))
        except TwilioException as problem:
            return _refusal(problem)
        except (ValueError, TypeError, AttributeError, KeyError) as problem:
            # A success that is not Twilio's JSON: the message may well be on its way.
            return Unknown(f"unreadable answer: {type(problem).__name__}")
        return Sent(created.sid) if created.sid else Unknown("answer without a sid")

    def is_genuine(self, webhook: Webhook) -> bool:
        """Check ``X-Twilio-Signature`` in constant time, with and without a port."""
        given = webhook.headers.get(SIGNATURE_HEADER.lower())
        algorithm = get_signature_algorithm(webhook.headers.get(SIGNATURE_SETTINGS_HEADER.lower()))
        if not given or algorithm not in _ALGORITHMS:
            return False
        address = urlsplit(webhook.url)
        wanted = [
            self._validator.compute_signature(url, webhook.form, algorithm)
            for url in (remove_port(address), add_port(address))
        ]
        return any(hmac.compare_digest(one.encode(), given.encode()) for one in wanted)

    def read_report(self, webhook: Webhook) -> Report | None:
        """Form ``MessageSid``, ``MessageStatus``, ``ErrorCode``; our id in the address."""
        message = read_uuid(webhook.query.get("message"))
        word = single(webhook.form, "MessageStatus")
        if message is None or word is None:
            return None
        state = STATES.get(word)
        code = single(webhook.form, "ErrorCode") or ""
        lost = state in (Delivery.FAILED, Delivery.UNDELIVERED)
        return Report(
            message=message,
            state=state,
            word=word,
            reference=single(webhook.form, "MessageSid"),
            failure=FAILURES.get(_number(code), Failure.OTHER) if lost else None,
            code=code if lost else "",
        )

    def read_inbound(self, form: Form) -> Inbound | None:
        """Form ``MessageSid``, ``From``, ``Body``."""
        reference, sender, text = (single(form, name) for name in ("MessageSid", "From", "Body"))
        if not reference or not sender or text is None:
            return None
        return Inbound(reference, sender, text)

    def thanks(self) -> tuple[bytes, str]:
        """TwiML that sends nothing: our answer goes out like every other message."""
        return b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml"


def _refusal(problem: TwilioException) -> Handover:
    if not isinstance(problem, TwilioRestException | TwilioServiceException):
        return Unknown(type(problem).__name__)
    code = _number(problem.code)
    if code in FAILURES:
        return Refused(FAILURES[code], str(code))
    if code in BUSY or problem.status == 429:
        return Unknown(f"busy {code}", Failure.CARRIER_BUSY)
    return Unknown(f"HTTP {problem.status} code {code}", Failure.OTHER)


def _number(code: object) -> int:
    text = str(code)
    return int(text) if text.isascii() and text.isdigit() else 0
