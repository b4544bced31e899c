"""Hubtel (Ghana): JSON, the last input only; the first ``Message`` is the whole dialled string.

``Type`` comes as Initiation, Response, Release or Timeout, in another case in each version of the
documents, and goes as ``response`` or ``release``. Sources: developers.hubtel.com,
api-reference-prog-services; cybersai/ussd, src/Constants/Hubtel.php.
"""

from __future__ import annotations

from typing import Final

from ussd.dialects.fields import FieldDialect, json_answer, json_object
from ussd.hop import Answer, Ending, Hop, Phase, Reply, Unreadable


def _write(hop: Hop, reply: Reply) -> Answer:
    return _answer(hop.session_id, reply.text, ends=reply.ends)


def _acknowledge(hop: Hop) -> Answer:
    return _answer(hop.session_id, "", ends=True)


def _refuse(_why: Unreadable, apology: str) -> Answer:
    return _answer("", apology, ends=True)


def _answer(session_id: str, text: str, *, ends: bool) -> Answer:
    return json_answer(
        {
            "SessionId": session_id,
            "Type": "release" if ends else "response",
            "Message": text,
            "Label": "",
            "ClientState": "",
            "DataType": "display" if ends else "input",
            "FieldType": "text",
        }
    )


HUBTEL: Final = FieldDialect(
    decode=json_object,
    session="SessionId",
    msisdn="Mobile",
    text="Message",
    mark="Type",
    phases={
        "initiation": Phase.START,
        "response": Phase.INPUT,
        "release": Phase.END,
        "timeout": Phase.END,
    },
    endings={"release": Ending.CANCELLED, "timeout": Ending.TIMED_OUT},
    code="ServiceCode",
    network="Operator",
    sequence="Sequence",
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
