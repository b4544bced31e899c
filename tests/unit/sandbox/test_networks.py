"""Networks: what each one posts, and which answers it takes for a screen."""

from __future__ import annotations

import json
import xmlrpc.client
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest

from kernel.alphabet import Alphabet
from sandbox.hop import Session
from sandbox.networks import KINDS, NETWORKS
from sandbox.networks.wire import Heard, Request, Unheard

AT = "2026-11-21T09:00:00"
ARABIC = 'ميزان <1> & "2"\n1. دفع'


def session_on(name: str, *typed: str) -> Session:
    """Somebody dialled ``*789*123#`` and typed."""
    return Session(NETWORKS[name], "77", "+962790000000", ("123",), list(typed))


def post(name: str, kind: str, *typed: str) -> Request:
    """What the network posts."""
    return NETWORKS[name].request(kind, session_on(name, *typed).values(AT))


def fields(request: Request) -> dict[str, object]:
    """Named fields of a request, whatever its form."""
    if request.method == "GET":
        return dict(parse_qsl(request.path.removeprefix("?"), keep_blank_values=True))
    if "json" in request.headers["content-type"]:
        return dict(json.loads(request.body))
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


# Network, the field with the text, its value on the dial, and after "1" and "7" were typed.
INPUTS = [
    ("africastalking", "text", "123", "123*1*7"),
    ("sandbox", "text", "123", "123*1*7"),
    ("safaricom", "USSD_PARAMS", "123", "123*1*7"),
    ("airtel", "input", "789*123", "7"),
    ("hubtel", "Message", "*789*123#", "7"),
    ("arkesel", "userData", "*789*123#", "7"),
    ("nalo", "USERDATA", "*789*123#", "7"),
    ("nalo_old", "USERDATA", "*789*123#", "7"),
    ("infobip", "text", "*789*123#", "7"),
    ("mtn_madapi", "ussdString", "*789*123#", "7"),
    ("json", "text", "*789*123#", "7"),
]


@pytest.mark.parametrize(("name", "field", "dialled", "typed"), INPUTS)
def test_a_network_sends_all_that_was_typed_or_only_the_last(
    name: str, field: str, dialled: str, typed: str
) -> None:
    assert fields(post(name, "start"))[field] == dialled
    assert fields(post(name, "input", "1", "7"))[field] == typed


# Network, how a start and an input are told apart.
MARKS = [
    ("hubtel", "Type", "Initiation", "Response"),
    ("arkesel", "newSession", True, False),
    ("nalo", "MSGTYPE", True, False),
    ("mtn_madapi", "messageType", "0", "1"),
    ("json", "event", "start", "input"),
    ("json", "sequence", 1, 2),
    ("hubtel", "Sequence", 1, 2),
]


@pytest.mark.parametrize(("name", "field", "start", "later"), MARKS)
def test_a_start_is_marked(name: str, field: str, start: object, later: object) -> None:
    assert fields(post(name, "start"))[field] == start
    assert fields(post(name, "input", "1"))[field] == later


def test_infobip_puts_its_ends() -> None:
    methods = [post("infobip", kind).method for kind in ("start", "input", "timeout", "over")]
    assert methods == ["POST", "POST", "PUT", "PUT"]
    assert b"METHOD" not in post("infobip", "timeout").body


def test_infobip_says_in_the_path_what_happens_to_which_session() -> None:
    paths = [post("infobip", kind).path for kind in ("start", "input", "timeout")]
    assert paths == ["/session/77/start", "/session/77/response", "/session/77/end"]


def test_an_old_integration_of_nalo_has_no_session() -> None:
    assert fields(post("nalo", "start"))["SESSIONID"] == "77"
    assert "SESSIONID" not in fields(post("nalo_old", "start"))


def test_restcomm_writes_an_alphabet_and_brings_back_what_it_was_given() -> None:
    session = session_on("restcomm", 'أ"<')
    session.kept["object"] = "o&1"
    request = NETWORKS["restcomm"].request("input", session.values(AT))
    dialog = ElementTree.fromstring(request.body)
    assert dialog.attrib["userObject"] == "o&1"
    said = dialog[0].attrib
    assert (said["string"], said["dataCodingScheme"]) == ('أ"<', "72")
    assert dialog.find(".//msisdn") is None
    start = ElementTree.fromstring(post("restcomm", "start").body)
    assert start[0].attrib["dataCodingScheme"] == "15"
    number = start.find(".//msisdn")
    assert number is not None
    assert number.attrib["number"] == "962790000000"


