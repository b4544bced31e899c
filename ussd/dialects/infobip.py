"""Infobip: JSON posted to ``<our URL>/session/<id>/start`` and ``…/response``, put to ``…/end``.

The last input only; the first ``text`` is the dialled string; ``shortCode`` is sometimes absent,
``ussdGwId`` undocumented. An end may come without ``msisdn``: it is acknowledged, and nobody's.
``…/status`` (GET) is not served: its answer says so. Errors have a ``responseExitCode`` other than
200. Source: vumi, vumi/transports/infobip/infobip.py and its tests.
"""

from __future__ import annotations

from typing import Final

from ussd.dialects.fields import GET, POST, PUT, FieldDialect, Pairs, json_answer, json_object
from ussd.hop import Answer, Arrival, Ending, Hop, Phase, Reply, Unreadable

_OK: Final = 200
_BAD: Final = 400
_SESSION: Final = "session in path"
_EVENT: Final = "event in path"


def _decode(arrival: Arrival) -> Pairs | Unreadable:
    session, _, rest = arrival.path.partition("/")
    session_id, _, event = rest.partition("/")
    if session != "session" or not event or arrival.method == "GET":
        return Unreadable.BAD_EVENT
    pairs = json_object(arrival)
    if isinstance(pairs, Unreadable):
        return pairs
    return [*pairs, (_SESSION, session_id), (_EVENT, event)]


def _write(_hop: Hop, reply: Reply) -> Answer:
    return _answer(_OK, "", menu=reply.text, ends=reply.ends)


def _acknowledge(_hop: Hop) -> Answer:
    return json_answer({"responseExitCode": _OK, "responseMessage": ""})


def _refuse(why: Unreadable, apology: str) -> Answer:
    if why is Unreadable.NOBODYS_END:
        return json_answer({"responseExitCode": _OK, "responseMessage": ""})
    return _answer(_BAD, why.value, menu=apology, ends=True)


def _answer(code: int, message: str, *, menu: str, ends: bool) -> Answer:
    return json_answer(
        {
            "shouldClose": ends,
            "ussdMenu": menu,
            "responseExitCode": code,
            "responseMessage": message,
        }
    )


INFOBIP: Final = FieldDialect(
    decode=_decode,
    methods=GET | POST | PUT,
    has_path=True,
    session=_SESSION,
    msisdn="msisdn",
    text="text",
    mark=_EVENT,
    phases={"start": Phase.START, "response": Phase.INPUT, "end": Phase.END},
    reason="reason",
    endings={
        "end": Ending.COMPLETED,
        "user abort": Ending.CANCELLED,
        "timeout": Ending.TIMED_OUT,
    },
    code="shortCode",
    network="ussdGwId",
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
