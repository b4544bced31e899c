"""The description is true: real answers fit it, its request shape refuses what the API does."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jsonschema
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from api.endpoints import ENDPOINTS, PREFIX
from api.openapi import document
from api.problems import KINDS
from api.shapes import BILL_ORDER, faults
from tests.unit.api.agencies import PUBLIC_URL, Town

DOCUMENT = document(PUBLIC_URL)


def fits(answer: httpx.Response, path: str) -> str:
    """Check an answer against the description; returns the shape it was described as."""
    operation = DOCUMENT["paths"][path][answer.request.method.lower()]
    described = operation["responses"][str(answer.status_code)]["content"]
    schema = described[answer.headers["content-type"]]["schema"]
    validator = OAS31Validator(
        {**schema, "components": DOCUMENT["components"]},
        format_checker=OAS31Validator.FORMAT_CHECKER,
    )
    validator.validate(answer.json())
    return str(schema["$ref"].rsplit("/", 1)[1])


async def test_real_answers_fit_their_description(town: Town) -> None:
    bill = await town.issue(payer="+962790000001")
    number = bill.json()["control_number"]
    assert fits(bill, "/bills") == "Bill"
    assert fits(await town.issue(payer="+962790000001"), "/bills") == "Bill"
    open_bill = await town.ask("GET", f"{PREFIX}/bills/{number}")
    assert fits(open_bill, "/bills/{control_number}") == "Bill"

    code = await town.paid(number)

    paid_bill = await town.ask("GET", f"{PREFIX}/bills/{number}")
    assert fits(paid_bill, "/bills/{control_number}") == "Bill"
    payments = await town.ask("GET", f"{PREFIX}/payments?control_number={number}")
    assert fits(payments, "/payments") == "Payments"
    assert payments.json()["payments"][0]["state"] == "paid"
    receipt = await town.ask("GET", f"{PREFIX}/receipts/{code}")
    assert fits(receipt, "/receipts/{code}") == "Receipt"


async def test_real_problems_fit_their_description(town: Town) -> None:
    asks: list[tuple[str, str, str, dict[str, Any]]] = [
        ("POST", "/bills", "/bills", {"json": {}}),
        ("POST", "/bills", "/bills", {"content": b"x"}),
        ("POST", "/bills", "/bills", {"content": b"x" * 70_000}),
        ("POST", "/bills", "/bills", {"json": {"service": "PASSPORT"}}),
        ("POST", "/bills", "/bills", {"json": {"service": "NONE", "reference": "r"}}),
        ("POST", "/bills", "/bills", {"json": {}, "key": "mizan_wrong"}),
        ("GET", "/bills/1", "/bills/{control_number}", {}),
        ("GET", "/payments", "/payments", {}),
        ("GET", "/receipts/1", "/receipts/{code}", {}),
        ("GET", "/receipts/1", "/receipts/{code}", {"key": None}),
    ]
    for method, path, described, options in asks:
        answer = await town.ask(method, PREFIX + path, **options)
        assert fits(answer, described) == "Problem"


async def test_the_served_description_is_openapi_3_1_and_names_every_route(town: Town) -> None:
    served = (await town.ask("GET", f"{PREFIX}/openapi.json", key=None)).json()

    assert served == DOCUMENT
    assert served["openapi"] == "3.1.0"
    for schema in served["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)
    described = {
        (method.upper(), path) for path, methods in served["paths"].items() for method in methods
    }
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}
    for path, methods in served["paths"].items():
        for operation in methods.values():
            places = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert places == set(re.findall(r"\{(\w+)\}", path))


def test_every_problem_is_described_where_it_can_happen() -> None:
    everywhere = {"no_such_page", "method_not_allowed", "key_missing", "key_unknown"}
    everywhere |= {"unavailable", "fault"}
    described = {code for endpoint in ENDPOINTS for code in endpoint.problems}

    assert described | everywhere == set(KINDS)


FIELDS = sorted(BILL_ORDER["properties"])
# What patterns may disagree on. All of Unicode would first be read from a table, for seconds.
CHARACTERS = "0159aAzZT.:+-_ \t\r\n\0٣۵éـ\u200f\u2028😀"
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 20000), st.text(CHARACTERS, max_size=8),
    st.sampled_from(["PASSPORT", "5.000", "JOD", "+962790000001", "2026-12-31", "2026-02-30",
                     "case-1", "20261231", "5.0000", "jod", "A" * 41, "r\n", "2026-12-31\n"]),
    st.lists(st.integers(), max_size=1),
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*FIELDS, "colour"]), VALUES, max_size=5))
def test_the_request_shape_and_our_own_check_agree(body: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(
        BILL_ORDER, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    # JSON Schema's patterns end where the text ends; Python's "$" forgives a last line feed.
    wrong = {str(one).endswith("\n") for one in body.values() if isinstance(one, str)}

    assert (not faults(BILL_ORDER, body)) == (validator.is_valid(body) and True not in wrong)


async def test_the_docs_page_tells_every_endpoint_field_and_problem(town: Town) -> None:
    answer = await town.ask("GET", f"{PREFIX}/docs", key=None)

    assert answer.status_code == 200
    for endpoint in ENDPOINTS:
        assert f'id="{endpoint.id}"' in answer.text
    for code in KINDS:
        assert f'id="{code}"' in answer.text
    for name in BILL_ORDER["properties"]:
        assert f"<code>{name}</code>" in answer.text
    assert "<script" not in answer.text
    targets = set(re.findall(r'href="#([^"]+)"', answer.text))
    assert targets <= set(re.findall(r'id="([^"]+)"', answer.text))
