"""Every request that the GSMA adapter makes is a valid one of the published OpenAPI document."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from kernel.clock import ManualClock
from kernel.http import HttpClient
from kernel.money import Money
from kernel.msisdn import Msisdn
from tests.contract.published import at_hand
from tests.contract.wallets.conftest import config
from tests.contract.wallets.gsma_document import EXTRACT, Requests, extract, load
from tests.contract.wallets.scripted_operator import BASE_PATH, Asked, Said, ScriptedOperator
from wallets.gsma import GsmaWallet
from wallets.port import CollectionRequest, Known, ReversalRequest

DOCUMENTS = at_hand(EXTRACT)
ACCEPTED = Said(
    202,
    b'{"serverCorrelationId": "6f1d2c3b-0a1b-4c2d-8e3f-aabbccddeeff", "status": "pending",'
    b' "notificationMethod": "callback"}',
)
LINK = Said(200, b'{"link": "/errors/17"}')
BUSY = Said(503)
FEES = [
    (Money(5_000, "JOD"), "+962790000001", "5.000"),
    (Money(1, "BHD"), "+97336000000", "0.001"),
    (Money(180_000_000, "LBP"), "+96171888000", "180000000"),
    (Money(1_050, "ILS"), "+970590000000", "10.50"),
    (Money(12_345_678, "SYP"), "+963930000000", "123456.78"),
]


@pytest.fixture(scope="module", params=DOCUMENTS, ids=lambda file: file.suffix[1:])
def requests(request: pytest.FixtureRequest) -> Requests:
    """The extract that is kept here and, where it is at hand, the published document."""
    return Requests(load(request.param))


@pytest.fixture
def gsma(operator: ScriptedOperator, http: HttpClient, clock: ManualClock) -> GsmaWallet:
    """The adapter itself, with its heartbeat."""
    return GsmaWallet(config(operator.url), http, clock)


def complaints(requests: Requests, asked: Asked) -> list[str]:
    """What the document says against a request."""
    path = asked.path.removeprefix(BASE_PATH)
    return requests.complaints(asked.method, path, asked.headers, asked.body)


async def test_every_kind_of_request_is_valid(
    requests: Requests,
    gsma: GsmaWallet,
    operator: ScriptedOperator,
    fee: CollectionRequest,
    refund: ReversalRequest,
    clock: ManualClock,
) -> None:
    operator.says(ACCEPTED, ACCEPTED, *[BUSY] * 3)
    await gsma.collect(fee)
    await gsma.reverse(refund)
    clock.forward(timedelta(milliseconds=7))
    await gsma.query(fee, Known())
    await gsma.query(fee, Known(correlation="6f1d2c3b-0a1b-4c2d-8e3f-aabbccddeeff"))
    await gsma.query(fee, Known(reference="SBX/1001?&#%"))
    await gsma.heartbeat()
    assert [complaints(requests, asked) for asked in operator.asked] == [[]] * 6
    assert operator.asked[4].path == f"{BASE_PATH}/transactions/SBX%2F1001%3F%26%23%25"


@pytest.mark.parametrize(("amount", "payer", "wire"), FEES, ids=[str(fee[0]) for fee in FEES])
async def test_an_amount_has_the_decimals_of_its_currency(
    amount: Money,
    payer: str,
    wire: str,
    requests: Requests,
    gsma: GsmaWallet,
    operator: ScriptedOperator,
) -> None:
    operator.says(ACCEPTED)
    await gsma.collect(
        CollectionRequest(
            id=UUID("01931e3c-7a00-7aaa-8bbb-0123456789ab"),
            payer=Msisdn.parse(payer),
            amount=amount,
            description="رسوم ترخيص مركبة " * 30,
            callback_url="https://fees.example.test/callbacks/" + "a" * 32,
        )
    )
    assert complaints(requests, operator.asked[0]) == []
    assert f'"amount":"{wire}","currency":"{amount.currency}"'.encode() in operator.asked[0].body


async def test_a_collection_carries_our_id_everywhere_and_the_payer_only_in_its_body(
    gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    operator.says(ACCEPTED)
    await gsma.collect(fee)
    asked = operator.asked[0]
    assert asked.headers["x-correlationid"] == str(fee.id)
    assert asked.headers["x-callback-url"] == fee.callback_url
    assert asked.headers["x-date"] == "2026-11-21T09:00:00.000Z"
    assert asked.headers["accept-encoding"] == "identity"
    assert f'"requestingOrganisationTransactionReference":"{fee.id}"'.encode() in asked.body
    assert b'"debitParty":[{"key":"msisdn","value":"+962790000001"}]' in asked.body
    assert b'"creditParty":[{"key":"accountid","value":"mizan"}]' in asked.body
    assert "790000001" not in asked.path + "".join(asked.headers.values())


@pytest.mark.parametrize("minor", [0, -1])
async def test_nothing_is_never_asked_for(
    minor: int, gsma: GsmaWallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    nothing = CollectionRequest(
        id=fee.id,
        payer=fee.payer,
        amount=Money(minor, "JOD"),
        description="",
        callback_url=fee.callback_url,
    )
    with pytest.raises(ValueError, match="positive"):
        await gsma.collect(nothing)
    assert operator.asked == []


BODY = b'{"amount": "5.000", "currency": "JOD", "debitParty": [{"key": "msisdn", "value": "1"}]}'


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/transactions/type/merchantpay", {}, BODY.replace(b'"5.000"', b"5.0")),
        ("/transactions/type/merchantpay", {}, BODY.replace(b"5.000", b"5.00000")),
        ("/transactions/type/merchantpay", {}, BODY.replace(b"JOD", b"XYZ")),
        ("/transactions/type/merchantpay", {}, BODY.replace(b"JOD", b"")),
        ("/transactions/type/merchantpay", {}, BODY.replace(b'"key": "msisdn",', b"")),
        ("/transactions/type/merchantpay", {"x-correlationid": "17"}, BODY),
        ("/transactions/type/merchantpay", {"x-date": "Sat, 21 Nov 2026 09:00:00 GMT"}, BODY),
        ("/transactions/type/merchantpay", {"x-made-up": "1"}, BODY),
        ("/transactions/type/theft", {}, BODY),
        ("/transactions/type", {}, BODY),
    ],
)
def test_the_judge_of_requests_is_awake(
    path: str, headers: dict[str, str], body: bytes, requests: Requests
) -> None:
    told = {"content-type": "application/json"}
    assert requests.complaints("POST", "/transactions/type/merchantpay", told, BODY) == []
    assert requests.complaints("POST", path, {**told, **headers}, body)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.suffix[1:])
def test_the_extract_is_what_the_document_says(document: Path) -> None:
    assert extract(load(document)) == load(EXTRACT)
