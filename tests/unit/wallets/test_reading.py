"""Readers of operators' answers never fall over, and never believe what was tampered with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from kernel.money import Money
from kernel.msisdn import Msisdn
from wallets.gsma_codes import read_error
from wallets.gsma_reading import (
    judge_failure,
    judge_refusal,
    judge_transaction,
    link_target,
    read_claim,
    read_state,
)
from wallets.port import CollectionRequest, Outcome
from wallets.strict_json import moment_at, object_at, read_object, text_at, whole_at

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
FEE = CollectionRequest(
    id=UUID("01931e3c-7a00-7aaa-8bbb-0123456789ab"),
    payer=Msisdn.parse("+962790000001"),
    amount=Money(5_000, "JOD"),
    description="",
    callback_url="",
)
GENUINE: dict[str, Any] = {
    "transactionReference": "SBX-1001",
    "requestingOrganisationTransactionReference": str(FEE.id),
    "type": "merchantpay",
    "transactionStatus": "completed",
    "amount": "5.000",
    "currency": "JOD",
    "debitParty": [{"key": "msisdn", "value": "+962790000001"}],
}
PINNED = [key for key in GENUINE if key not in ("transactionReference", "type")]

texts = st.text(max_size=30)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from(
    [
        "serverCorrelationId",
        "status",
        "objectReference",
        "pendingReason",
        "expiryTime",
        "error",
        "errorReference",
        "errorCode",
        "errorCategory",
        "link",
        "modificationDate",
        *GENUINE,
    ]
)
speech = st.sampled_from(
    ["completed", "failed", "pending", "genericError", "0001-01-01T00:00:00+23:59", "5.000", "JOD"]
)
objects = st.dictionaries(words, values | speech, max_size=10)


def as_read(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The way it comes in: through JSON."""
    read = read_object(json.dumps(value).encode())
    assert read is not None
    return read


def test_the_genuine_answer_is_believed() -> None:
    verdict = judge_transaction(as_read(GENUINE), FEE, NOW)
    assert (verdict.outcome, verdict.final, verdict.mismatch) == (Outcome.ACCEPTED, True, "")


@given(st.binary(max_size=400))
@example(b"[" * 100_000)
@example(b'{"a":1e999}')
@example(b"\xef\xbb\xbf{}")
def test_no_bytes_make_the_reader_fall_over(body: bytes) -> None:
    told = read_object(body)
    assert told is None or isinstance(told, dict)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"7",
        b"null",
        b"NaN",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 1}',
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": "\xff"}',
        b'{"a": 1} x',
        b"{'a': 1}",
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(body: bytes) -> None:
    assert read_object(body) is None


def test_a_number_is_never_taken_for_a_text() -> None:
    told = read_object(b'{"n": 5.000, "i": 17, "t": "17", "o": {}, "b": true, "e": 1e3}')
    assert told is not None
    assert [text_at(told, key) for key in "nitobex"] == [None, None, "17", None, None, None, None]
    assert [whole_at(told, key) for key in "nitobex"] == [None, 17, None, None, None, None, None]
    assert object_at(told, "o") == {}
    assert object_at(told, "t") is None


@pytest.mark.parametrize("text", ["", "a" * 257, "a\x00b", "a\nb", "\ud800", "\u202eabc"])
def test_a_text_that_could_hurt_is_none(text: str) -> None:
    assert text_at({"key": text}, "key") is None


@pytest.mark.parametrize(
    ("text", "is_moment"),
    [("2026-11-21T09:00:00Z", True), ("2026-11-21T09:00:00", False), ("yesterday", False)],
)
def test_a_moment_has_an_offset(text: str, is_moment: bool) -> None:
    assert (moment_at({"at": text}, "at") is not None) is is_moment


@given(objects)
def test_no_object_makes_a_judge_fall_over(value: dict[str, Any]) -> None:
    told = as_read(value)
    assert judge_transaction(told, FEE, NOW).outcome in Outcome
    assert read_claim(told).outcome in Outcome
    error = read_error(told)
    for status in (100, 200, 302, 400, 401, 404, 429, 500, 503, 599):
        assert judge_refusal(status, error).outcome in Outcome
    state = read_state(told)
    if state is not None:
        judge_failure(state, NOW)


@given(st.sampled_from(PINNED), values)
def test_a_success_with_any_pinned_field_replaced_is_not_believed(key: str, value: Any) -> None:
    assume(value != GENUINE[key])
    verdict = judge_transaction(as_read({**GENUINE, key: value}), FEE, NOW)
    assert not (verdict.outcome is Outcome.ACCEPTED and verdict.final)


@given(st.sampled_from(PINNED))
def test_a_success_with_any_pinned_field_missing_is_not_believed(key: str) -> None:
    less = {name: value for name, value in GENUINE.items() if name != key}
    assert judge_transaction(as_read(less), FEE, NOW).outcome is Outcome.UNKNOWN


@given(st.integers(min_value=0, max_value=10**18), st.integers(min_value=0, max_value=4))
def test_only_the_same_amount_is_believed_however_it_is_written(units: int, scale: int) -> None:
    whole, fraction = divmod(units, 10**scale)
    text = f"{whole}.{fraction:0{scale}d}" if scale else str(whole)
    verdict = judge_transaction(as_read({**GENUINE, "amount": text}), FEE, NOW)
    assert verdict.final is (units * 1000 == 5_000 * 10**scale)


@given(st.text(max_size=80))
@example("http://[")
@example("/transactions/%2e%2e")
@example("//evil.example.test/transactions/1")
@example("http://operator.example.test@evil.example.test/gsma/transactions/1")
@example("/transactions/a/../b")
def test_a_link_leads_to_a_resource_of_the_same_api_or_nowhere(link: str) -> None:
    target = link_target(link, "http://operator.example.test/gsma")
    if target is not None:
        assert target.kind in ("transactions", "requeststates", "responses", "errors")
        assert target.name.strip(".")


@pytest.mark.parametrize("host", ["http://operator.example.test", ""])
@pytest.mark.parametrize("base", ["/gsma", ""])
def test_a_link_may_be_whole_or_only_a_path(host: str, base: str) -> None:
    target = link_target(f"{host}{base}/transactions/R%2F1", "http://operator.example.test/gsma")
    assert target is not None
    assert (target.kind, target.name) == ("transactions", "R/1")
