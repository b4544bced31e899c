"""Our own JSON, for an operator that asks us how to speak: docs/ussd-json.md describes it."""

from __future__ import annotations

from typing import Final

from ussd.dialects.fields import FieldDialect, json_answer, json_object
from ussd.hop import Answer, Ending, Hop, Phase, Reply, Unreadable


def _write(hop: Hop, reply: Reply) -> Answer:
    return json_answer({"session": hop.session_id, "text": reply.text, "more": not reply.ends})


def _acknowledge(hop: Hop) -> Answer:
    return json_answer({"session": hop.session_id, "text": "", "more": False})


def _refuse(why: Unreadable, apology: str) -> Answer:
    return json_answer({"session": "", "text": apology, "more": False, "error": why.value})


MIZAN_JSON: Final = FieldDialect(
    decode=json_object,
    session="session",
    msisdn="msisdn",
    text="text",
    mark="event",
    phases={"start": Phase.START, "input": Phase.INPUT, "end": Phase.END},
    reason="reason",
    endings={
        "done": Ending.COMPLETED,
        "abort": Ending.CANCELLED,
        "timeout": Ending.TIMED_OUT,
    },
    code="code",
    network="network",
    sequence="sequence",
    with_plus=True,
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
