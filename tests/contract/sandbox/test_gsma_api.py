"""The operator's GSMA API: strict about requests, every answer valid by the published schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from tests.contract.published import at_hand
from tests.contract.sandbox.gsma_answers import EXTRACT, Answers, extract
from tests.contract.sandbox.operator_process import API, Client

PAYER = "+962790000001"
PARTY = [{"key": "organisationid", "value": "mizan"}]

REFUSALS: list[tuple[dict[str, Any], int, str, str]] = [
    ({"amount": 5}, 400, "validation", "formatError"),
    ({"currency": "LBP", "amount": "5"}, 400, "validation", "currencyNotSupported"),
    (
        {"debitParty": [{"key": "msisdn", "value": "+254700000001"}]},
        404,
        "identification",
        "identifierError",
    ),
    ({"correlation": ""}, 400, "validation", "mandatoryValueNotSupplied"),
]


@pytest.mark.parametrize(("changes", "status", "category", "code"), REFUSALS)
async def test_a_request_that_breaks_a_rule_is_refused_and_not_taken(
    client: Client,
    answers: Answers,
    changes: dict[str, Any],
    status: int,
    category: str,
    code: str,
) -> None:
    answer = await client.collect(PAYER, **changes)
    told = answer.json()
    assert (answer.status_code, told["errorCategory"], told["errorCode"]) == (
        status,
        category,
        code,
    )
    assert answers.complaints("errorObject", told) == []
    assert await client.book() == []


async def test_an_oversized_body_is_refused(client: Client) -> None:
    answer = await client.collect(PAYER, requestDate="x" * 70_000)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "lengthError")
    assert "bytes" in answer.json()["errordescription"]


async def test_only_merchant_payments_are_offered(client: Client) -> None:
    answer = await client.http.post(f"{API}/transactions/type/transfer", json={})
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "transactionTypeError")


async def test_a_correlation_id_is_taken_once(client: Client, answers: Answers) -> None:
    correlation = str(uuid4())
    assert (await client.collect(PAYER, correlation=correlation)).status_code == 202
    again = await client.collect(PAYER, "9.000", correlation=correlation.upper())
    assert (again.status_code, again.json()["errorCategory"]) == (400, "businessRule")
    assert again.json()["errorCode"] == "duplicateRequest"
    assert answers.complaints("errorObject", again.json()) == []
    assert (await client.settled())["amount"] == "5.000"


async def test_without_a_callback_url_the_client_polls(client: Client, answers: Answers) -> None:
    state = (await client.collect(PAYER, callback_url="")).json()
    assert answers.complaints("requestStateObject", state) == []
    assert state["notificationMethod"] == "polling"
    assert (await client.settled())["callbacks"] == []


async def test_a_lost_answer_is_found_by_the_clients_own_id(
    client: Client, answers: Answers
) -> None:
    correlation = str(uuid4())
    state = (await client.collect(PAYER, correlation=correlation)).json()
    answer = await client.get(f"/responses/{correlation}")
    assert answers.complaints("responseResponse", answer.json()) == []
    assert answer.json()["link"] == f"/requeststates/{state['serverCorrelationId']}"


async def test_the_transaction_of_a_completed_request_can_be_read(
    client: Client, answers: Answers
) -> None:
    await client.collect(PAYER)
    request = await client.settled()
    state = (await client.get(f"/requeststates/{request['id']}")).json()
    assert answers.complaints("requestStateObject", state) == []
    assert state["objectReference"] == request["reference"]
    found = (await client.get(f"/transactions/{request['reference']}")).json()
    assert answers.complaints("responseTransaction", found) == []
    assert found["requestingOrganisationTransactionReference"] == request["correlation"]
    assert found["creditParty"] == PARTY


@pytest.mark.parametrize(
    "path", ["requeststates/{}", "responses/{}", "transactions/{}", "bills/{}"]
)
async def test_what_was_never_seen_is_not_found(
    client: Client, answers: Answers, path: str
) -> None:
    answer = await client.get("/" + path.format(uuid4()))
    assert answer.status_code == 404
    assert answers.complaints("errorObject", answer.json()) == []


async def test_every_status_query_is_in_the_book(client: Client) -> None:
    correlation = str(uuid4())
    await client.collect(PAYER, correlation=correlation)
    request = await client.settled()
    await client.get(f"/requeststates/{request['id']}")
    await client.get(f"/responses/{correlation}")
    await client.get(f"/transactions/{request['reference']}")
    await client.get(f"/requeststates/{uuid4()}")
    book = (await client.http.post("/sandbox/book", json={})).json()
    asked = [query["what"] for query in book["requests"][0]["queries"]]
    assert asked == ["requeststate", "response", "transaction"]
    assert [query["answer"] for query in book["unmatched_queries"]] == ["not_found"]


async def test_the_heartbeat_says_available(client: Client, answers: Answers) -> None:
    answer = await client.get("/heartbeat")
    assert answers.complaints("responseHeartbeat", answer.json()) == []


async def test_an_account_tells_its_status_and_balance(client: Client, answers: Answers) -> None:
    status = (await client.get("/accounts/msisdn/+97336000000/status")).json()
    balance = (await client.get("/accounts/msisdn/+97336000000/balance")).json()
    assert answers.complaints("responseAccountStatus", status) == []
    assert answers.complaints("responseAccountBalance", balance) == []
    assert (balance["availableBalance"], balance["currency"]) == ("200.000", "BHD")
    stranger = (await client.get("/accounts/msisdn/+254700000001/status")).json()
    assert stranger["accountStatus"] == "unregistered"


async def reverse(client: Client, reference: str, **fields: str) -> Any:
    """``POST …/reversals``."""
    headers = {"X-CorrelationID": str(uuid4()), "X-Callback-URL": f"{client.ear.url}/callbacks/r"}
    path = f"{API}/transactions/{reference}/reversals"
    return await client.http.post(path, json={"type": "reversal", **fields}, headers=headers)


async def test_a_reversal_gives_the_money_back_and_says_so(
    client: Client, answers: Answers
) -> None:
    await client.collect(PAYER, callback_url="")
    paid = await client.settled()
    answer = await reverse(client, paid["reference"])
    assert answer.status_code == 202
    assert answers.complaints("requestStateObject", answer.json()) == []
    told = json.loads((await client.ear.next()).body)
    assert answers.complaints("responseReversal", told) == []
    assert (told["amount"], told["originalTransactionReference"]) == ("5.000", paid["reference"])
    assert await client.balance(PAYER) == "500.000"


async def test_a_collection_is_reversed_in_parts_but_never_twice(client: Client) -> None:
    await client.collect(PAYER, callback_url="")
    reference = (await client.settled())["reference"]
    assert (await reverse(client, reference, amount="2.000")).status_code == 202
    assert "transactionReference" in json.loads((await client.ear.next()).body)
    too_much = await reverse(client, reference, amount="3.001")
    assert (too_much.status_code, too_much.json()["errorCode"]) == (400, "incorrectState")
    assert (await reverse(client, reference)).status_code == 202
    assert json.loads((await client.ear.next()).body)["amount"] == "3.000"
    assert (await reverse(client, reference)).json()["errorCode"] == "incorrectState"
    assert await client.balance(PAYER) == "500.000"


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"type": "merchantpay"}, "formatError"), ({"currency": "USD"}, "currencyNotSupported")],
)
async def test_a_reversal_that_breaks_a_rule_is_refused(
    client: Client, fields: dict[str, str], code: str
) -> None:
    await client.collect(PAYER, callback_url="")
    answer = await reverse(client, (await client.settled())["reference"], **fields)
    assert (answer.status_code, answer.json()["errorCode"]) == (400, code)


async def test_nothing_that_was_not_collected_is_reversed(client: Client) -> None:
    answer = await reverse(client, "MP000000000000")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "identifierError")


@pytest.mark.parametrize("document", at_hand(EXTRACT), ids=lambda file: file.suffix[1:])
def test_the_extract_is_what_the_document_says(document: Path) -> None:
    said = yaml.load(document.read_text("utf-8"), yaml.CSafeLoader)
    assert extract(said) == json.loads(EXTRACT.read_text("utf-8"))
