"""Bills, payments and receipts over HTTP, each agency only its own."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from itertools import product
from typing import Any

import httpx

from api.problems import KINDS, MEDIA_TYPE
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.digits import with_check_digits
from kernel.money import Money
from kernel.valkey import Valkey
from tests.unit.api.agencies import Town


def problem(answer: httpx.Response) -> str:
    """The code of a problem document that is right in itself."""
    body = answer.json()
    kind = KINDS[body["code"]]
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.status_code == body["status"] == kind.status
    assert body["type"] == f"/api/v1/docs#{body['code']}"
    assert body["title"]
    assert body["detail"]
    return str(body["code"])


async def test_a_bill_is_issued_by_the_tariff_and_read_back(town: Town) -> None:
    answer = await town.issue(payer="+962790000001")

    assert answer.status_code == 201
    bill = answer.json()
    assert answer.headers["location"] == f"/api/v1/bills/{bill['control_number']}"
    assert (bill["state"], bill["agency"], bill["currency"]) == ("open", "JO-CSPD", "JOD")
    assert bill["reference"] == "case-1"
    total = Money.parse(bill["total"], "JOD")
    assert Money.parse(bill["principal"], "JOD") <= total
    read = await town.ask("GET", answer.headers["location"])
    assert read.json() == bill


async def test_an_assessed_amount_takes_the_place_of_the_tariff(town: Town) -> None:
    bill = (await town.issue(amount="12.5", currency="JOD")).json()

    assert bill["principal"] == "12.500"


async def test_the_same_reference_gives_the_same_bill(town: Town) -> None:
    first, again = await town.issue(), await town.issue()

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert problem(await town.issue(quantity=1, due_on="2026-12-24")) == "reference_taken"


async def test_the_same_idempotency_key_gives_the_same_bill(town: Town) -> None:
    async def ask(body: dict[str, Any], key: str = "k1", **options: Any) -> httpx.Response:
        headers = {"idempotency-key": key}
        return await town.ask("POST", "/api/v1/bills", json=body, headers=headers, **options)

    first, again = await ask({"service": "PASSPORT"}), await ask({"service": "PASSPORT"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()

    assert problem(await ask({"service": "PASSPORT", "quantity": 1})) == "idempotency_key_reused"
    assert (await ask({"service": "PASSPORT"}, "k2")).status_code == 201
    other = await ask({"service": "ID-CARD", "band": "LOST"}, key="k1")
    assert problem(other) == "idempotency_key_reused"


async def test_two_agencies_may_use_the_same_idempotency_key(town: Town) -> None:
    headers = {"idempotency-key": "k1"}
    await town.ask("POST", "/api/v1/bills", json={"service": "PASSPORT"}, headers=headers)

    for status in (201, 200):
        other = await town.ask(
            "POST", "/api/v1/bills", key=town.other_key, headers=headers,
            json={"service": "ID-CARD", "band": "LOST"},
        )  # fmt: skip

        assert other.status_code == status
        assert other.json()["agency"] == "BH-IGA"


async def test_many_at_once_under_one_key_make_one_bill(town: Town) -> None:
    answers = await asyncio.gather(
        *(
            town.ask(
                "POST", "/api/v1/bills", json={"service": "PASSPORT"},
                headers={"idempotency-key": "k1"},
            )
            for _ in range(12)
        )
    )  # fmt: skip

    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.json()["control_number"] for answer in answers}) == 1
    assert await town.issued() == 1


async def test_a_refused_order_does_not_use_up_its_idempotency_key(town: Town) -> None:
    headers = {"idempotency-key": "k1"}
    refused = await town.ask("POST", "/api/v1/bills", json={"service": "NONE"}, headers=headers)
    assert problem(refused) == "service_unknown"

    answer = await town.ask("POST", "/api/v1/bills", json={"service": "PASSPORT"}, headers=headers)

    assert answer.status_code == 201


NAMED = b'{"service": "PASSPORT", "reference": "r", '
BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "body_not_json"),
    (b"<html>", "body_not_json"),
    (b"[]", "body_not_json"),
    (b'"PASSPORT"', "body_not_json"),
    (b'{"service": "PASSPORT", "service": "ID"}', "body_not_json"),
    (b'{"service": NaN}', "body_not_json"),
    (b'{"service": "\xff"}', "body_not_json"),
    (b"[" * 60000, "body_not_json"),
    (b'{"quantity": ' + b"9" * 5000 + b"}", "body_not_json"),
    (b'{"service": "' + b"A" * 70000 + b'"}', "body_too_large"),
    (b"{}", "body_unfit"),
    (b'{"service": "PASSPORT"}', "name_missing"),
    (b'{"service": "PASSPORT", "reference": "\\ud800"}', "body_unfit"),
    (b'{"service": "PASSPORT", "reference": "a\\u0000b"}', "body_unfit"),
    (b'{"service": "PASSPORT", "reference": "r\\n"}', "body_unfit"),
    (b'{"service": null, "reference": "r"}', "body_unfit"),
    (b'{"service": {"a": 1}, "reference": "r"}', "body_unfit"),
    (NAMED + b'"colour": "red"}', "body_unfit"),
    (NAMED + b'"quantity": true}', "body_unfit"),
    (NAMED + b'"quantity": 1.5}', "body_unfit"),
    (NAMED + b'"quantity": 0}', "body_unfit"),
    (NAMED + b'"amount": 5}', "body_unfit"),
    (NAMED + b'"amount": "5"}', "body_unfit"),
    (NAMED + b'"amount": "5.0001", "currency": "JOD"}', "body_unfit"),
    (NAMED + b'"amount": "5.5", "currency": "LBP"}', "body_unfit"),
    (NAMED + b'"amount": "5", "currency": "XXX"}', "body_unfit"),
    (NAMED + b'"amount": "5", "currency": "BHD"}', "currency_differs"),
    (NAMED + b'"amount": "0", "currency": "JOD"}', "amount_out_of_range"),
    (NAMED + b'"payer": "+0000000"}', "body_unfit"),
    (NAMED + b'"payer": "+9627"}', "body_unfit"),
    (NAMED + b'"payer": "+962790"}', "body_unfit"),
    (NAMED + b'"due_on": "2026-02-30"}', "body_unfit"),
    (NAMED + b'"due_on": "20261224"}', "body_unfit"),
    (NAMED + b'"expires_on": "2020-01-01"}', "dates_disagree"),
    (NAMED + b'"band": "NONE"}', "band_unknown"),
]  # fmt: skip


async def test_bad_orders_get_a_problem_that_helps_and_issue_nothing(
    town: Town, database: Database
) -> None:
    for body, code in BAD_BODIES:
        answer = await town.ask("POST", "/api/v1/bills", content=body)

        assert problem(answer) == code, body[:80]
        assert bool(answer.json().get("errors")) == (code == "body_unfit"), body[:80]
    assert await town.issued() == 0
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM kernel.subscriber") == 0


async def test_an_unfit_idempotency_key_is_said_to_be_one(town: Town) -> None:
    for key in ("", "x" * 101, "a\tb"):
        answer = await town.ask(
            "POST", "/api/v1/bills", json={"service": "PASSPORT"}, headers={"idempotency-key": key}
        )

        assert problem(answer) == "idempotency_key_unfit"


ASKS = [
    ("POST", "/api/v1/bills"),
    ("GET", "/api/v1/bills/123456789012"),
    ("GET", "/api/v1/payments?control_number=1"),
    ("GET", "/api/v1/receipts/1"),
]


BAD_KEYS = [
    (None, "key_missing"),
    ("", "key_missing"),
    ("Bearer", "key_missing"),
    ("Basic eDp5", "key_missing"),
    ("Bearer mizan_wrong", "key_unknown"),
    ("Bearer é", "key_unknown"),
]


async def test_nothing_is_said_without_a_key(town: Town) -> None:
    for (method, path), (header, code) in product(ASKS, BAD_KEYS):
        headers = {} if header is None else {"authorization": header.encode("latin-1")}

        answer = await town.ask(method, path, key=None, headers=headers)

        assert problem(answer) == code, (path, header)
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_other_agencies_bills_look_as_if_they_were_not_there(town: Town) -> None:
    number = (await town.issue()).json()["control_number"]
    code = await town.paid(number)

    for path in (f"bills/{number}", f"payments?control_number={number}", f"receipts/{code}"):
        own = await town.ask("GET", f"/api/v1/{path}")
        foreign = await town.ask("GET", f"/api/v1/{path}", key=town.other_key)
        assert own.status_code == 200
        assert problem(foreign) in ("bill_not_found", "receipt_not_found")
    absent = await town.ask(
        "GET", f"/api/v1/bills/{with_check_digits('1000000000')}", key=town.other_key
    )
    foreign = await town.ask("GET", f"/api/v1/bills/{number}", key=town.other_key)
    assert absent.content == foreign.content


async def test_a_mistyped_control_number_is_told_from_an_absent_one(town: Town) -> None:
    for typed in ("123456789012", "12", "abc", "100000000007", "0" * 12):
        answer = await town.ask("GET", f"/api/v1/bills/{typed}")
        assert problem(answer) == "control_number_mistyped", typed
    absent = with_check_digits("1000000000")
    assert problem(await town.ask("GET", f"/api/v1/bills/{absent}")) == "bill_not_found"


async def test_control_numbers_come_in_any_digits(town: Town) -> None:
    number = (await town.issue()).json()["control_number"]
    arabic = number.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))

    assert (await town.ask("GET", f"/api/v1/bills/{arabic}")).status_code == 200
    spaced = f"{number[:4]}%20{number[4:8]}-{number[8:]}"
    assert (await town.ask("GET", f"/api/v1/bills/{spaced}")).status_code == 200


async def test_payments_of_a_bill_are_listed_with_their_public_state(town: Town) -> None:
    bill = (await town.issue()).json()
    number = bill["control_number"]
    path = f"/api/v1/payments?control_number={number}"
    assert (await town.ask("GET", path)).json() == {"payments": []}

    payment = await town.pending(number, Money.parse(bill["total"], "JOD"))

    [listed] = (await town.ask("GET", path)).json()["payments"]
    assert (listed["id"], listed["state"]) == (str(payment), "pending")
    assert (listed["total"], listed["receipt_number"]) == (bill["total"], None)


async def test_payments_need_one_control_number(town: Town) -> None:
    for query in ("", "?control_number=1&control_number=2", "?number=1"):
        answer = await town.ask("GET", f"/api/v1/payments{query}")
        assert problem(answer) == "control_number_missing"


async def test_a_receipt_is_checked_by_its_code(town: Town) -> None:
    bill = (await town.issue()).json()
    code = await town.paid(bill["control_number"])

    answer = await town.ask("GET", f"/api/v1/receipts/{code[:5]}-{code[5:10]}-{code[10:]}")

    assert answer.json()["amount"] == bill["total"]
    assert answer.json()["control_number"] == bill["control_number"]
    wrong = str((int(code) + 1) % 10**15).zfill(15)
    assert problem(await town.ask("GET", f"/api/v1/receipts/{wrong}")) == "receipt_not_found"


async def test_lateness_after_the_payment_adds_nothing_to_a_paid_bill(
    town: Town, clock: ManualClock, owner: Database
) -> None:
    bill = (await town.issue(due_on="2026-11-21")).json()
    async with owner.transaction() as connection:
        await connection.execute("ALTER TABLE fees.bill DISABLE TRIGGER USER")
        await connection.execute("UPDATE fees.bill SET late_day_minor = 500, late_cap_minor = 9000")
    path = f"/api/v1/bills/{bill['control_number']}"
    await town.paid(bill["control_number"])
    clock.forward(timedelta(days=3))

    read = (await town.ask("GET", path)).json()

    assert (read["state"], read["penalty"], read["total"]) == ("paid", "0.000", bill["total"])


async def test_lateness_is_in_the_price_of_an_open_bill(
    town: Town, clock: ManualClock, owner: Database
) -> None:
    bill = (await town.issue(due_on="2026-11-21")).json()
    async with owner.transaction() as connection:
        await connection.execute("ALTER TABLE fees.bill DISABLE TRIGGER USER")
        await connection.execute("UPDATE fees.bill SET late_day_minor = 500, late_cap_minor = 9000")
    clock.forward(timedelta(days=3))

    read = (await town.ask("GET", f"/api/v1/bills/{bill['control_number']}")).json()

    assert read["penalty"] == "1.500"


ASTRAY = [
    ("GET", "/api/v1/bills", "method_not_allowed", "POST"),
    ("DELETE", "/api/v1/payments", "method_not_allowed", "GET"),
    ("OPTIONS", "/api/v1/receipts/1", "method_not_allowed", "GET"),
    ("GET", "/api/v1/", "no_such_page", None),
    ("GET", "/api/v1/bills/1/2", "no_such_page", None),
    ("POST", "/api/v1/users", "no_such_page", None),
]


async def test_wrong_paths_and_methods_are_problems_too(town: Town) -> None:
    for method, path, code, allow in ASTRAY:
        answer = await town.ask(method, path)

        assert problem(answer) == code, path
        assert answer.headers.get("allow") == allow


async def test_a_database_that_is_away_is_told_so_with_when_to_come_back(
    town: Town, database: Database
) -> None:
    await database.close()

    answer = await town.issue()

    assert problem(answer) == "unavailable"
    assert answer.headers["retry-after"]


async def test_no_answer_of_the_api_may_be_cached(town: Town, valkey: Valkey) -> None:
    assert await valkey.call("PING") == b"PONG"
    for answer in (await town.issue(), await town.ask("GET", "/api/v1/bills/1")):
        assert answer.headers["cache-control"] == "no-store"
        assert json.loads(answer.content)
