"""The books as files, as of positions, by age, and from an entry to the operator's own words."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import openpyxl
import pypdf
import pytest

from console.export import BOM
from console.roles import Role
from kernel.clock import ManualClock
from kernel.database import Database
from kernel.money import Money
from kernel.privacy import Keys
from ledger import chart, journal
from ledger.journal import Posting, Transaction
from ledger.seal import Signer
from ledger.sealer import seal_once
from tests.unit.console.conftest import Hire, Visitor, one_row
from tests.unit.console.story import Story

CLEARING = "Assets:Clearing:SANDBOX:JOD"
STATEMENT = f"/accounts/{CLEARING}"
PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix(BOM))))


def links(html: str) -> dict[str, str]:
    """Address of each file that a page offers."""
    found = re.findall(r'<a class="button" href="([^"]+)" download>(\w+)</a>', html)
    return {label: unescape(address) for address, label in found}


@pytest.mark.parametrize("page", ["/trial-balance", STATEMENT])
async def test_a_page_offers_its_files_and_each_is_what_it_says(
    finance: Visitor, story: Story, page: str
) -> None:
    await story.collected()
    offered = links((await finance.get(page)).text)
    assert list(offered) == ["PDF", "Excel", "CSV"]
    kinds = {}
    for label, address in offered.items():
        answer = await finance.http.get(address)
        assert answer.status_code == 200
        kinds[label] = answer.headers["content-type"].partition(";")[0]
        assert "2026-11-21" in answer.headers["content-disposition"]
        assert int(answer.headers["content-length"]) == len(answer.content)
    assert kinds == {"PDF": PDF, "Excel": XLSX, "CSV": "text/csv"}


async def test_files_speak_the_readers_language_and_call_accounts_by_their_use(
    finance: Visitor, story: Story
) -> None:
    await story.collected()
    english = pypdf.PdfReader(io.BytesIO((await finance.get("/trial-balance.pdf")).content))
    said = english.pages[0].extract_text()
    assert "Due from operator – Sandbox Wallet" in said
    assert "50.000" in said
    assert "by rana" in said
    await finance.post("/language", language="ar", back="/console/")
    book = openpyxl.load_workbook(
        io.BytesIO((await finance.get(f"{STATEMENT}.xlsx")).content), data_only=True
    )
    cells = {cell.value for row in book["JOD"].iter_rows() for cell in row}
    assert {"كشف حساب", "رسم محصّل", 50, "Liabilities:Agency:JO-CSPD:PASSPORT:JOD"} <= cells


async def test_a_file_keeps_the_filter_of_its_page(
    finance: Visitor, story: Story, clock: ManualClock
) -> None:
    await story.collected()
    clock.forward(timedelta(days=1))
    await story.collected()
    await finance.sign_in("rana", language="en")
    today = {"from": "2026-11-22", "to": "2026-11-22"}
    found = rows(
        (await finance.http.get(links((await finance.get(STATEMENT, **today)).text)["CSV"])).text
    )
    assert [row["rule"] for row in found] == ["opening", "FEE_SUCCEEDED", "closing"]
    assert [row["balance"] for row in found] == ["50.000", "100.000", "100.000"]
    assert found[1]["debit"] == "50.000"
    yesterday = (await finance.get("/trial-balance", as_of="2026-11-21")).text
    balances = rows((await finance.http.get(links(yesterday)["CSV"])).text)
    assert {row["account"]: row["balance"] for row in balances}[CLEARING] == "50.000"


async def test_who_may_not_download_is_offered_nothing_and_refused(
    visitor: Visitor, hire: Hire, story: Story
) -> None:
    await story.collected()
    await hire("sami", Role.VIEWER)
    await visitor.sign_in("sami", language="en")
    for page in ("/trial-balance", STATEMENT):
        assert links((await visitor.get(page)).text) == {}
        for form in ("pdf", "xlsx", "csv"):
            assert (await visitor.get(f"{page}.{form}")).status_code == 403


async def test_every_file_taken_away_is_written_down(
    finance: Visitor, story: Story, database: Database
) -> None:
    await story.collected()
    await finance.get(f"{STATEMENT}.pdf", period="all")
    row = await one_row(database, "SELECT * FROM console.audit WHERE action = 'downloaded'")
    assert (row["staff_name"], row["subject"]) == ("rana", f"{CLEARING}.pdf?period=all")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/trial-balance.doc", 404),
        (f"{STATEMENT}.doc", 404),
        ("/accounts/Assets:Nothing:JOD.pdf", 404),
        ("/trial-balance.pdf?as_of=soon", 400),
        ("/trial-balance.pdf?position=99", 400),
        (f"{STATEMENT}.csv?from=2026-11-22&to=2026-11-21", 400),
        ("/accounts/Assets:Nothing:JOD/ageing", 404),
        ("/accounts/nothing/ageing", 404),
        ("/trial-balance?position=99", 422),
        ("/trial-balance?position=-1", 422),
        ("/trial-balance?position=1&as_of=2026-11-21", 422),
        (f"{STATEMENT}?position=99", 422),
        (f"{STATEMENT}?position=1&first=2", 422),
        (f"{STATEMENT}/ageing?as_of=soon", 422),
    ],
)
async def test_what_makes_no_sense_is_refused(
    finance: Visitor, story: Story, path: str, status: int
) -> None:
    await story.collected()
    assert (await finance.get(path)).status_code == status


async def test_the_books_at_a_position_stay_what_they_were(
    finance: Visitor, story: Story, database: Database, keys: Keys, clock: ManualClock
) -> None:
    await story.collected()
    await seal_once(database, Signer(keys), clock)
    await story.collected()
    await seal_once(database, Signer(keys), clock)
    page = (await finance.get("/trial-balance", position="1")).text
    assert "Up to position" in page
    then = rows((await finance.http.get(links(page)["CSV"])).text)
    assert {row["account"]: row["balance"] for row in then}[CLEARING] == "50.000"
    for query in ({"position": "1", "first": "2"}, {"position": "3"}):
        assert (await finance.get(STATEMENT, **query)).status_code == 422
    both = await finance.get("/trial-balance", position="1", as_of="2026-11-21")
    assert both.status_code == 422
    second = (await finance.get(STATEMENT, position="2", first="2")).text
    lines = rows((await finance.http.get(links(second)["CSV"])).text)
    assert [row["balance"] for row in lines] == ["50.000", "100.000", "100.000"]


async def test_an_entry_leads_to_the_message_that_proved_it(finance: Visitor, story: Story) -> None:
    payments = {await story.collected(): "FEE_SUCCEEDED", await story.late(): "LATE_SUCCESS"}
    for payment in payments:
        listed = (await finance.get("/journal", payment=str(payment))).text
        entry = re.search(r'href="(/console/journal/[0-9a-f-]{36})"', listed)
        assert entry
        html = (await finance.http.get(entry[1])).text
        proof = re.search(r'href="(/console/payments/[^"]+)#proof"', html)
        assert proof, payments[payment]
        shown = (await finance.http.get(unescape(proof[1]))).text
        opened = shown.partition('<details class="evidence" id="proof" open>')[2]
        assert "<pre" in opened.partition("</details>")[0]


async def test_an_entry_of_no_payment_leads_to_no_message(
    finance: Visitor, story: Story, database: Database
) -> None:
    bank, opening = chart.bank_collection("JOD"), chart.opening("JOD")
    entry = Transaction(
        id=story.ids.new(),
        rule="OPENING",
        key="opening",
        postings=(Posting(bank, opening, Money(1000, "JOD")),),
        occurred_at=story.clock.now(),
    )
    async with database.transaction() as connection:
        await journal.submit(connection, [entry])
    assert "#proof" not in (await finance.get(f"/journal/{entry.id}")).text


async def test_ageing_shows_what_stands_by_how_long_it_has_stood(
    finance: Visitor, story: Story, clock: ManualClock
) -> None:
    old = await story.late()
    clock.forward(timedelta(days=40))
    new = await story.late()
    await finance.sign_in("rana", language="en")
    account = "Liabilities:Suspense:LateSuccess:SANDBOX:JOD"
    html = (await finance.get(f"/accounts/{account}/ageing")).text
    table = html.partition('id="buckets"')[2].partition("</table>")[0]
    items_of = r'</th><td class="amount">(?:<bdi class="ref" dir="ltr">(\d+)</bdi>|<span)'
    assert re.findall(items_of, table) == ["", "1", "", "", "1", "2"]
    items = html.partition('id="items"')[2]
    assert items.index(str(old)) < items.index(str(new))
    before = (await finance.get(f"/accounts/{account}/ageing", as_of="2026-11-21")).text
    assert str(new) not in before
    assert (
        f'href="/console/accounts/{account}/ageing"'
        in (await finance.get(f"/accounts/{account}")).text
    )
