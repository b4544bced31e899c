"""Nalo (Ghana): JSON, the last input only; ``MSGTYPE`` true is a dial in, and "go on" out.

Older integrations have no ``SESSIONID``; the subscriber is the session then. The first ``USERDATA``
is the dialled string, or empty. Nothing marks the end. Sources: spesohq/laravel-ussd,
src/Responses/NaloResponse.php; nunyakata on PyPI.
"""

from __future__ import annotations

from typing import Final

from ussd.dialects.fields import FieldDialect, json_answer, json_object
from ussd.hop import Answer, Hop, Phase, Reply, Unreadable


def _write(hop: Hop, reply: Reply) -> Answer:
    return _answer(hop.echo, reply.text, goes_on=not reply.ends)


def _acknowledge(hop: Hop) -> Answer:
    return _answer(hop.echo, "", goes_on=False)


def _refuse(_why: Unreadable, apology: str) -> Answer:
    return _answer(("", "", ""), apology, goes_on=False)


def _answer(echo: tuple[str, ...], text: str, *, goes_on: bool) -> Answer:
    user_id, msisdn, user_data = echo
    return json_answer(
        {
            "USERID": user_id,
            "MSISDN": msisdn,
            "USERDATA": user_data,
            "MSG": text,
            "MSGTYPE": goes_on,
        }
    )


NALO: Final = FieldDialect(
    decode=json_object,
    session="SESSIONID",
    needs_session=False,
    msisdn="MSISDN",
    text="USERDATA",
    mark="MSGTYPE",
    phases={"true": Phase.START, "false": Phase.INPUT},
    network="NETWORK",
    echoes=("USERID", "MSISDN", "USERDATA"),
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
