"""Every answer in ``cases.toml``, byte for byte over HTTP, means what the table says; twice."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from tests.contract.wallets.scripted_operator import BASE_PATH, Said, ScriptedOperator
from wallets.gsma_codes import CODES
from wallets.port import CollectionRequest, Known, ReversalRequest, Verdict, Wallet

HERE = Path(__file__).parent
PAYLOADS = HERE / "payloads"
CASES: list[dict[str, Any]] = tomllib.loads((HERE / "cases.toml").read_text("utf-8"))["case"]
USUAL = {"final": False, "reason": None, "resend_safe": False}


def _said(line: str) -> Said:
    status, file = line.split()
    return Said(int(status), (PAYLOADS / file).read_bytes())


async def _do(
    wallet: Wallet, case: dict[str, Any], fee: CollectionRequest, refund: ReversalRequest
) -> Verdict:
    known = Known(**case.get("known", {}))
    match case["do"]:
        case "collect":
            return await wallet.collect(fee)
        case "reverse":
            return await wallet.reverse(refund)
        case "query":
            return await wallet.query(fee, known)
    return await wallet.query(refund, known)


def _seen(verdict: Verdict, name: str) -> Any:
    value = getattr(verdict, name)
    match name:
        case "mismatch":
            return value.partition(":")[0]
        case "amount":
            return value.plain()
        case "occurred_at":
            return value.isoformat() if value else ""
    return value


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_an_answer_means_what_the_table_says(
    case: dict[str, Any],
    wallet: Wallet,
    operator: ScriptedOperator,
    fee: CollectionRequest,
    refund: ReversalRequest,
) -> None:
    for _ in range(2):
        operator.says(*(_said(line) for line in case["answers"]))
        operator.asked.clear()
        verdict = await _do(wallet, case, fee, refund)
        expected = {**USUAL, "mismatch": "", **case["expect"]}
        assert {name: _seen(verdict, name) for name in expected} == expected
        asked = [f"{one.method} {one.path.removeprefix(BASE_PATH)}" for one in operator.asked]
        assert asked == case.get("asks", asked)
        assert not operator.answers, "not everything was asked for"
        assert len(verdict.evidence) == len(case["answers"])
        assert case.get("note", "") in "".join(one.note for one in verdict.evidence)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_the_table_only_uses_words_that_a_verdict_has(case: dict[str, Any]) -> None:
    assert set(case) <= {"name", "do", "known", "answers", "asks", "note", "expect"}
    assert set(case["expect"]) <= {field.name for field in fields(Verdict)}


def test_every_payload_file_is_used() -> None:
    used = {line.split()[-1] for case in CASES for line in case["answers"]}
    used |= {file for file, _, _ in CLAIMS}
    assert {file.name for file in PAYLOADS.iterdir()} <= used


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{" + b" " * 400_000 + b"}", {"content-type": "application/json"}),
        (b'{"a":' * 60_000, {"content-type": "application/json"}),
        (b"\x1f\x8b\x08\x00garbage", {"content-encoding": "gzip"}),
        (b'{"status":"pending","pollLimit":' + b"9" * 100_000 + b"}", {}),
    ],
    ids=["longer than we read", "nested without end", "packed", "an endless number"],
)
async def test_an_answer_made_to_hurt_is_unknown(
    body: bytes,
    headers: dict[str, str],
    wallet: Wallet,
    operator: ScriptedOperator,
    fee: CollectionRequest,
) -> None:
    operator.says(Said(200, body, headers))
    verdict = await wallet.collect(fee)
    assert (verdict.outcome, verdict.code, verdict.resend_safe) == ("unknown", "unreadable", False)
    assert len(verdict.evidence[0].body) <= 256 * 1024


ERRORS: dict[str, str] = tomllib.loads((HERE / "errors.toml").read_text("utf-8"))


def test_the_table_of_errors_has_every_code_that_the_adapter_knows() -> None:
    assert set(ERRORS) == set(CODES)


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("spelling", ["lower", "upper"])
async def test_each_error_means_the_same_in_both_spellings(
    code: str, spelling: str, wallet: Wallet, operator: ScriptedOperator, fee: CollectionRequest
) -> None:
    pair = (f"{code[0].lower()}{code[1:]}", "error", "errordescription")
    if spelling == "upper":
        pair = (f"{code[0].upper()}{code[1:]}", "errorReference", "errorDescription")
    said = (
        f'{{"serverCorrelationId": "6f1d2c3b-0a1b-4c2d-8e3f-aabbccddeeff", "status": "failed",'
        f' "{pair[1]}": {{"errorCategory": "businessRule", "errorCode": "{pair[0]}",'
        f' "{pair[2]}": "لا يوجد"}}}}'
    )
    operator.says(Said(202, said.encode()))
    verdict = await wallet.collect(fee)
    outcome, _, reason = ERRORS[code].partition(" ")
    assert (verdict.outcome, verdict.reason, verdict.code) == (outcome, reason or None, code)
    assert verdict.final is (outcome == "refused")


CLAIMS = [
    ("transaction_completed.json", "accepted", "SBX-1001"),
    ("transaction_other_amount.json", "accepted", "SBX-1001"),
    ("transaction_pending.json", "unknown", "SBX-1001"),
    ("transaction_declined.json", "refused", "SBX-1001"),
    ("transaction_status_unheard_of.json", "unknown", "SBX-1001"),
    ("error_insufficient_funds.json", "refused", None),
    ("error_insufficient_funds_upper.json", "refused", None),
    ("error_internal.json", "unknown", None),
    ("error_unheard_of.json", "unknown", None),
    ("state_pending.json", "unknown", None),
    ("state_completed.json", "accepted", "SBX-1001"),
    ("state_failed_error_reference.json", "refused", None),
    ("state_failed_without_error.json", "unknown", None),
    ("update_success.json", "unknown", None),
    ("empty.txt", "unknown", None),
    ("page.html", "unknown", None),
    ("not_utf8.bin", "unknown", None),
    ("cut_in_the_middle.json", "unknown", None),
    ("a_list.json", "unknown", None),
    ("transaction_amount_nan.json", "unknown", None),
    ("transaction_two_amounts.json", "unknown", None),
]


@pytest.mark.parametrize(("file", "outcome", "reference"), CLAIMS, ids=[c[0] for c in CLAIMS])
def test_a_callback_claims_what_it_says_and_lends_no_correlation(
    file: str, outcome: str, reference: str | None, wallet: Wallet
) -> None:
    claim = wallet.read_callback((PAYLOADS / file).read_bytes(), {})
    assert (claim.outcome, claim.reference, claim.correlation) == (outcome, reference, None)
