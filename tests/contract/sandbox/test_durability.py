"""The operator process is killed without warning; its book, prompts and plans are still there."""

from __future__ import annotations

import json
import sqlite3

import pytest

from sandbox.settings import from_environment
from tests.contract.sandbox.operator_process import Client, OperatorProcess

APPROVES, ASKS, SLOW, LATE = (f"+9627900000{digits}" for digits in ("01", "00", "14", "08"))


async def test_what_was_booked_survives_kill_9(operator: OperatorProcess, caller: Client) -> None:
    await caller.collect(APPROVES)
    await caller.ear.next()
    before = await caller.settled()
    operator.kill()
    operator.start()
    assert await caller.settled() == before
    assert await caller.balance(APPROVES) == "495.000"


async def test_a_prompt_survives_kill_9_and_can_be_approved(
    operator: OperatorProcess, caller: Client
) -> None:
    request_id = (await caller.collect(ASKS)).json()["serverCorrelationId"]
    operator.kill()
    operator.start()
    approve = f"/sandbox/phone/prompts/{request_id}/approve"
    answer = await caller.http.post(approve, json={"pin": "1234"})
    assert answer.json() == {"result": "approved"}
    assert json.loads((await caller.ear.next()).body)["transactionStatus"] == "completed"


@pytest.mark.parametrize("payer", [SLOW, LATE])
async def test_money_planned_before_kill_9_moves_once_after_it(
    operator: OperatorProcess, caller: Client, payer: str
) -> None:
    request_id = (await caller.collect(payer)).json()["serverCorrelationId"]
    operator.kill()
    operator.start()
    request = await caller.settled(id=request_id)
    assert (request["status"], len(request["movements"])) == ("completed", 1)


async def test_an_answered_request_is_in_the_book_whenever_the_kill_comes(
    operator: OperatorProcess, caller: Client
) -> None:
    taken = set()
    for _ in range(3):
        for _ in range(4):
            taken.add((await caller.collect(ASKS, "0.001")).json()["serverCorrelationId"])
        operator.kill()
        operator.start()
    assert taken == {request["id"] for request in await caller.book()}


async def test_the_file_refuses_to_be_corrected(operator: OperatorProcess, caller: Client) -> None:
    await caller.collect(APPROVES)
    await caller.settled()
    path = from_environment({"MIZAN_HOME": str(operator.home)}).book
    connection = sqlite3.connect(path)
    for table in ("request", "movement", "outcome", "callback", "query", "sms", "errand_done"):
        for statement in (f"UPDATE {table} SET rowid = rowid + 1", f"DELETE FROM {table}"):
            if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                    connection.execute(statement)
    connection.close()


async def test_the_log_names_no_number_and_no_pin(
    operator: OperatorProcess, caller: Client
) -> None:
    request_id = (await caller.collect(ASKS)).json()["serverCorrelationId"]
    approve = f"/sandbox/phone/prompts/{request_id}/approve"
    await caller.http.post(approve, json={"pin": "8642"})
    await caller.get(f"/accounts/msisdn/{ASKS}/balance")
    await caller.http.get(f"{await caller.phone(ASKS)}/state")
    await caller.ear.next()
    events = [json.loads(line)["event"] for line in operator.log.splitlines()]
    assert {"sandbox.start", "sandbox.collect", "sandbox.decided"} <= set(events)
    assert ASKS[1:] not in operator.log
    assert "8642" not in operator.log
    book = from_environment({"MIZAN_HOME": str(operator.home)}).book
    files = (file.read_bytes() for file in book.parent.iterdir())
    assert not any(b"8642" in content for content in files)
