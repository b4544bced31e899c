"""The sandbox operator's SMS route over real HTTP."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from starlette.datastructures import QueryParams

from kernel.config import CarrierConfig
from kernel.http import HttpClient
from kernel.msisdn import Msisdn
from sms.carriers.sandbox import Sandbox
from sms.inbound import read_form
from sms.port import Delivery, Failure, Handover, Inbound, Outgoing, Refused, Report, Sent, Unknown
from sms.port import Webhook as Call
from tests.contract.sms.conftest import Operator

MESSAGE = UUID("01930000-0000-7000-8000-000000000007")
OUTGOING = Outgoing(
    id=MESSAGE,
    to=Msisdn("+96171888000"),
    text="دُفع 180,000,000 ليرة",
    status_url="http://127.0.0.1:8000/sms/sandbox/status",
)


def carrier(http: HttpClient, url: str = "http://127.0.0.1:9") -> Sandbox:
    settings = CarrierConfig(name="sandbox", carrier="sandbox", sender="MIZAN", base_url=url)
    return Sandbox(settings, http)


async def test_a_message_is_posted_as_json(operator: Operator, http: HttpClient) -> None:
    operator.answers_with("202 Accepted", b"{}")

    assert await carrier(http, operator.url).send(OUTGOING) == Sent(str(MESSAGE))

    [asked] = operator.asked
    assert asked.line == "POST /sms/messages HTTP/1.1"
    assert json.loads(asked.body) == {
        "id": str(MESSAGE),
        "to": "+96171888000",
        "from": "MIZAN",
        "text": OUTGOING.text,
        "status_url": OUTGOING.status_url,
    }


@pytest.mark.parametrize(
    ("status", "handover"),
    [
        ("200 OK", Unknown("HTTP 200")),
        ("400 Bad Request", Refused(Failure.OTHER, "400")),
        ("422 Unprocessable Content", Refused(Failure.OTHER, "422")),
        ("429 Too Many Requests", Unknown("HTTP 429")),
        ("503 Service Unavailable", Unknown("HTTP 503")),
    ],
)
async def test_other_answers_are_refused_or_unknown(
    operator: Operator, http: HttpClient, status: str, handover: Handover
) -> None:
    operator.answers_with(status, b"")

    assert await carrier(http, operator.url).send(OUTGOING) == handover


async def test_an_operator_that_is_away_or_hangs_up_is_unknown(
    operator: Operator, http: HttpClient
) -> None:
    operator.answers.append(b"")

    assert await carrier(http, operator.url).send(OUTGOING) == Unknown("RemoteProtocolError")
    assert await carrier(http).send(OUTGOING) == Unknown("ConnectError")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (f"id={MESSAGE}&status=sent", Report(message=MESSAGE, state=Delivery.SENT, word="sent")),
        (
            f"id={MESSAGE}&status=delivered",
            Report(message=MESSAGE, state=Delivery.DELIVERED, word="delivered"),
        ),
        (
            f"id={MESSAGE}&status=failed",
            Report(message=MESSAGE, state=Delivery.FAILED, word="failed", failure=Failure.OTHER),
        ),
        (f"id={MESSAGE}&status=eaten", Report(message=MESSAGE, state=None, word="eaten")),
        ("id=7&status=sent", None),
        (f"id={MESSAGE}", None),
        (f"id={MESSAGE}&id={MESSAGE}&status=sent", None),
        ("", None),
    ],
)
def test_status_reports_are_read(http: HttpClient, body: str, told: Report | None) -> None:
    call = Call("", QueryParams(), read_form(body.encode()), {})

    assert carrier(http).read_report(call) == told


def test_an_inbound_message_is_read(http: HttpClient) -> None:
    form = read_form(b"id=i1&from=%2B96171888000&to=MIZAN&text=%D8%AA%D8%AD%D9%82%D9%82")

    assert carrier(http).read_inbound(form) == Inbound("i1", "+96171888000", "تحقق")
    assert carrier(http).read_inbound(read_form(b"id=i1&from=x")) is None
