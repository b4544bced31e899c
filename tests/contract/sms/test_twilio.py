"""Twilio: raw answers, raw callbacks and signatures as its documentation and library give them."""

from __future__ import annotations

import json
from base64 import b64encode
from uuid import UUID

import pytest
from starlette.datastructures import QueryParams
from twilio.request_validator import (  # type: ignore[import-untyped]  # ships no types
    RequestValidator,
)

from kernel.config import CarrierConfig
from kernel.http import HttpClient
from kernel.msisdn import Msisdn
from sms.carriers.twilio import Twilio
from sms.inbound import read_form
from sms.port import (
    Delivery,
    Failure,
    Handover,
    Inbound,
    Outgoing,
    Refused,
    Report,
    Sent,
    Unknown,
    Webhook,
)
from tests.contract.sms.conftest import Operator

MESSAGE = UUID("01930000-0000-7000-8000-000000000007")
SID = "SM0123456789abcdef0123456789abcdef"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CREATED = {
    "sid": SID, "status": "queued", "num_segments": "1", "error_code": None, "price": None,
    "account_sid": ACCOUNT, "body": "Paid", "date_created": "Sat, 21 Nov 2026 09:00:00 +0000",
    "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{SID}.json",
}  # fmt: skip
OUTGOING = Outgoing(
    id=MESSAGE,
    to=Msisdn("+962790000000"),
    text="دُفع 5.000 دينار + & =",
    status_url="https://gw.example.gov.jo/sms/twilio/s3cret/status",
)


def config(base_url: str = "", **changed: str) -> CarrierConfig:
    values = {
        "name": "twilio", "carrier": "twilio", "sender": "+15005550006", "account_sid": ACCOUNT,
        "auth_token": "12345", "secret": "s3cret", "base_url": base_url,
    } | changed  # fmt: skip
    return CarrierConfig(**values)  # type: ignore[arg-type]  # all of these are text


def error(status: int, code: int) -> bytes:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return json.dumps({"code": code, "message": "m", "more_info": more, "status": status}).encode()


async def test_a_message_is_created_as_twilio_documents_it(
    operator: Operator, http: HttpClient
) -> None:
    operator.answers_with("201 Created", json.dumps(CREATED).encode())

    assert await Twilio(config(operator.url), http).send(OUTGOING) == Sent(SID)

    [asked] = operator.asked
    assert asked.line == f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1"
    assert (
        asked.headers["authorization"] == f"Basic {b64encode(f'{ACCOUNT}:12345'.encode()).decode()}"
    )
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert asked.headers["accept-encoding"] == "identity"
    assert asked.form == {
        "To": "+962790000000",
        "From": "+15005550006",
        "Body": OUTGOING.text,
        "StatusCallback": f"{OUTGOING.status_url}?message={MESSAGE}",
    }


async def test_a_messaging_service_replaces_the_sender(
    operator: Operator, http: HttpClient
) -> None:
    service = "MG0123456789abcdef0123456789abcdef"
    operator.answers_with("201 Created", json.dumps(CREATED).encode())

    await Twilio(config(operator.url, sender=service), http).send(OUTGOING)

    assert operator.asked[0].form["MessagingServiceSid"] == service
    assert "From" not in operator.asked[0].form


ANSWERS: list[tuple[str, bytes, Handover]] = [
    ("400 Bad Request", error(400, 21211), Refused(Failure.BAD_RECIPIENT, "21211")),
    ("400 Bad Request", error(400, 21614), Refused(Failure.BAD_RECIPIENT, "21614")),
    ("400 Bad Request", error(400, 21408), Refused(Failure.REGION_CLOSED, "21408")),
    ("400 Bad Request", error(400, 21606), Refused(Failure.BAD_SENDER, "21606")),
    ("400 Bad Request", error(400, 21610), Refused(Failure.UNSUBSCRIBED, "21610")),
    ("400 Bad Request", error(400, 21617), Refused(Failure.TEXT_REFUSED, "21617")),
    ("401 Unauthorized", error(401, 20003), Refused(Failure.CREDENTIALS, "20003")),
    ("429 Too Many Requests", error(429, 20429), Unknown("busy 20429", Failure.CARRIER_BUSY)),
    ("400 Bad Request", error(400, 14107), Unknown("busy 14107", Failure.CARRIER_BUSY)),
    ("429 Too Many Requests", b"slow down", Unknown("busy 429", Failure.CARRIER_BUSY)),
    ("400 Bad Request", error(400, 99999), Unknown("HTTP 400 code 99999", Failure.OTHER)),
    ("500 Internal Server Error", b"<html>", Unknown("HTTP 500 code 500", Failure.OTHER)),
    ("503 Service Unavailable", b"", Unknown("HTTP 503 code 503", Failure.OTHER)),
    ("400 Bad Request", b"[1]", Unknown("HTTP 400 code 400", Failure.OTHER)),
    ("201 Created", b"<html>", Unknown("unreadable answer: JSONDecodeError")),
    ("201 Created", b"{}", Unknown("answer without a sid")),
    ("201 Created", b"[]", Unknown("unreadable answer: AttributeError")),
    ("201 Created", b"\xff\xfe", Unknown("unreadable answer: JSONDecodeError")),
    ("302 Found", b"", Unknown("HTTP 302 code 302", Failure.OTHER)),
]


