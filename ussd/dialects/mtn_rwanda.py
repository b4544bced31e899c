"""MTN Rwanda: an XML-RPC call ``handleUSSDRequest`` with one struct; the last input only.

``response`` is ``false`` on a dial and ``true`` later; where it is missing, our own code or nothing
is a dial. The answer's ``action`` is ``request`` or ``end``; what cannot be read is fault 4001. The
end is not told. Sources: vumi, vumi/transports/mtn_rwanda; the gateway's own request page.
"""

from __future__ import annotations

from typing import Final

from kernel.config import ChannelConfig
from ussd.dialects.fields import FieldDialect, Fields, Pairs, dialled
from ussd.dialects.markup import XML, elements, escaped
from ussd.hop import Answer, Arrival, Hop, Phase, Reply, Unreadable

_METHODS: Final = ("handleUSSD", "handleUSSDRequest")
_FAULT: Final = 4001
_PHASES: Final = {"false": Phase.START, "true": Phase.INPUT}
_dialled: Final = dialled("USSDRequestString")


def _decode(arrival: Arrival) -> Pairs | Unreadable:
    found = elements(arrival.body)
    if not found or found[0].tag != "methodCall":
        return Unreadable.BAD_ENCODING
    pairs: Pairs = []
    name = value = ""
    for element in found:
        if element.tag == "methodName" and element.text.strip() not in _METHODS:
            return Unreadable.BAD_EVENT
        if element.tag == "name":
            pairs, name, value = [*pairs, (name, value)], element.text.strip().lower(), ""
        elif name:
            # The value's text is its own, or that of the type inside it.
            value = value or element.text.strip()
    return [*pairs, (name, value)][1:]


def _phase(fields: Fields, channel: ChannelConfig) -> Phase | Unreadable | None:
    if "response" in fields:
        return _PHASES.get(fields["response"].lower(), Unreadable.BAD_EVENT)
    return _dialled(fields, channel) if fields.get("ussdrequeststring") else Phase.START


def _write(hop: Hop, reply: Reply) -> Answer:
    time = hop.echo[0]
    members = {
        "TransactionId": f"<string>{escaped(hop.session_id)}</string>",
        "TransactionTime": f"<dateTime.iso8601>{escaped(time)}</dateTime.iso8601>",
        "USSDResponseString": f"<string>{escaped(reply.text)}</string>",
        "action": f"<string>{'end' if reply.ends else 'request'}</string>",
    }
    return _response(f"<params><param><value>{_struct(members)}</value></param></params>")


def _acknowledge(hop: Hop) -> Answer:
    return _write(hop, Reply("", ends=True))


def _refuse(why: Unreadable, _apology: str) -> Answer:
    members = {"faultCode": f"<int>{_FAULT}</int>", "faultString": f"<string>{why.value}</string>"}
    return _response(f"<fault><value>{_struct(members)}</value></fault>")


def _struct(members: dict[str, str]) -> str:
    inside = "".join(
        f"<member><name>{name}</name><value>{value}</value></member>"
        for name, value in members.items()
    )
    return f"<struct>{inside}</struct>"


def _response(content: str) -> Answer:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Answer(f"{head}<methodResponse>{content}</methodResponse>".encode(), XML)


MTN_RWANDA: Final = FieldDialect(
    decode=_decode,
    session="TransactionId",
    msisdn="MSISDN",
    text="USSDRequestString",
    phase=_phase,
    mark="response",
    code="USSDServiceCode",
    echoes=("TransactionTime",),
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
