"""Closing days on the console: the checklist leads to its lists, and reopening takes two people."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import httpx
import pytest

from console.roles import Role
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import Money
from kernel.privacy import Keys
from ledger import journal, periods
from ledger.journal import Posting, Transaction
from ledger.periods import Closing
from ledger.seal import Signer, as_text
from ledger.sealer import seal_once
from tests.databases import ALL_RIGHTS
from tests.unit.console.conftest import Hire, Visitor, one_row
from tests.unit.console.story import Story
from tests.unit.console.test_books_pages import CLEARING, tiles
from tests.unit.ledger.test_proof import check

TODAY = date(2026, 11, 21)


@pytest.fixture
async def second(url: str, hire: Hire) -> AsyncIterator[Visitor]:
    """Somebody else of finance, signed in, reading English."""
    browser = Visitor(url)
    await hire("basim", Role.FINANCE)
    await browser.sign_in("basim", language="en")
    yield browser
    await browser.http.aclose()


class Days:
    """Lets days go by over sealed books."""

    def __init__(self, story: Story, keys: Keys) -> None:
        self._story = story
        self._signer = Signer(keys)

    async def seal(self) -> None:
        await seal_once(self._story.database, self._signer, self._story.clock)

    async def next(self, days: int = 1) -> date:
        """Sealed; the clock is ``days`` further; the last day that is over."""
        await self.seal()
        self._story.clock.forward(timedelta(days=days))
        return self._story.clock.now().date() - timedelta(days=1)


@pytest.fixture
def days(story: Story, keys: Keys) -> Days:
    """The calendar of a story."""
    return Days(story, keys)


async def again(visitor: Visitor, name: str) -> Visitor:
    """Sign in once more: sessions end while days go by."""
    await visitor.sign_in(name, language="en")
    return visitor


async def a_day_with_money(story: Story, days: Days, finance: Visitor) -> date:
    """Something was collected on the day that is over, and finance has signed in on the next."""
    await story.collected()
    until = await days.next()
    await again(finance, "rana")
    return until


async def close(visitor: Visitor, until: date | str, **form: str) -> httpx.Response:
    """Press the button that closes."""
    fields: dict[str, Any] = {"do": "close", "kind": "day", "until": str(until)}
    return await visitor.post("/closings", page="/closings", **(fields | form))


async def closings(database: Database) -> list[Closing]:
    async with database.read() as connection:
        return await periods.closings(connection)


def found(html: str) -> dict[str, str]:
    """Where each finding of the checklist leads, by its words."""
    part = html.partition('class="stack checks"')[2].partition("</table>")[0]
    lines = re.findall(r'× <a href="([^"]+)">(.*?)</a>', part)
    return {re.sub("<[^>]+>", "", words): unescape(address) for address, words in lines}


async def test_a_day_is_closed_in_the_name_of_who_signed_in(
    finance: Visitor, story: Story, days: Days, database: Database
) -> None:
    until = await a_day_with_money(story, days, finance)
    assert tiles((await finance.get("/")).text)["Days not closed"] == ("/console/closings", "1")
    answer = await close(finance, until)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/closings/1")
    (made,) = await closings(database)
    assert (made.until, made.closed_by) == (until, "rana")
    assert tiles((await finance.get("/")).text)["Days not closed"][1] == "0"
    row = await one_row(
        database, "SELECT staff_name, subject FROM console.audit WHERE action = 'books_closed'"
    )
    assert tuple(row) == ("rana", f"closing 1: {until}")


async def test_a_finding_leads_to_the_list_that_shows_it_and_is_closed_with_a_reason(
    finance: Visitor, story: Story, days: Days, database: Database
) -> None:
    unknown, late = await story.unknown(), await story.late()
    until = await days.next()
    await again(finance, "rana")
    page = await finance.get("/closings")
    links = found(page.text)
    assert len(links) == 3
    assert str(unknown) in (await finance.http.get(links["Unknown"])).text
    assert str(late) in (await finance.http.get(links["Late – Sandbox Wallet"])).text
    (suspense,) = (words for words in links if "JOD" in words)
    assert (await finance.http.get(links[suspense])).status_code == 200
    refused = await close(finance, until, **{"accept.payments": "asked by phone"})
    assert refused.status_code == 422
    assert "Something is open" in refused.text
    assert 'value="asked by phone"' in refused.text
    assert await closings(database) == []
    names = ("payments", "suspense", "late_money")
    reasons = {f"accept.{name}": f"settled on {name} <b>" for name in names}
    answer = await close(finance, until, **reasons)
    assert answer.status_code == 303, answer.text
    (made,) = await closings(database)
    assert {item.name: item.accepted for item in made.items if item.accepted} == {
        name: f"settled on {name} <b>" for name in names
    }
    shown = (await finance.get("/closings/1")).text
    assert "settled on payments &lt;b&gt;" in shown


async def test_books_that_do_not_balance_are_closed_for_no_reason_whatever(
    finance: Visitor, story: Story, days: Days, owner: Database, database: Database
) -> None:
    until = await a_day_with_money(story, days, finance)
    async with owner.transaction() as connection:
        await connection.execute(ALL_RIGHTS)
        await connection.execute(
            "UPDATE ledger.total SET debits = debits + 1"
            " WHERE account = (SELECT id FROM ledger.account WHERE path = $1)",
            CLEARING,
        )
    answer = await close(finance, until, **{"accept.balanced": "never mind"})
    assert answer.status_code == 422
    assert 'name="accept.balanced"' not in answer.text
    assert await closings(database) == []


async def test_what_is_not_sealed_yet_is_waited_for(
    finance: Visitor, story: Story, days: Days, database: Database, clock: ManualClock
) -> None:
    await story.collected()
    clock.forward(timedelta(days=1))
    await again(finance, "rana")
    answer = await close(finance, TODAY)
    assert answer.status_code == 422
    assert "entries wait for their number" in answer.text
    await days.seal()
    assert (await close(finance, TODAY)).status_code == 303
    assert len(await closings(database)) == 1


async def test_a_day_that_is_not_over_or_closed_already_is_refused(
    finance: Visitor, story: Story, days: Days
) -> None:
    await story.collected()
    assert "not over yet" in (await close(finance, TODAY)).text
    until = await days.next()
    await again(finance, "rana")
    await close(finance, until)
    assert "closed already" in (await close(finance, until)).text
    assert "closed already" in (await finance.get("/closings", until=str(until))).text
    assert "not over yet" in (await finance.get("/closings", until="2099-01-01")).text
    assert "not over yet" in (await finance.get("/closings", until="yesterday")).text
    for form in (
        {"kind": "x"},
        {"kind": "week"},
        {"do": "burn"},
        {"do": "agree", "request": "9" * 12},
    ):
        assert (await close(finance, until, **form)).status_code == 400
    assert (await close(finance, "9999-99-99")).status_code == 400
    assert (await finance.get("/closings/99999999999999")).status_code == 404
    assert (await finance.get("/closings/2")).status_code == 404


async def test_reopening_takes_two_people_who_signed_in(
    finance: Visitor, second: Visitor, story: Story, days: Days, database: Database
) -> None:
    until = await a_day_with_money(story, days, finance)
    await again(second, "basim")
    await close(finance, until)
    empty = await finance.post("/closings", page="/closings", do="ask", reason=" ")
    assert (empty.status_code, "It needs a reason" in empty.text) == (422, True)
    await finance.post("/closings", page="/closings", do="ask", reason="a deposit was forgotten")
    page = (await finance.get("/closings")).text
    assert "a deposit was forgotten" in page
    assert 'value="agree"' not in page
    own = await finance.post("/closings", page="/closings", do="agree", request="1")
    assert (own.status_code, "cannot be the one who agrees" in own.text) == (422, True)
    assert 'value="agree"' in (await second.get("/closings")).text
    answer = await second.post("/closings", page="/closings", do="agree", request="1")
    assert answer.status_code == 303
    (made,) = await closings(database)
    assert made.reopening is not None
    assert (made.reopening.requested_by, made.reopening.approved_by) == ("rana", "basim")
    async with database.read() as connection:
        trail = await connection.fetch(
            "SELECT staff_name, action, reason FROM console.audit WHERE subject LIKE 'closing %'"
            " ORDER BY id"
        )
    assert [tuple(row) for row in trail] == [
        ("rana", "books_closed", ""),
        ("rana", "reopening_asked", "a deposit was forgotten"),
        ("basim", "books_reopened", "a deposit was forgotten"),
    ]
    twice = await second.post("/closings", page="/closings", do="agree", request="1")
    assert twice.status_code == 422


async def test_a_closing_shows_its_balances_and_what_changed_since(
    finance: Visitor, second: Visitor, story: Story, days: Days, database: Database
) -> None:
    until = await a_day_with_money(story, days, finance)
    await again(second, "basim")
    await close(finance, until)
    page = (await finance.get("/closings/1")).text
    assert "Nothing: the books of that day are as they were closed." in page
    snapshot = page.partition('id="snapshot"')[2]
    assert CLEARING in snapshot
    assert ">50.000<" in snapshot
    await finance.post("/closings", page="/closings", do="ask", reason="forgotten")
    await second.post("/closings", page="/closings", do="agree", request="1")
    forgotten = Transaction(
        id=story.ids.new(),
        rule="TEST",
        key="forgotten",
        postings=(Posting(CLEARING, "Equity:Opening:JOD", Money(1500, "JOD")),),
        occurred_at=story.clock.now() - timedelta(days=1),
        zone="Asia/Amman",
    )
    async with database.transaction() as connection:
        await journal.submit(connection, [forgotten])
    changed = (await finance.get("/closings/1")).text.partition('id="changes"')[2]
    changed = changed.partition("</table>")[0]
    assert re.findall(r'class="num"[^>]*>([^<]+)<', changed) == ["50.000", "51.500", "1.500"]
    await days.seal()
    await close(finance, until)
    assert 'href="/console/closings/1"' in (await finance.get("/closings/2")).text


async def test_at_a_months_end_the_month_can_be_closed_behind_its_last_day(
    finance: Visitor, story: Story, days: Days, database: Database
) -> None:
    await story.collected()
    until = await days.next(10)
    assert until == date(2026, 11, 30)
    await again(finance, "rana")
    assert 'name="kind" value="month" checked' in (await finance.get("/closings")).text
    await close(finance, until)
    assert 'name="kind" value="month" checked' in (await finance.get("/closings")).text
    assert (await close(finance, until, kind="month")).status_code == 303
    assert [str(made.kind) for made in await closings(database)] == ["month", "day"]
    assert 'name="kind"' not in (await finance.get("/closings")).text


async def test_somebody_who_only_looks_gets_no_buttons(
    finance: Visitor, visitor: Visitor, story: Story, days: Days, hire: Hire
) -> None:
    until = await a_day_with_money(story, days, finance)
    await close(finance, until)
    await finance.post("/closings", page="/closings", do="ask", reason="forgotten")
    await days.next()
    await hire("ziad", Role.AUDITOR)
    await again(visitor, "ziad")
    page = (await visitor.get("/closings")).text
    assert "forgotten" in page
    assert 'name="do"' not in page
    assert (await visitor.post("/closings", do="close")).status_code == 403


async def test_an_entry_shows_its_seal_and_gives_its_proof_away(
    finance: Visitor, story: Story, days: Days, keys: Keys, database: Database
) -> None:
    payment = await story.collected()
    entry: UUID = (await one_row(database, "SELECT id FROM ledger.transaction"))[0]
    path = f"/journal/{entry}/proof.json"
    assert path not in (await finance.get(f"/journal/{entry}")).text
    assert (await finance.get(path)).status_code == 404
    await days.seal()
    page = (await finance.get(f"/journal/{entry}")).text
    assert f'href="/console{path}"' in page
    assert "sealed <time" in page
    answer = await finance.get(path)
    assert answer.headers["content-disposition"] == f'attachment; filename="proof-{entry}.json"'
    document = json.loads(answer.text)
    assert document["body"]["reference"] == str(payment)
    code, said = check(as_text(Signer(keys).public), document)
    assert code == 0, said
    assert "receipt " in said
    row = await one_row(database, "SELECT subject FROM console.audit WHERE action = 'downloaded'")
    assert row[0] == f"proof {entry}"


async def test_a_viewer_sees_the_seal_but_takes_no_proof_away(
    visitor: Visitor, story: Story, days: Days, hire: Hire, database: Database
) -> None:
    await story.collected()
    await days.seal()
    entry = (await one_row(database, "SELECT id FROM ledger.transaction"))[0]
    await hire("ziad", Role.VIEWER)
    await again(visitor, "ziad")
    page = (await visitor.get(f"/journal/{entry}")).text
    assert "sealed <time" in page
    assert "proof.json" not in page
    assert (await visitor.get(f"/journal/{entry}/proof.json")).status_code == 403
