"""The operator's counter over a real book, with a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from kernel.clock import ManualClock
from kernel.ids import RandomIds
from kernel.money import Money
from sandbox.behaviours import Verdict
from sandbox.book import Book
from sandbox.errands import Errands
from sandbox.gsma import Order, Refused, ReversalOrder
from sandbox.oracle import BadFilter, read_book, read_filter
from sandbox.requests import Request
from sandbox.teller import PersonSays, Teller

ASKS, LATE, LEBANESE = "+962790000000", "+962790000008", "+96171888000"


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    """An empty book."""
    book = Book(tmp_path / "book.sqlite3")
    yield book
    book.close()


@pytest.fixture
def teller(book: Book, clock: ManualClock, ids: RandomIds) -> Teller:
    """A counter whose errands never fire: each test decides by itself."""
    return Teller(book, Errands(book, clock, 1.0), clock, ids, 1.0)


def order(payer: str, amount: Money, correlation: str = "") -> Order:
    """A request for money."""
    return Order(
        correlation=correlation or str(uuid4()),
        callback_url="",
        payer=payer,
        payee="mizan",
        amount=amount,
        description="",
        echo={"creditParty": []},
    )


async def take(teller: Teller, payer: str = ASKS, minor: int = 5_000) -> Request:
    """Take a collection in dinars."""
    return await teller.take_collection(order(payer, Money(minor, "JOD")), str(uuid4()))


@pytest.mark.parametrize(
    ("msisdn", "held"),
    [
        ("+962790000000", Money(500_000, "JOD")),
        ("+962790000002", Money(0, "JOD")),
        ("+96171888000", Money(200_000_000, "LBP")),
        ("+97336000000", Money(200_000, "BHD")),
        ("+970590000000", Money(200_000, "ILS")),
        ("+963930000000", Money(5_000_000, "SYP")),
        ("+254700000000", None),
    ],
)
async def test_a_wallet_opens_at_first_sight_in_the_currency_of_its_country(
    teller: Teller, msisdn: str, held: Money | None
) -> None:
    assert await teller.balance(msisdn) == held
    assert await teller.balance(msisdn) == held


async def test_two_prompts_cannot_spend_the_same_money(teller: Teller) -> None:
    first, second = await take(teller, minor=400_000), await take(teller, minor=400_000)
    assert await teller.answer_prompt(first.id, Verdict.APPROVE) is PersonSays.APPROVED
    assert await teller.answer_prompt(second.id, Verdict.APPROVE) is PersonSays.NO_FUNDS
    assert await teller.balance(ASKS) == Money(100_000, "JOD")


async def test_the_whole_balance_can_be_spent(teller: Teller) -> None:
    request = await take(teller, minor=500_000)
    assert await teller.answer_prompt(request.id, Verdict.APPROVE) is PersonSays.APPROVED


async def test_a_prompt_is_open_for_two_minutes(teller: Teller, clock: ManualClock) -> None:
    request = await take(teller)
    clock.forward(timedelta(seconds=119))
    assert await teller.prompts(ASKS) == [request]
    clock.forward(timedelta(seconds=1))
    assert await teller.prompts(ASKS) == []
    assert await teller.answer_prompt(request.id, Verdict.APPROVE) is PersonSays.TOO_LATE


async def test_a_decision_that_comes_second_changes_nothing(teller: Teller) -> None:
    request = await take(teller)
    assert await teller.decide(request.id, Verdict.DECLINE, after=0) is not None
    assert await teller.decide(request.id, Verdict.EXPIRE, after=0) is None


async def test_late_money_follows_a_failure_and_only_once(teller: Teller) -> None:
    request = await take(teller, LATE)
    assert await teller.decide(request.id, Verdict.APPROVE, after=1) is None
    await teller.decide(request.id, Verdict.BREAK, after=0)
    late = await teller.decide(request.id, Verdict.APPROVE, after=1)
    assert late is not None
    assert late.status == "completed"
    assert await teller.decide(request.id, Verdict.APPROVE, after=1) is None


async def test_nobody_approves_on_a_phone_that_is_not_asked(teller: Teller) -> None:
    request = await take(teller, LATE)
    assert await teller.answer_prompt(request.id, Verdict.APPROVE) is PersonSays.UNKNOWN
    assert await teller.answer_prompt("nothing", Verdict.APPROVE) is PersonSays.UNKNOWN


async def test_another_currency_than_the_wallets_is_refused(teller: Teller) -> None:
    with pytest.raises(Refused, match="LBP"):
        await teller.take_collection(order(LEBANESE, Money(5_000, "JOD")), "r1")
    assert await teller.look_up("requeststate", "id", "r1") is None


async def test_reversals_taken_together_give_back_no_more_than_was_taken(teller: Teller) -> None:
    paid = await take(teller)
    done = await teller.decide(paid.id, Verdict.APPROVE, after=0)
    assert done is not None
    assert done.reference is not None
    requests = [await _reverse(teller, done.reference) for _ in range(2)]
    outcomes = [await teller.decide(r.id, Verdict.APPROVE, after=0) for r in requests]
    assert [outcome.status for outcome in outcomes if outcome] == ["completed", "failed"]
    assert await teller.balance(ASKS) == Money(500_000, "JOD")


async def test_the_book_shows_what_merchants_hold(teller: Teller, book: Book) -> None:
    paid = await take(teller, minor=7_000)
    done = await teller.decide(paid.id, Verdict.APPROVE, after=0)
    assert done is not None
    assert done.reference is not None
    back = await _reverse(teller, done.reference, "2.000")
    await teller.decide(back.id, Verdict.APPROVE, after=0)
    shown = await read_book(book, read_filter({}))
    (mizan,) = shown["merchants"]
    assert (mizan["amount"], mizan["collections"], mizan["reversals"]) == ("5.000", 1, 1)


async def test_the_book_is_read_by_any_filter(teller: Teller, book: Book) -> None:
    first, second = await take(teller), await take(teller, LATE)
    done = await teller.decide(first.id, Verdict.APPROVE, after=0)
    assert done is not None
    filters = (
        {"id": first.id},
        {"correlation": first.correlation},
        {"reference": done.reference},
        {"payer": "00962790000000"},
        {"ends": "00"},
    )
    for one in filters:
        shown = await read_book(book, read_filter(one))
        assert [request["id"] for request in shown["requests"]] == [first.id]
    shown = await read_book(book, read_filter({"limit": "1"}))
    assert [request["id"] for request in shown["requests"]] == [second.id]
    assert (await read_book(book, read_filter({"since": "2027"})))["requests"] == []


@pytest.mark.parametrize(
    "values", [{"limit": "0"}, {"limit": "x"}, {"msisdn": "1"}, {"payer": "1"}]
)
def test_a_filter_nobody_knows_is_named(values: dict[str, str]) -> None:
    with pytest.raises(BadFilter):
        read_filter(values)


async def _reverse(teller: Teller, reference: str, amount: str | None = None) -> Request:
    wanted = ReversalOrder(
        original=reference,
        correlation=str(uuid4()),
        callback_url="",
        amount=amount,
        currency=None,
        echo={"type": "reversal"},
    )
    return await teller.take_reversal(wanted, str(uuid4()))
