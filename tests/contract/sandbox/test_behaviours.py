"""Every row of the behaviour table over real HTTP: what is answered, what is told, what is true."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.behaviours import BEHAVIOURS
from tests.contract.sandbox.gsma_answers import Answers
from tests.contract.sandbox.operator_process import OBSERVED, Client, Ear

NUMBER = "+9627900000"


def told(body: bytes) -> dict[str, Any]:
    """A callback's body."""
    found: dict[str, Any] = json.loads(body)
    return found


def a_state(answer: httpx.Response, answers: Answers) -> dict[str, Any]:
    """A valid 202 with a request state."""
    assert answer.status_code == 202, answer.text
    assert answers.complaints("requestStateObject", answer.json()) == []
    return dict(answer.json())


async def test_00_asks_the_owner_who_approves_with_a_pin(person: Client, answers: Answers) -> None:
    state = a_state(await person.collect(NUMBER + "00"), answers)
    phone = await person.phone(NUMBER + "00")
    (prompt,) = (await person.http.get(f"{phone}/state")).json()["prompts"]
    assert (prompt["payee"], prompt["amount"], prompt["currency"]) == ("mizan", "5.000", "JOD")
    approve = f"/sandbox/phone/prompts/{prompt['id']}/approve"
    assert (await person.http.post(approve, json={"pin": "١٢٣٤"})).json() == {"result": "approved"}
    callback = told((await person.ear.next()).body)
    assert callback["transactionStatus"] == "completed"
    (request,) = await person.book(id=state["serverCorrelationId"])
    assert (request["status"], len(request["movements"])) == ("completed", 1)
    assert await person.balance(NUMBER + "00") == "495.000"


async def test_00_asks_the_owner_who_declines(person: Client) -> None:
    request_id = (await person.collect(NUMBER + "00")).json()["serverCorrelationId"]
    answer = await person.http.post(f"/sandbox/phone/prompts/{request_id}/decline", json={})
    assert answer.json() == {"result": "declined"}
    assert told((await person.ear.next()).body)["errorCode"] == "requestDeclined"
    assert await person.balance(NUMBER + "00") == "500.000"


async def test_00_asks_any_number_that_no_row_names(person: Client) -> None:
    await person.collect(NUMBER + "77")
    phone = await person.phone(NUMBER + "77")
    assert len((await person.http.get(f"{phone}/state")).json()["prompts"]) == 1


async def test_a_prompt_is_answered_once(person: Client) -> None:
    request_id = (await person.collect(NUMBER + "00")).json()["serverCorrelationId"]
    approve = f"/sandbox/phone/prompts/{request_id}/approve"
    assert (await person.http.post(approve, json={"pin": "1234"})).status_code == 200
    again = await person.http.post(approve, json={"pin": "1234"})
    assert (again.status_code, again.json()) == (409, {"result": "too_late"})
    assert len((await person.book(id=request_id))[0]["movements"]) == 1


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4"])
async def test_a_pin_that_is_not_four_digits_leaves_the_prompt_open(
    person: Client, pin: str
) -> None:
    request_id = (await person.collect(NUMBER + "00")).json()["serverCorrelationId"]
    approve = f"/sandbox/phone/prompts/{request_id}/approve"
    answer = await person.http.post(approve, json={"pin": pin})
    assert (answer.status_code, answer.json()) == (422, {"result": "bad_pin"})
    assert (await person.book(id=request_id))[0]["status"] == "pending"


async def test_01_approves_at_once(client: Client, answers: Answers) -> None:
    state = a_state(await client.collect(NUMBER + "01"), answers)
    call = await client.ear.next()
    assert call.method == "PUT"
    callback = told(call.body)
    assert answers.complaints("responseTransaction", callback) == []
    assert (callback["amount"], callback["currency"]) == ("5.000", "JOD")
    assert callback["debitParty"] == [{"key": "msisdn", "value": NUMBER + "01"}]
    request = await client.settled(id=state["serverCorrelationId"])
    assert request["reference"] == callback["transactionReference"]
    assert [m["amount"] for m in request["movements"]] == ["5.000"]
    assert await client.balance(NUMBER + "01") == "495.000"


async def test_02_has_an_empty_wallet(client: Client, answers: Answers) -> None:
    await client.collect(NUMBER + "02")
    callback = told((await client.ear.next()).body)
    assert answers.complaints("errorObject", callback) == []
    assert callback["errorCode"] == "insufficientFunds"
    assert await client.balance(NUMBER + "02") == "0.000"


async def test_03_declines(client: Client) -> None:
    await client.collect(NUMBER + "03")
    assert told((await client.ear.next()).body)["errorCode"] == "requestDeclined"


async def test_04_never_answers_and_the_prompt_expires(client: Client, answers: Answers) -> None:
    state = a_state(await client.collect(NUMBER + "04"), answers)
    phone = await client.phone(NUMBER + "04")
    assert (await client.http.get(f"{phone}/state")).json()["prompts"] == []
    assert told((await client.ear.next()).body)["errorCode"] == "quoteHasExpired"
    after = await client.get(f"/requeststates/{state['serverCorrelationId']}")
    assert after.json()["status"] == "failed"


