"""MTN MADAPI: JSON posted to the callback URL of a subscription; the last input only.

``messageType`` in: 0 begin, 1 continue, 2 end, 3 notification, 4 cancel, 5 timeout; on a cancel
``ussdString`` is the reason. Out: 1 goes on, 2 ends. Errors have a ``statusCode`` other than 0000.
Sources: developers.mtn.com/products/ussd; api-evangelist/mtn-group, openapi/mtn-group-ussd.yml.
"""

from __future__ import annotations

from typing import Final

from ussd.dialects.fields import FieldDialect, json_answer, json_object
from ussd.hop import Answer, Ending, Hop, Phase, Reply, Unreadable

_OK: Final = "0000"
_BAD: Final = "4000"
_NOBODY: Final = ("", "")


def _write(hop: Hop, reply: Reply) -> Answer:
    return _answer(hop.session_id, hop.echo, reply)


def _acknowledge(hop: Hop) -> Answer:
    return _answer(hop.session_id, hop.echo, Reply("", ends=True))


def _refuse(why: Unreadable, apology: str) -> Answer:
    return _answer("", _NOBODY, Reply(apology, ends=True), why)


def _answer(
    session_id: str, echo: tuple[str, ...], reply: Reply, why: Unreadable | None = None
) -> Answer:
    code, msisdn = echo
    return json_answer(
        {
            "statusCode": _BAD if why else _OK,
            "statusMessage": why.value if why else "Success",
            "transactionId": session_id,
            "data": {
                "inboundResponse": reply.text,
                "userInputRequired": not reply.ends,
                "messageType": 2 if reply.ends else 1,
                "serviceCode": code,
                "msisdn": msisdn,
            },
            "_link": {},
        }
    )


MTN_MADAPI: Final = FieldDialect(
    decode=json_object,
    session="sessionId",
    msisdn="msisdn",
    text="ussdString",
    mark="messageType",
    phases={
        "0": Phase.START,
        "1": Phase.INPUT,
        "2": Phase.END,
        "3": Phase.END,
        "4": Phase.END,
        "5": Phase.END,
    },
    endings={"2": Ending.COMPLETED, "4": Ending.CANCELLED, "5": Ending.TIMED_OUT},
    code="serviceCode",
    echoes=("serviceCode", "msisdn"),
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
