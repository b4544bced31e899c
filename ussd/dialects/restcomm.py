"""RestComm (Mobicents) USSD Gateway: a MAP dialog as XML in, and out.

A dial is ``processUnstructuredSSRequest_Request``, an input ``unstructuredSSRequest_Response``;
aborts and timeouts are attributes of the dialog. GSM 7-bit goes as coding scheme 15, UCS-2 as 72.
An input brings neither number nor the first ``invokeId``, which the last answer needs: we put both
in ``userObject``, which the gateway gives back within the dialog and to nobody else. The session is
the pair of transaction ids. Source: RestComm/ussdgateway, docs, Chapter-HTTP_Architecture.
"""

from __future__ import annotations

from typing import Final

from kernel.alphabet import Alphabet, alphabet_of
from ussd.dialects.fields import FieldDialect, Pairs
from ussd.dialects.markup import XML, Element, elements, escaped
from ussd.hop import Answer, Arrival, Ending, Hop, Phase, Reply, Unreadable

_START: Final = "processUnstructuredSSRequest_Request"
_INPUT: Final = "unstructuredSSRequest_Response"
_OVER: Final = (
    "mapUserAbortChoice",
    "mapAbortProviderReason",
    "mapRefuseReason",
    "dialogTimedOut",
    "invokeTimedOut",
)
_TIMEOUTS: Final = ("dialogTimedOut", "invokeTimedOut")
_LONGEST_REASON: Final = 32
_CODING: Final = {Alphabet.GSM7: 15, Alphabet.UCS2: 72}


def _decode(arrival: Arrival) -> Pairs | Unreadable:
    found = elements(arrival.body)
    if not found or found[0].tag != "dialog":
        return Unreadable.BAD_ENCODING
    dialog = found[0].attributes
    session = f"{dialog.get('localId', '')}-{dialog.get('remoteId', '')}"
    pairs = [("network", dialog.get("networkId", ""))]
    if session != "-":
        pairs.append(("session", session))
    invoke, _, rest = dialog.get("userObject", "").partition(" ")
    msisdn, _, code = rest.partition(" ")
    messages = [element for element in found if element.tag in (_START, _INPUT)]
    reason = _reason(found)
    if reason:
        pairs += [("event", "over"), ("reason", reason)]
    for message in messages if not reason else ():
        if message.tag == _START:
            # What an earlier dialog left in userObject, if a gateway repeats it, is not ours.
            invoke, msisdn, code = message.attributes.get("invokeId", ""), "", ""
        pairs += [("event", message.tag), ("string", _string(message, found))]
    number = msisdn or _number(found)
    return [*pairs, *[("msisdn", number)][: bool(number)], ("invoke", invoke), ("code", code)]


def _reason(found: list[Element]) -> str:
    """Why the dialog is over, empty if it is not."""
    dialog = found[0].attributes
    for name in _OVER:
        if name in dialog:
            said = "" if name in _TIMEOUTS else dialog[name].rpartition("_")[2]
            return (said or name)[:_LONGEST_REASON]
    if any(element.tag == "errorComponent" for element in found):
        return "errorComponent"
    return dialog["type"] if dialog.get("type") in ("Abort", "End") else ""


def _string(message: Element, found: list[Element]) -> str:
    """What was typed: an attribute, in newer gateways an element; nothing is an empty input."""
    inside = next((element.text for element in found if element.tag == "string"), "")
    return message.attributes.get("string", inside)


def _number(found: list[Element]) -> str:
    """The subscriber; the guide: without ``msisdn`` the origination reference is the number."""
    numbers = {element.tag: element.attributes.get("number", "") for element in found}
    return numbers.get("msisdn") or numbers.get("originationReference", "")


def _write(hop: Hop, reply: Reply) -> Answer:
    invoke = hop.echo[0]
    coding = _CODING[alphabet_of(reply.text)]
    content = f'dataCodingScheme="{coding}" string="{escaped(reply.text)}"'
    if reply.ends:
        first = escaped(invoke or "0")
        return _dialog(
            'mapMessagesSize="1" prearrangedEnd="false"',
            f'<processUnstructuredSSRequest_Response invokeId="{first}" {content}/>',
        )
    kept = escaped(f"{invoke} {hop.msisdn.e164} {hop.short_code}")
    return _dialog(
        f'mapMessagesSize="1" userObject="{kept}"', f"<unstructuredSSRequest_Request {content}/>"
    )


def _acknowledge(_hop: Hop) -> Answer:
    return _dialog('mapMessagesSize="0"', "")


def _refuse(_why: Unreadable, _apology: str) -> Answer:
    """An abort: without the dialog's ``invokeId`` no page can be shown."""
    return _dialog('mapMessagesSize="0" mapUserAbortChoice="isUserSpecificReason"', "")


def _dialog(attributes: str, content: str) -> Answer:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return Answer(f"{head}<dialog {attributes}>{content}</dialog>".encode(), XML)


RESTCOMM: Final = FieldDialect(
    decode=_decode,
    session="session",
    msisdn="msisdn",
    text="string",
    mark="event",
    phases={_START.lower(): Phase.START, _INPUT.lower(): Phase.INPUT, "over": Phase.END},
    reason="reason",
    endings={
        "end": Ending.COMPLETED,
        "isuserspecificreason": Ending.CANCELLED,
        **{name.lower(): Ending.TIMED_OUT for name in _TIMEOUTS},
    },
    code="code",
    network="network",
    echoes=("invoke",),
    write=_write,
    acknowledge=_acknowledge,
    refuse=_refuse,
)
