"""Airtel and others on Comviva Flares HTTP Pull 1.5: GET in; headers say how it goes on.

The last ``input`` only; the first is the code without ``*`` and ``#``, and nothing else marks it.
``Freeflow: FC`` goes on, ``FB`` ends; ``charge: N`` takes no airtime. A session that broke is told
by ``clean`` and ``error``. Some countries send no ``SessionID``. ``userid`` and ``password`` of the
query string are the channel's ``auth.query``. Source: vumi, airtel.py, and its pull request 550.
"""

from __future__ import annotations

from typing import Final

from kernel.config import ChannelConfig
from ussd.dialects.fields import GET, TEXT, FieldDialect, Fields, dialled, query
from ussd.hop import Answer, Hop, Phase, Reply, Unreadable

_dial_or_input: Final = dialled("input")


def _phase(fields: Fields, channel: ChannelConfig) -> Phase | Unreadable | None:
    return Phase.END if "clean" in fields else _dial_or_input(fields, channel)


def _write(_hop: Hop, reply: Reply) -> Answer:
    return _answer(reply.text, ends=reply.ends)


def _acknowledge(_hop: Hop) -> Answer:
    return _answer("", ends=True)


def _refuse(_why: Unreadable, apology: str) -> Answer:
    return _answer(apology, ends=True)


def _answer(text: str, *, ends: bool) -> Answer:
    flow = (b"freeflow", b"FB" if ends else b"FC")
    return Answer(text.encode(), (*TEXT, flow, (b"charge", b"N"), (b"amount", b"0")))


AIRTEL: Final = FieldDialect(
    decode=query,
    methods=GET,
    session="SessionID",
    needs_session=False,
    msisdn="MSISDN",
    text="input",
    phase=_phase,
    mark="clean",
    reason="error",
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