@pytest.mark.parametrize(("status", "body", "handover"), ANSWERS)
async def test_every_answer_means_taken_refused_or_unknown(
    operator: Operator, http: HttpClient, status: str, body: bytes, handover: Handover
) -> None:
    operator.answers_with(status, body)

    assert await Twilio(config(operator.url), http).send(OUTGOING) == handover


async def test_a_problem_document_of_rfc_9457_is_read_like_the_older_form(
    operator: Operator, http: HttpClient
) -> None:
    problem = {"type": "https://x", "title": "t", "status": 400, "code": 21610}
    operator.answers_with("400 Bad Request", json.dumps(problem).encode())

    assert await Twilio(config(operator.url), http).send(OUTGOING) == Refused(
        Failure.UNSUBSCRIBED, "21610"
    )


async def test_a_connection_cut_before_the_answer_is_unknown(
    operator: Operator, http: HttpClient
) -> None:
    operator.answers.append(b"")

    handover = await Twilio(config(operator.url), http).send(OUTGOING)

    assert handover == Unknown("RemoteProtocolError")


async def test_nobody_listening_is_unknown_too(http: HttpClient) -> None:
    assert await Twilio(config("http://127.0.0.1:9"), http).send(OUTGOING) == Unknown(
        "ConnectError"
    )


def webhook(url: str, body: str, query: str = "", **headers: str) -> Webhook:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Webhook(url, QueryParams(query), read_form(body.encode()), named)


DOCUMENTED = "https://mycompany.com/myapp.php?foo=1&bar=2"
DOCUMENTED_BODY = (
    "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212"
    "&Caller=%2B14158675309"
)
DOCUMENTED_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
ARABIC = "https://gw.example.gov.jo/sms/twilio/inbound"
ARABIC_BODY = "MessageSid=SM1&Body=%D9%85%D8%B1%D8%AD%D8%A8%D8%A7+%2B+%26+%3D&From=%2B962791234567"
ARABIC_SIGNATURE = "T6DaX/vk7C8k0irSalrbgcYZMQU="


@pytest.mark.parametrize(
    ("url", "body", "signature", "genuine"),
    [
        (DOCUMENTED, DOCUMENTED_BODY, DOCUMENTED_SIGNATURE, True),
        (ARABIC, ARABIC_BODY, ARABIC_SIGNATURE, True),
        (DOCUMENTED.replace("https", "http"), DOCUMENTED_BODY, DOCUMENTED_SIGNATURE, False),
        (DOCUMENTED.replace(".com/", ".com:443/"), DOCUMENTED_BODY, DOCUMENTED_SIGNATURE, True),
        (DOCUMENTED + "&baz=3", DOCUMENTED_BODY, DOCUMENTED_SIGNATURE, False),
        (DOCUMENTED, DOCUMENTED_BODY + "&Extra=1", DOCUMENTED_SIGNATURE, False),
        (DOCUMENTED, DOCUMENTED_BODY + "&Digits=9999", DOCUMENTED_SIGNATURE, False),
        (DOCUMENTED, DOCUMENTED_BODY.replace("1234&", "1235&"), DOCUMENTED_SIGNATURE, False),
        (DOCUMENTED, DOCUMENTED_BODY, DOCUMENTED_SIGNATURE[:-2], False),
        (DOCUMENTED, DOCUMENTED_BODY, "ü" * 28, False),
        (DOCUMENTED, DOCUMENTED_BODY, "", False),
    ],
)
def test_only_what_twilio_signed_is_genuine(
    http: HttpClient, url: str, body: str, signature: str, genuine: bool
) -> None:
    carrier = Twilio(config(), http)

    assert carrier.is_genuine(webhook(url, body, x_twilio_signature=signature)) is genuine


