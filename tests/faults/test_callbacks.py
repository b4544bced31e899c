"""Callbacks that repeat, come early, lie or are forged: a hint at most, never a second effect."""

from __future__ import annotations

import asyncio
import json

import pytest

from fees.bills import Bill
from tests.faults import oracle
from tests.faults.wreck import ACTORS, Wreck
from tests.journeys.town import citizen

CALLBACKS = (
    "SELECT {} FROM wallets.evidence JOIN payments.payment ON collection = collection_id"
    " WHERE kind = 'callback' AND control_number = $1"
)


def success(bill: Bill, **changes: object) -> bytes:
    """A transaction as the operator tells it; the reference is made up."""
    told = {
        "transactionReference": "MP000000000000",
        "transactionStatus": "completed",
        "type": "merchantpay",
        "amount": "50.000",
        "currency": "JOD",
        "requestingOrganisationTransactionReference": bill.control_number,
    }
    return json.dumps(told | changes).encode()


def failure() -> bytes:
    """An error object: the payer did not want to."""
    return json.dumps({"errorCategory": "authorisation", "errorCode": "requestDeclined"}).encode()


async def pending(wreck: Wreck) -> tuple[str, Bill, str]:
    """A payment that waits for its payer: who, for what, and where callbacks about it go."""
    me, bill = citizen("00"), await wreck.town.bill()
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "pending")
    return me, bill, await wreck.callback_path(bill)


async def put(wreck: Wreck, path: str, body: bytes) -> int:
    """Call back as an operator does; the status of the answer."""
    return (await wreck.town.line.put(path, content=body)).status_code


async def read_all(wreck: Wreck) -> None:
    """Wait until every stored callback was looked at (repeats wait to be looked at together)."""
    await wreck.stack.until(
        "SELECT NOT EXISTS (SELECT FROM kernel.work WHERE kind = 'wallets.callback'"
        " AND (due_at <= now() OR leased_until > now()))"
    )


async def callbacks(wreck: Wreck) -> object:
    """How many callbacks were ever stored."""
    return await wreck.stack.value("SELECT count(*) FROM wallets.evidence WHERE kind = 'callback'")


async def ends_well(wreck: Wreck) -> None:
    """All payments have ended, all books agree."""
    await oracle.settle(wreck)
    await oracle.agree(wreck)


async def test_fifty_times_at_once_is_one_callback_one_question_and_no_money(
    wreck: Wreck,
) -> None:
    me, bill, path = await pending(wreck)
    body = success(bill)
    answers = await asyncio.gather(*(put(wreck, path, body) for _ in range(50)))
    assert set(answers) == {204}
    assert await wreck.stack.value(CALLBACKS.format("count(*)"), bill.control_number) == 1
    assert await wreck.stack.value(CALLBACKS.format("sum(repeats)"), bill.control_number) == 49
    await read_all(wreck)
    assert await wreck.state(bill) == "pending"
    await wreck.town.approve(me)
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_the_operators_own_callback_fifty_times_more_pays_once(wreck: Wreck) -> None:
    me, bill, path = await pending(wreck)
    wreck.pause(*ACTORS)
    await wreck.town.approve(me)
    body = await wreck.stack.until(CALLBACKS.format("body"), bill.control_number)
    assert isinstance(body, bytes)
    answers = asyncio.gather(*(put(wreck, path, body) for _ in range(50)))
    wreck.resume(*ACTORS)
    assert set(await answers) == {204}
    assert await wreck.town.payment_ended(bill) == "collected"
    assert await put(wreck, path, body) == 204
    await read_all(wreck)
    await ends_well(wreck)


async def test_a_callback_before_the_operator_has_the_request_moves_nothing(wreck: Wreck) -> None:
    me, bill = citizen("01"), await wreck.town.bill()
    wreck.pause("sandbox")
    await wreck.town.says_yes(me, bill)
    await wreck.reaches(bill, "sent")
    assert await put(wreck, await wreck.callback_path(bill), success(bill)) == 204
    assert await wreck.state(bill) in ("sent", "unknown")
    wreck.resume("sandbox")
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


async def test_a_token_that_nobody_gave_out_is_not_found_and_writes_nothing(wreck: Wreck) -> None:
    me, bill, path = await pending(wreck)
    before = await callbacks(wreck)
    swapped = path[:-1] + ("a" if path[-1] != "a" else "b")
    for forged in (swapped, path[:-1], f"{path}a", path.upper(), "/callbacks/", "/callbacks/%00"):
        assert await put(wreck, forged, success(bill)) in (404, 405), forged
    assert await callbacks(wreck) == before
    await wreck.town.approve(me)
    assert await wreck.town.payment_ended(bill) == "collected"
    await ends_well(wreck)


@pytest.mark.parametrize("answer", ["declines", "approves"])
async def test_a_lie_with_the_right_token_is_kept_and_the_operators_word_stands(
    wreck: Wreck, answer: str
) -> None:
    me, bill, path = await pending(wreck)
    lie = failure() if answer == "approves" else success(bill)
    assert await put(wreck, path, lie) == 204
    await read_all(wreck)
    assert await wreck.state(bill) == "pending"
    assert await wreck.town.booked(bill) == 0
    await wreck.town.approve(me, agree=answer == "approves")
    ended = await wreck.town.payment_ended(bill)
    assert ended == ("collected" if answer == "approves" else "refused")
    assert await wreck.stack.value(
        CALLBACKS.format("count(*)") + " AND body = $2", bill.control_number, lie
    )
    await ends_well(wreck)


async def test_another_payments_reference_in_a_forged_callback_collects_nothing(
    wreck: Wreck,
) -> None:
    paid = await wreck.town.bill()
    payer = citizen("01")
    await wreck.town.says_yes(payer, paid)
    assert await wreck.town.payment_ended(paid) == "collected"
    (request,) = await wreck.town.book(payer)
    _, bill, path = await pending(wreck)
    forged = success(bill, transactionReference=request["reference"])
    assert await put(wreck, path, forged) == 204
    await read_all(wreck)
    assert await wreck.state(bill) != "collected"
    assert await wreck.town.booked(bill) == 0
    await ends_well(wreck)


async def test_contradictions_before_and_after_the_end_change_nothing(wreck: Wreck) -> None:
    me, bill, path = await pending(wreck)
    await wreck.town.approve(me)
    assert await wreck.town.payment_ended(bill) == "collected"
    for lie in (failure(), success(bill, amount="1.000"), success(bill), b"<html>OK</html>"):
        assert await put(wreck, path, lie) == 204
    await read_all(wreck)
    assert await wreck.state(bill) == "collected"
    other, refused, path = await pending(wreck)
    await wreck.town.approve(other, agree=False)
    assert await wreck.town.payment_ended(refused) == "refused"
    assert await put(wreck, path, success(refused)) == 204
    await ends_well(wreck)
    assert await wreck.state(refused) == "refused"