def test_mtn_rwanda_is_called_with_a_structure() -> None:
    ((said,), method) = xmlrpc.client.loads(post("mtn_rwanda", "input", "7").body)
    assert isinstance(said, dict)
    assert (method, said["USSDRequestString"], said["response"]) == ("handleUSSD", "7", "true")
    assert str(said["TransactionTime"]) == "20261121T09:00:00"


def answer(name: str, text: str, ends: bool) -> tuple[dict[str, str], bytes]:
    """A right answer of a gateway, written by hand from what the operator publishes."""
    go = not ends
    named: dict[str, dict[str, object]] = {
        "hubtel": {"SessionId": "77", "Type": "release" if ends else "response", "Message": text},
        "arkesel": {"sessionID": "77", "userID": "SANDBOX_1", "msisdn": "962790000000"}
        | {"message": text, "continueSession": go},
        "nalo": {"USERID": "SANDBOX", "MSISDN": "962790000000", "MSG": text, "MSGTYPE": go},
        "infobip": {"shouldClose": ends, "ussdMenu": text, "responseExitCode": 200},
        "mtn_madapi": {"statusCode": "0000"}
        | {"data": {"inboundResponse": text, "userInputRequired": go}},
        "json": {"session": "77", "text": text, "more": go},
    }
    name = "nalo" if name == "nalo_old" else name
    if name in named:
        return {}, json.dumps(named[name]).encode()
    if name == "airtel":
        return {"freeflow": "FB" if ends else "FC"}, text.encode()
    if name == "mtn_rwanda":
        said = {"TransactionId": "77", "USSDResponseString": text}
        body = xmlrpc.client.dumps(
            ({**said, "action": "end" if ends else "request"},), methodresponse=True
        )
        return {}, body.encode()
    if name == "restcomm":
        operation = (
            "processUnstructuredSSRequest_Response" if ends else "unstructuredSSRequest_Request"
        )
        dialog = ElementTree.Element("dialog", userObject="o")
        coding = "15" if text.isascii() else "72"
        ElementTree.SubElement(dialog, operation, dataCodingScheme=coding, string=text)
        return {}, ElementTree.tostring(dialog, "utf-8")
    return {}, f"{'END' if ends else 'CON'} {text}".encode()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("text", [ARABIC, "Paid: 5.000 JOD\nThank you"])
def test_a_right_answer_is_shown_as_it_was_meant(name: str, ends: bool, text: str) -> None:
    headers, body = answer(name, text, ends)
    heard = NETWORKS[name].read(headers, body, session_on(name).values(AT))
    assert isinstance(heard, Heard), heard
    assert (heard.text, heard.ends) == (text, ends)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("body", [b"", b"\xff", b"null", b"{}", b"<dialog/>", b" CON 1", b"[1]"])
def test_an_answer_that_breaks_the_rules_is_no_screen(name: str, body: bytes) -> None:
    assert isinstance(NETWORKS[name].read({}, body, session_on(name).values(AT)), Unheard)


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("hubtel", b'{"SessionId": "78", "Type": "response", "Message": "x"}', "SessionId"),
        ("hubtel", b'{"SessionId": "77", "Type": "Initiation", "Message": "x"}', "Initiation"),
        ("nalo", b'{"USERID": "SANDBOX", "MSISDN": "1", "MSG": "x", "MSGTYPE": true}', "MSISDN"),
        ("json", b'{"session": "77", "text": "x", "more": "true"}', "'true'"),
        ("sandbox", b"CON \xff", "UTF-8"),
        ("json", b'{"session": "77", "text": 5, "more": true}', "no text"),
        ("mtn_madapi", b'{"statusCode": "4000", "data": {}}', "statusCode"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(name: str, body: bytes, why: str) -> None:
    heard = NETWORKS[name].read({}, body, session_on(name).values(AT))
    assert isinstance(heard, Unheard)
    assert why in str(heard)


def test_arabic_in_seven_bits_is_no_screen() -> None:
    _, body = answer("restcomm", ARABIC, False)
    heard = NETWORKS["restcomm"].read(
        {}, body.replace(b'"72"', b'"15"'), session_on("restcomm").values(AT)
    )
    assert isinstance(heard, Unheard)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_names_its_source_and_fills_all_its_places(name: str) -> None:
    network = NETWORKS[name]
    assert network.source
    assert network.budget(Alphabet.GSM7) <= 182
    assert network.budget(Alphabet.UCS2) <= 80
    for kind in filter(network.tells, KINDS):
        request = post(name, kind, "1")
        assert "{session}" not in request.path + request.body.decode()
