"""Arkesel (Ghana): JSON, the last input only; ``newSession`` marks the dial, nothing the end.

The first ``userData`` is the dialled string. Sources: ArkeselDev/laravel-ussd-sample;
docs.page/nexlabstudio/starhash-docs.
"""

from __future__ import annotations

from typing import Final

from ussd.dialects.fields import FieldDialect, json_answer, json_object
from ussd.hop import Answer, Hop, Phase, Reply, Unreadable


def _write(hop: Hop, reply: Reply) -> Answer:
    return _answer(hop.session_id, hop.echo, reply.text, goes_on=not reply.ends)


def _acknowledge(hop: Hop) -> Answer:
    return _answer(hop.session_id, hop.echo, "", goes_on=False)


def _refuse(_why: Unreadable, apology: str) -> Answer:
    return _answer("", ("", ""), apology, goes_on=False)


def _answer(session_id: str, echo: tuple[str, ...], text: str, *, goes_on: bool) -> Answer:
    user_id, msisdn = echo
    return json_answer(
        {
            "sessionID": session_id,
            "userID": user_id,
            "msisdn": msisdn,
            "message": text,
            "continueSession": goes_on,
        }
    )


ARKESEL: Final = FieldDialect(
    decode=json_object,
    session="sessionID",
    msisdn="msisdn",
    text="userData",
    mark="newSession",
    phases={"true": Phase.START, "false": Phase.INPUT},
    network="network",
    echoes=("userID", "msisdn"),
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
