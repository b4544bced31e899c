"""One menu for all: the same call over every dialect shows the same pages and takes one payment."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import httpx
import pytest
from starlette.applications import Starlette

from kernel.clock import ManualClock
from kernel.config import ChannelConfig
from kernel.money import Money
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.unit.ussd.conftest import caller, wallet
from ussd.dialects import DIALECTS
from ussd.fake_gateway import FakeGateway
from ussd.routes import routes

CITIZEN = "+962790000000"
DIGITS = CITIZEN.lstrip("+")


@dataclass
class Call:
    """One session as an operator keeps it."""

    session: str = "7"
    typed: list[str] = field(default_factory=list)
    """What was dialled behind the code, and every input since."""
    dialled: str = "*789#"
    hop: int = 0
    kept: str = ""

    @property
    def is_dial(self) -> bool:
        """Whether nothing was answered yet."""
        return self.hop == 1

    @property
    def last(self) -> str:
        """What goes over the radio now."""
        return self.dialled if self.is_dial else self.typed[-1]


@dataclass(frozen=True)
class Request:
    """What an operator sends."""

    body: bytes = b""
    path: str = ""
    query: str = ""
    method: str = "POST"


def as_json(**fields: object) -> Request:
    return Request(json.dumps(fields, ensure_ascii=False).encode())


def asks_africastalking(call: Call) -> Request:
    fields = {"sessionId": call.session, "phoneNumber": CITIZEN, "networkCode": "1"}
    return Request(urlencode({**fields, "text": "*".join(call.typed)}).encode())


def asks_airtel(call: Call) -> Request:
    fields = {"SessionID": call.session, "MSISDN": DIGITS, "input": call.last.strip("*#")}
    return Request(query=urlencode(fields), method="GET")


def asks_arkesel(call: Call) -> Request:
    return as_json(
        sessionID=call.session,
        userID="u",
        newSession=call.is_dial,
        msisdn=DIGITS,
        userData=call.last,
        network="MTN",
    )


def asks_hubtel(call: Call) -> Request:
    return as_json(
        Type="Initiation" if call.is_dial else "Response",
        Mobile=DIGITS,
        SessionId=call.session,
        ServiceCode="789",
        Message=call.last,
        Operator="mtn",
        Sequence=call.hop,
    )


def asks_infobip(call: Call) -> Request:
    event = "start" if call.is_dial else "response"
    body = as_json(msisdn=DIGITS, text=call.last).body
    return Request(body, path=f"/session/{call.session}/{event}")


def asks_json(call: Call) -> Request:
    event = "start" if call.is_dial else "input"
    return as_json(
        session=call.session, event=event, msisdn=CITIZEN, text=call.last, sequence=call.hop
    )


def asks_mtn_madapi(call: Call) -> Request:
    return as_json(
        sessionId=call.session,
        messageType=0 if call.is_dial else 1,
        msisdn=DIGITS,
        serviceCode="*789#",
        ussdString=call.last,
    )


def asks_mtn_rwanda(call: Call) -> Request:
    members = {
        "TransactionId": call.session,
        "MSISDN": DIGITS,
        "USSDRequestString": call.last,
        "response": "false" if call.is_dial else "true",
    }
    struct = "".join(
        f"<member><name>{name}</name><value><string>{value}</string></value></member>"
        for name, value in members.items()
    )
    return Request(
        f"<methodCall><methodName>handleUSSDRequest</methodName><params><param><value><struct>"
        f"{struct}</struct></value></param></params></methodCall>".encode()
    )


def asks_nalo(call: Call) -> Request:
    return as_json(USERID="u", MSISDN=DIGITS, USERDATA=call.last, MSGTYPE=call.is_dial)


def asks_restcomm(call: Call) -> Request:
    string = f'invokeId="3" dataCodingScheme="15" string={quoteattr(call.last)}'
    dialog = f'<dialog localId="{call.session}" remoteId="1"'
    if call.is_dial:
        inside = f"<processUnstructuredSSRequest_Request {string}>"
        inside += f'<msisdn number="{DIGITS}"/></processUnstructuredSSRequest_Request>'
        return Request(f"{dialog}>{inside}</dialog>".encode())
    kept = quoteattr(call.kept)
    inside = f"<unstructuredSSRequest_Response {string}/>"
    return Request(f"{dialog} userObject={kept}>{inside}</dialog>".encode())


def asks_safaricom(call: Call) -> Request:
    fields = {"ORIG": DIGITS, "DEST": "789", "SESSION_ID": call.session}
    return Request(query=urlencode({**fields, "USSD_PARAMS": "*".join(call.typed)}), method="GET")


def sees_con(answer: httpx.Response) -> tuple[str, bool]:
    assert answer.text[:4] in ("CON ", "END "), answer.text
    return answer.text[4:], answer.text.startswith("CON ")


def sees_flow(answer: httpx.Response) -> tuple[str, bool]:
    return answer.text, {"FC": True, "FB": False}[answer.headers["freeflow"]]


def sees(text: str, goes_on: str, yes: object) -> Callable[[httpx.Response], tuple[str, bool]]:
    def read(answer: httpx.Response) -> tuple[str, bool]:
        told: dict[str, Any] = answer.json()
        told |= told.get("data", {})
        return told[text], told[goes_on] == yes

    return read


def sees_struct(answer: httpx.Response) -> tuple[str, bool]:
    members = ElementTree.fromstring(answer.content).iter("member")
    told = {member.findtext("name"): "".join(member[1].itertext()) for member in members}
    return told["USSDResponseString"], told["action"] == "request"


def sees_dialog(answer: httpx.Response) -> tuple[str, bool]:
    dialog = ElementTree.fromstring(answer.content)
    text = dialog[0].attrib["string"]
    needs = "15" if text.isascii() else "72"
    assert dialog[0].attrib["dataCodingScheme"] == needs
    return text, dialog[0].tag == "unstructuredSSRequest_Request"


SPOKEN = {
    "africastalking": (asks_africastalking, sees_con),
    "airtel": (asks_airtel, sees_flow),
    "arkesel": (asks_arkesel, sees("message", "continueSession", True)),
    "hubtel": (asks_hubtel, sees("Message", "Type", "response")),
    "infobip": (asks_infobip, sees("ussdMenu", "shouldClose", False)),
    "json": (asks_json, sees("text", "more", True)),
    "mtn_madapi": (asks_mtn_madapi, sees("inboundResponse", "userInputRequired", True)),
    "mtn_rwanda": (asks_mtn_rwanda, sees_struct),
    "nalo": (asks_nalo, sees("MSG", "MSGTYPE", True)),
    "restcomm": (asks_restcomm, sees_dialog),
    "safaricom": (asks_safaricom, sees_con),
}


class Phone:
    """A subscriber whose operator speaks a dialect."""

    def __init__(self, line: httpx.AsyncClient, dialect: str) -> None:
        self._line, self._dialect = line, dialect
        self._ask, self._see = SPOKEN[dialect]
        self.call = Call()
        self.request = Request()

    async def dials(self, *arguments: str) -> tuple[str, bool]:
        """A new session."""
        code = "*".join(("*789", *arguments)) + "#"
        self.call = Call(session=f"{int(self.call.session) + 1}", dialled=code)
        self.call.typed += arguments
        return await self._hop()

    async def sends(self, text: str) -> tuple[str, bool]:
        """An input."""
        self.call.typed.append(text)
        return await self._hop()

    async def again(self) -> tuple[str, bool]:
        """The operator sends the last request once more."""
        return await self._post(self.request)

    async def _hop(self) -> tuple[str, bool]:
        self.call.hop += 1
        self.request = self._ask(self.call)
        return await self._post(self.request)

    async def _post(self, request: Request) -> tuple[str, bool]:
        answer = await self._line.request(
            request.method,
            f"/ussd/{self._dialect}{request.path}",
            params=request.query,
            content=request.body,
        )
        assert answer.status_code == 200, answer.text
        found = re.search(r'userObject="([^"]*)"', answer.text)
        self.call.kept = found[1] if found else ""
        return self._see(answer)


@dataclass
class Country:
    """A gateway with a channel for each dialect."""

    line: httpx.AsyncClient
    gateway: FakeGateway


@pytest.fixture
async def country(valkey: Valkey, keys: Keys, clock: ManualClock) -> AsyncIterator[Country]:
    gateway = FakeGateway(clock)
    gateway.languages[CITIZEN] = "en"
    channels = {
        name: ChannelConfig(name=name, dialect=name, short_code="*789#", wallets=("sandbox",))
        for name in DIALECTS
    }
    door = Starlette(
        routes=routes(
            channels=channels,
            wallets={"sandbox": wallet("sandbox")},
            gateway=gateway,
            valkey=valkey,
            keys=keys,
            clock=clock,
        )
    )
    async with caller(door, "127.0.0.1") as line:
        yield Country(line, gateway)


def test_every_dialect_is_spoken_here() -> None:
    assert set(SPOKEN) == set(DIALECTS)


async def test_the_same_keys_show_the_same_pages_over_every_dialect(country: Country) -> None:
    shown: dict[str, list[tuple[str, bool]]] = {}
    for name in DIALECTS:
        phone = Phone(country.line, name)
        shown[name] = [await phone.dials()]
        shown[name] += [await phone.sends(key) for key in ("1", "8642", "0", "5")]
    first = shown["africastalking"]
    assert len({page for page, _ in first}) >= 4
    assert all(goes_on for _, goes_on in first)
    assert {name: pages for name, pages in shown.items() if pages != first} == {}


@pytest.mark.parametrize("name", DIALECTS)
async def test_a_dialled_bill_is_paid_once_over_every_dialect(country: Country, name: str) -> None:
    number = country.gateway.issue(Money(5000, "JOD"))
    phone = Phone(country.line, name)
    page, goes_on = await phone.dials(number)
    assert goes_on
    assert "5.000 JOD" in page
    assert country.gateway.intents == {}
    page, goes_on = await phone.sends("1")
    assert not goes_on
    assert await phone.again() == (page, goes_on)
    assert len(country.gateway.intents) == 1
