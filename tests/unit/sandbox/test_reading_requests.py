"""What the operator takes as a GSMA request, and why it refuses the rest."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from kernel.money import Money
from sandbox.gsma import Refused, read_collection, read_reversal

CORRELATION = "0195f1d0-0000-7000-8000-000000000001"
HEADERS = {"x-correlationid": CORRELATION, "x-callback-url": "http://127.0.0.1:8000/callbacks/a"}
MERCHANT = [{"key": "organisationid", "value": "mizan"}]
ORDER: dict[str, Any] = {
    "amount": "5.000",
    "currency": "JOD",
    "debitParty": [{"key": "msisdn", "value": "+962 79 000 0001"}],
    "creditParty": MERCHANT,
    "descriptionText": "رخصة مركبة",
}

REFUSED_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"amount": "5.0000001"}, "formatError"),
    ({"amount": "5.0001"}, "formatError"),
    ({"amount": "05.000"}, "formatError"),
    ({"amount": "5,000"}, "formatError"),
    ({"amount": "1e3"}, "formatError"),
    ({"amount": "٥"}, "formatError"),
    ({"amount": " 5"}, "formatError"),
    ({"amount": ""}, "formatError"),
    ({"amount": 5}, "formatError"),
    ({"amount": None}, "mandatoryValueNotSupplied"),
    ({"amount": "-5"}, "negativeValue"),
    ({"amount": "0.000"}, "lessThanTransactionMinValue"),
    ({"amount": "999999999999999999"}, "formatError"),
    ({"currency": None}, "mandatoryValueNotSupplied"),
    ({"currency": "dinar"}, "formatError"),
    ({"currency": "GBP"}, "currencyNotSupported"),
    ({"debitParty": None}, "mandatoryValueNotSupplied"),
    ({"debitParty": []}, "formatError"),
    ({"debitParty": "+962790000001"}, "formatError"),
    ({"debitParty": ["+962790000001"]}, "formatError"),
    ({"debitParty": MERCHANT}, "mandatoryValueNotSupplied"),
    ({"debitParty": [{"key": "msisdn", "value": "12a"}]}, "formatError"),
    ({"debitParty": [{"key": "msisdn"}]}, "mandatoryValueNotSupplied"),
    ({"debitParty": [{"key": "msisdn", "value": "x" * 257}]}, "lengthError"),
    ({"creditParty": None}, "mandatoryValueNotSupplied"),
    ({"creditParty": [{"key": "msisdn", "value": "+962790000001"}]}, "transactionTypeError"),
    ({"descriptionText": "x" * 161}, "lengthError"),
    ({"descriptionText": 7}, "formatError"),
    ({"requestingOrganisationTransactionReference": "x" * 257}, "lengthError"),
    ({"metadata": {}}, "formatError"),
    ({"metadata": [{"key": "a", "value": 1}]}, "formatError"),
    ({"metadata": [{"key": "a", "value": "b"}] * 21}, "formatError"),
]


def body(**changes: Any) -> bytes:
    """A good request but for the changes; None leaves a field out."""
    fields = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    return json.dumps(fields).encode()


def code_of(read: bytes, headers: dict[str, str] = HEADERS) -> str:
    """Why a collection is refused."""
    with pytest.raises(Refused) as refused:
        read_collection(read, headers)
    return refused.value.failure.code


def test_a_good_request_is_read_into_an_order() -> None:
    order = read_collection(body(), HEADERS)
    assert (order.payer, order.payee) == ("+962790000001", "mizan")
    assert order.amount == Money(5_000, "JOD")
    assert (order.correlation, order.callback_url) == (CORRELATION, HEADERS["x-callback-url"])
    assert order.description == "رخصة مركبة"


@pytest.mark.parametrize(("changes", "code"), REFUSED_FIELDS)
def test_a_field_that_breaks_a_rule_is_refused(changes: dict[str, Any], code: str) -> None:
    assert code_of(body(**changes)) == code


@pytest.mark.parametrize(
    "read", [b"", b"[]", b"{", b'{"a": NaN}', b"\xff\xfe", b"[" * 99_999, b'{"a": "\\ud800"}']
)
def test_a_body_that_is_no_json_object_is_refused(read: bytes) -> None:
    assert code_of(read) == "formatError"


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-correlationid", "not-a-uuid", "formatError"),
        ("x-correlationid", "{0195f1d0-0000-7000-8000-000000000001}", "formatError"),
        ("x-callback-url", "ftp://example.org/a", "formatError"),
        ("x-callback-url", "http:///a", "formatError"),
        ("x-callback-url", "http://[::1/a", "formatError"),
        ("x-callback-url", "http://a:99999/a", "formatError"),
        ("x-callback-url", "http://a/b c", "formatError"),
        ("x-content-hash", "00" * 32, "formatError"),
    ],
)
def test_a_header_that_breaks_a_rule_is_refused(header: str, value: str, code: str) -> None:
    assert code_of(body(), {**HEADERS, header: value}) == code


def test_a_request_without_a_correlation_id_is_refused() -> None:
    assert code_of(body(), {}) == "mandatoryValueNotSupplied"


def test_a_content_hash_that_matches_is_taken() -> None:
    digest = hashlib.sha256(body()).hexdigest().upper()
    assert read_collection(body(), {**HEADERS, "x-content-hash": digest}).payee == "mizan"


def test_a_reversal_needs_only_its_type() -> None:
    order = read_reversal(b'{"type": "reversal"}', HEADERS, "MP1")
    assert (order.original, order.amount, order.currency) == ("MP1", None, None)


@pytest.mark.parametrize("read", [b"{}", b'{"type": "merchantpay"}', b'{"type": 1}'])
def test_a_reversal_of_another_type_is_refused(read: bytes) -> None:
    with pytest.raises(Refused):
        read_reversal(read, HEADERS, "MP1")