async def test_05_approves_and_the_callback_is_lost(client: Client) -> None:
    request_id = (await client.collect(NUMBER + "05")).json()["serverCorrelationId"]
    request = await client.settled(id=request_id)
    assert (request["status"], request["callbacks"]) == ("completed", [])
    assert client.ear.calls.empty()


async def test_06_approves_and_the_callback_comes_twice(client: Client) -> None:
    request_id = (await client.collect(NUMBER + "06")).json()["serverCorrelationId"]
    first, second = await client.ear.next(), await client.ear.next()
    assert (first.path, first.body) == (second.path, second.body)
    assert len((await client.settled(id=request_id))["movements"]) == 1


async def test_07_sends_the_callback_before_the_answer(client: Client, answers: Answers) -> None:
    answer = await client.collect(NUMBER + "07")
    assert client.ear.calls.qsize() == 1
    a_state(answer, answers)
    assert told((await client.ear.next()).body)["transactionStatus"] == "completed"


async def test_08_says_failed_and_succeeds_later(observer: Client, answers: Answers) -> None:
    request_id = (await observer.collect(NUMBER + "08")).json()["serverCorrelationId"]
    assert told((await observer.ear.next()).body)["errorCode"] == "genericError"
    failed = await observer.get(f"/requeststates/{request_id}")
    assert answers.complaints("requestStateObject", failed.json()) == []
    assert failed.json()["status"] == "failed"
    assert told((await observer.ear.next()).body)["transactionStatus"] == "completed"
    request = await observer.settled(id=request_id)
    assert [outcome["status"] for outcome in request["outcomes"]] == ["failed", "completed"]
    assert (await observer.get(f"/requeststates/{request_id}")).json()["status"] == "completed"


async def test_09_answers_500_and_approves(client: Client, answers: Answers) -> None:
    answer = await client.collect(NUMBER + "09")
    assert answer.status_code == 500
    assert answers.complaints("errorObject", answer.json()) == []
    assert told((await client.ear.next()).body)["transactionStatus"] == "completed"


async def test_10_answers_garbage_calls_back_garbage_and_approves(client: Client) -> None:
    correlation = "0195f1d0-0000-7000-8000-000000000010"
    answer = await client.collect(NUMBER + "10", correlation=correlation)
    callback = await client.ear.next()
    for body in (answer.content, callback.body):
        with pytest.raises(ValueError, match="utf-8"):
            json.loads(body)
    assert (await client.settled(correlation=correlation))["status"] == "completed"
    link = (await client.get(f"/responses/{correlation}")).json()["link"]
    assert (await client.get(link)).json()["status"] == "completed"


async def test_11_contradicts_itself_and_took_the_right_amount(client: Client) -> None:
    request_id = (await client.collect(NUMBER + "11")).json()["serverCorrelationId"]
    success, failure = told((await client.ear.next()).body), told((await client.ear.next()).body)
    assert (success["amount"], success["transactionStatus"]) == ("10.000", "completed")
    assert failure["errorCode"] == "insufficientFunds"
    request = await client.settled(id=request_id)
    assert [m["amount"] for m in request["movements"]] == ["5.000"]
    truth = await client.get(f"/transactions/{request['reference']}")
    assert truth.json()["amount"] == "5.000"


async def test_12_accepts_and_hangs_past_a_clients_patience(client: Client) -> None:
    correlation = "0195f1d0-0000-7000-8000-000000000012"
    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(
            base_url=client.http.base_url, timeout=0.3, verify=False
        ) as impatient:
            await Client(impatient, client.ear).collect(NUMBER + "12", correlation=correlation)
    assert told((await client.ear.next()).body)["transactionStatus"] == "completed"
    assert (await client.settled(correlation=correlation))["status"] == "completed"


async def test_13_is_out_of_service_and_takes_nothing(client: Client, answers: Answers) -> None:
    answer = await client.collect(NUMBER + "13")
    assert answer.status_code == 503
    assert answers.complaints("errorObject", answer.json()) == []
    assert await client.book(ends="13") == []


async def test_14_approves_slowly(observer: Client, answers: Answers) -> None:
    state = a_state(await observer.collect(NUMBER + "14"), answers)
    assert told((await observer.ear.next()).body)["transactionStatus"] == "completed"
    request = await observer.settled(id=state["serverCorrelationId"])
    taken, approved = (datetime.fromisoformat(row["at"]) for row in (request, *request["outcomes"]))
    assert approved - taken >= timedelta(seconds=OBSERVED * 4)


def test_every_row_of_the_table_has_a_test_here() -> None:
    names = [name.split("_")[1] for name in globals() if name.startswith("test_")]
    assert {row.digits for row in BEHAVIOURS} <= set(names)


async def test_a_callback_that_is_not_taken_is_sent_three_times(client: Client, ear: Ear) -> None:
    ear.status = 500
    request_id = (await client.collect(NUMBER + "01")).json()["serverCorrelationId"]
    assert len({(await ear.next()).body for _ in range(3)}) == 1
    request = await client.settled(id=request_id)
    assert [call["attempt"] for call in request["callbacks"]] == [1, 2, 3]
    assert {call["http_status"] for call in request["callbacks"]} == {500}
