"""The sandbox operator's SMS route: JSON out, form reports and messages in."""

from __future__ import annotations

import json
from typing import Final

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
    "sent": Delivery.SENT,
    "delivered": Delivery.DELIVERED,
    "failed": Delivery.FAILED,
}


class Sandbox:
    """The carrier behind ``{base_url}/sms/messages``; it names messages by our own id."""

    def __init__(self, config: CarrierConfig, http: HttpClient) -> None:
        self._config = config
        self._http = http

    async def send(self, message: Outgoing) -> Handover:
        """202 is taken, another 4xx refused; everything else is unknown."""
        body = json.dumps(
            {
                "id": str(message.id),
                "to": message.to.e164,
                "from": self._config.sender,
                "text": message.text,
                "status_url": message.status_url,
            },
            ensure_ascii=False,
        )
        try:
            answer = await self._http.send(
                "POST",
                f"{self._config.base_url}/sms/messages",
                headers={"content-type": "application/json"},
                body=body.encode(),
                timeout_s=self._config.timeout_s,
            )
        except (NotSent, NoAnswer) as problem:
            return Unknown(str(problem))
        if answer.status == 202:
            return Sent(str(message.id))
        if answer.status in (400, 404, 422):
            return Refused(Failure.OTHER, str(answer.status))
        return Unknown(f"HTTP {answer.status}")

    def is_genuine(self, webhook: Webhook) -> bool:  # noqa: ARG002  # it signs nothing
        """The sandbox signs nothing; loopback or the secret in the address must do."""
        return True

    def read_report(self, webhook: Webhook) -> Report | None:
        """Form ``id``, ``status``."""
        message = read_uuid(single(webhook.form, "id"))
        word = single(webhook.form, "status")
        if message is None or word is None:
            return None
        state = STATES.get(word)
        failure = Failure.OTHER if state is Delivery.FAILED else None
        return Report(message=message, state=state, word=word, failure=failure)

    def read_inbound(self, form: Form) -> Inbound | None:
        """Form ``id``, ``from``, ``to``, ``text``."""
        reference, sender, text = (single(form, name) for name in ("id", "from", "text"))
        if not reference or not sender or text is None:
            return None
        return Inbound(reference, sender, text)

    def thanks(self) -> tuple[bytes, str]:
        """Nothing to say."""
        return b"", "text/plain"