def test_a_signature_over_the_address_with_its_port_is_genuine_too(http: HttpClient) -> None:
    form = read_form(ARABIC_BODY.encode())
    signature = RequestValidator("12345").compute_signature(
        ARABIC.replace(".jo/", ".jo:443/"), form
    )

    assert Twilio(config(), http).is_genuine(
        webhook(ARABIC, ARABIC_BODY, x_twilio_signature=signature)
    )


def test_no_signature_or_an_algorithm_nobody_knows_is_not_genuine(http: HttpClient) -> None:
    carrier = Twilio(config(), http)
    settings = {"x_twilio_webhooks_signature_settings": "key=k,algorithm=HMAC_MD5"}

    assert not carrier.is_genuine(webhook(ARABIC, ARABIC_BODY))
    assert not carrier.is_genuine(
        webhook(ARABIC, ARABIC_BODY, x_twilio_signature=ARABIC_SIGNATURE, **settings)
    )


REPORTS: list[tuple[str, Delivery | None, Failure | None, str]] = [
    ("queued", Delivery.SENDING, None, ""),
    ("accepted", Delivery.SENDING, None, ""),
    ("sending", Delivery.SENDING, None, ""),
    ("sent", Delivery.SENT, None, ""),
    ("delivered", Delivery.DELIVERED, None, ""),
    ("read", Delivery.DELIVERED, None, ""),
    ("undelivered&ErrorCode=30003", Delivery.UNDELIVERED, Failure.UNREACHABLE, "30003"),
    ("undelivered&ErrorCode=30006", Delivery.UNDELIVERED, Failure.LANDLINE, "30006"),
    ("undelivered&ErrorCode=30007", Delivery.UNDELIVERED, Failure.FILTERED, "30007"),
    ("failed&ErrorCode=30008", Delivery.FAILED, Failure.OTHER, "30008"),
    ("failed&ErrorCode=%C2%B2", Delivery.FAILED, Failure.OTHER, "²"),
    ("failed", Delivery.FAILED, Failure.OTHER, ""),
    ("sent&ErrorCode=30003", Delivery.SENT, None, ""),
    ("partially_delivered", None, None, ""),
    ("invented", None, None, ""),
]


@pytest.mark.parametrize(("fields", "state", "failure", "code"), REPORTS)
def test_status_callbacks_are_read_from_one_table(
    http: HttpClient, fields: str, state: Delivery | None, failure: Failure | None, code: str
) -> None:
    body = f"SmsSid={SID}&MessageSid={SID}&AccountSid={ACCOUNT}&ApiVersion=2010-04-01"
    told = Twilio(config(), http).read_report(
        webhook("", f"{body}&NewParameter=x&MessageStatus={fields}", f"message={MESSAGE}")
    )

    word = fields.partition("&")[0]
    assert told == Report(
        message=MESSAGE, state=state, word=word, reference=SID, failure=failure, code=code
    )


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", f"MessageSid={SID}&MessageStatus=sent"),
        ("message=1", f"MessageSid={SID}&MessageStatus=sent"),
        (f"message={MESSAGE}", f"MessageSid={SID}"),
        (f"message={MESSAGE}", "MessageStatus=sent&MessageStatus=delivered"),
    ],
)
def test_what_names_no_message_or_no_single_status_is_no_report(
    http: HttpClient, query: str, body: str
) -> None:
    assert Twilio(config(), http).read_report(webhook("", body, query)) is None


def test_an_inbound_message_is_read_and_thanked_with_twiml_that_sends_nothing(
    http: HttpClient,
) -> None:
    carrier = Twilio(config(), http)

    assert carrier.read_inbound(read_form(ARABIC_BODY.encode())) == Inbound(
        "SM1", "+962791234567", "مرحبا + & ="
    )
    assert carrier.read_inbound(read_form(b"MessageSid=SM1&From=%2B9627")) is None
    assert carrier.thanks() == (b'<?xml version="1.0" encoding="UTF-8"?><Response/>', "text/xml")
