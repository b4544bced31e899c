"""Home and the books: tiles that count what their lists show, journal, statement, trial balance."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

from console.export import BOM
from kernel.database import Database
from kernel.money import Money
from ledger import chart, journal
from ledger.guards import Guard, guard
from ledger.journal import Posting, Transaction
from ledger.rules import RULES
from tests.unit.console.conftest import Visitor
from tests.unit.console.story import OTHER_CITIZEN, Story
from tests.unit.console.test_payments_page import listed

CLEARING = "Assets:Clearing:SANDBOX:JOD"


def tiles(html: str) -> dict[str, tuple[str, str]]:
    """Label of each tile: where it leads, and its big figure."""
    found = re.findall(
        r'<h2><a href="([^"]+)">([^<]+)</a></h2>\s*<p class="big">(?:<bdi[^>]*>)?([^<]+)', html
    )
    return {label: (unescape(href), figure.strip()) for href, label, figure in found}


def figures(html: str, anchor: str) -> list[str]:
    """All amounts of the table with an id."""
    table = html.partition(f'id="{anchor}"')[2].partition("</table>")[0]
    return re.findall(r'<bdi class="num"[^>]*>([^<]+)</bdi>', table)


async def test_each_tile_leads_to_the_list_it_counts(finance: Visitor, story: Story) -> None:
    collected = str(await story.collected())
    started = {str(await story.begun()), str(await story.begun())}
    unknown = str(await story.unknown())
    late = str(await story.late())
    await story.messaged(await story.collected(), state="undelivered", body="x", failure="other")
    shown = tiles((await finance.get("/")).text)

    async def behind(label: str) -> set[str]:
        return listed(await finance.http.get(shown[label][0]))

    assert shown["Collected of today&#39;s payments"][1] == "2"
    assert collected in await behind("Collected of today&#39;s payments")
    assert shown["In flight"][1] == "2"
    assert await behind("In flight") == started
    assert shown["Unknown or in review"][1] == "1"
    assert await behind("Unknown or in review") == {unknown}
    assert shown["Late or duplicate money, open"][1] == "1"
    assert await behind("Late or duplicate money, open") == {late}
    assert shown["Undelivered messages, last 7 days"][1] == "1"
    assert len(await behind("Undelivered messages, last 7 days")) == 1
    assert shown["Books"][1] == "Balanced"


async def test_home_keeps_currencies_apart(finance: Visitor, story: Story) -> None:
    await story.collected()
    await story.collected(agency="BH-IGA", service="ID-CARD", band="LOST", payer=OTHER_CITIZEN)
    html = (await finance.get("/")).text
    first = html.partition("Collected of")[2].partition("</section>")[0]
    assert re.findall(r'<bdi class="num"[^>]*>([^<]+)</bdi>', first) == ["4.000", "50.000"]


async def test_parked_work_is_counted_shown_and_leads_to_its_payment(
    finance: Visitor, story: Story, database: Database
) -> None:
    payment = await story.begun()
    async with database.transaction() as connection:
        await connection.execute(
            "UPDATE kernel.work SET parked_at = now(), last_error = 'lost +962790000001'"
        )
    assert tiles((await finance.get("/")).text)["Parked work"] == (
        "/console/work?state=parked",
        "1",
    )
    work = (await finance.get("/work")).text
    assert f'href="/console/payments/{payment}"' in work
    assert "790000001" not in work


async def test_books_that_do_not_balance_are_an_alarm(
    finance: Visitor, story: Story, owner: Database
) -> None:
    await story.collected()
    async with owner.transaction() as connection:
        await connection.execute("UPDATE ledger.unsealed SET credits[1] = credits[1] + 1")
        await connection.execute(
            "INSERT INTO payments.halt (reason, halted_at) VALUES ('they do not balance', now())"
        )
    html = (await finance.get("/")).text
    assert tiles(html)["Books"][1] == "Not balanced"
    assert "New debits are stopped" in html


async def test_the_trial_balance_shows_each_currency_with_equal_sums(
    finance: Visitor, story: Story
) -> None:
    await story.collected()
    await story.late()
    await story.collected(agency="BH-IGA", service="ID-CARD", band="LOST", payer=OTHER_CITIZEN)
    html = (await finance.get("/trial-balance")).text
    assert "Balanced" in html
    assert figures(html, "balance-BHD") == ["4.000"] * 8
    *_, debits, credits, debit_balances, credit_balances = figures(html, "balance-JOD")
    assert (debits, credits) == ("150.150", "150.150")
    assert (debit_balances, credit_balances) == ("150.000", "150.000")


async def test_a_trial_balance_of_an_earlier_day_leaves_later_entries_out(
    finance: Visitor, story: Story
) -> None:
    await story.collected()
    assert "balance-JOD" in (await finance.get("/trial-balance", as_of="2026-11-21")).text
    assert "No entries." in (await finance.get("/trial-balance", as_of="2026-11-20")).text
    odd = await finance.get("/trial-balance", as_of="soon")
    assert odd.status_code == 422


async def test_the_trial_balance_downloads_in_plain_figures(finance: Visitor, story: Story) -> None:
    await story.collected()
    answer = await finance.get("/trial-balance.csv")
    text = answer.content.decode()
    assert text.startswith(BOM)
    rows = {row["account"]: row for row in csv.DictReader(io.StringIO(text.removeprefix(BOM)))}
    assert rows[CLEARING]["balance"] == "50.000"
    assert rows["Liabilities:Agency:JO-CSPD:PASSPORT:JOD"]["balance"] == "-49.850"
    assert rows["Income:ServiceFee:JOD"]["as_of"] == "2026-11-21"


async def test_a_statement_runs_from_its_opening_to_its_closing_balance(
    finance: Visitor, story: Story
) -> None:
    await story.collected()
    await story.collected()
    html = (await finance.get(f"/accounts/{CLEARING}")).text
    assert figures(html, "statement") == [
        "50.000", "50.000",
        "50.000", "100.000",
        "100.000",
        "100.000",
    ]  # fmt: skip
    assert html.count(' <small class="dc">Dr</small>') == 3
    agency = (await finance.get("/accounts/Liabilities:Agency:JO-CSPD:PASSPORT:JOD")).text
    assert "Cr</small>" in agency
    later = (await finance.get(f"/accounts/{CLEARING}", **{"from": "2026-11-22"})).text
    assert figures(later, "statement") == ["100.000", "100.000"]


async def test_the_journal_filters_by_rule_account_day_and_payment(
    finance: Visitor, story: Story
) -> None:
    paid, late = str(await story.collected()), str(await story.late())
    both = {paid, late}
    for filters, expected in (
        ({}, both),
        ({"rule": "LATE_SUCCESS"}, {late}),
        ({"account": "Income:ServiceFee:JOD"}, {paid}),
        ({"account": "Assets:Nothing:JOD"}, set()),
        ({"period": "yesterday"}, set()),
        ({"period": "today"}, both),
        ({"payment": late}, {late}),
    ):
        assert listed(await finance.get("/journal", **filters)) == expected, filters


async def test_the_journal_goes_on_where_the_page_ends(
    finance: Visitor, database: Database, story: Story
) -> None:
    entries = [
        Transaction(
            id=story.ids.new(),
            rule="OPENING",
            key=f"opening:{n}",
            postings=(
                Posting(chart.bank_collection("JOD"), chart.opening("JOD"), Money(n + 1, "JOD")),
            ),
            occurred_at=story.clock.now(),
        )
        for n in range(35)
    ]
    async with database.transaction() as connection:
        await journal.submit(connection, entries)
    first = (await finance.get("/journal")).text
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    second = (await finance.http.get(f"/console/journal{unescape(older[1])}")).text
    seen = [
        re.findall(r'href="/console/journal/([0-9a-f-]{36})"', html) for html in (first, second)
    ]
    assert [len(ids) for ids in seen] == [30, 5]
    assert {*seen[0], *seen[1]} == {str(entry.id) for entry in entries}
    one = (await finance.get(f"/journal/{entries[0].id}")).text
    assert "Bank, public money" in one
    assert "0.001" in one
    assert "opening:0" in one


async def test_from_the_trial_balance_to_the_operators_words_takes_three_clicks(
    finance: Visitor, story: Story
) -> None:
    payment = await story.collected()
    start = (await finance.get("/trial-balance")).text
    assert f'href="/console/accounts/{CLEARING}"' in start
    statement = (await finance.get(f"/accounts/{CLEARING}")).text
    assert f'href="/console/payments/{payment}"' in statement
    assert "transactionReference" in (await finance.get(f"/payments/{payment}")).text


async def test_an_account_is_called_by_its_use_in_every_language(
    finance: Visitor, story: Story
) -> None:
    await story.collected()
    assert "Due from operator – Sandbox Wallet" in (await finance.get("/accounts")).text
    await finance.post("/language", language="ar", back="/console/")
    assert "مستحق للجهة – الأحوال المدنية – جواز سفر" in (await finance.get("/accounts")).text
    await finance.post("/language", language="fr", back="/console/")
    assert "Dû par l’opérateur" in (await finance.get("/accounts")).text


async def test_every_rule_of_the_books_can_be_chosen(finance: Visitor) -> None:
    html = (await finance.get("/journal")).text
    assert set(RULES) <= set(re.findall(r'<option value="([A-Z_]+)"', html))


async def test_a_statement_shows_the_limits_of_its_account_who_set_them_and_why(
    finance: Visitor, story: Story, database: Database
) -> None:
    await story.collected()
    assert "Limits of this account" not in (await finance.get(f"/accounts/{CLEARING}")).text
    cap = Guard(CLEARING, maximum=Money(40_000, "JOD"), by="Amal", reason="<agreed>")
    async with database.transaction() as connection:
        await guard(connection, cap)
    html = (await finance.get(f"/accounts/{CLEARING}")).text
    limits = html.partition('id="limits"')[2].partition("</section>")[0]
    assert re.findall(r"<dt>([^<]+)</dt>", limits) == [
        "No further to the debit side than",
        "Balance now",
        "Set by, when and why",
    ]
    assert re.findall(r'<bdi class="num"[^>]*>([^<]+)</bdi>', limits) == ["40.000", "50.000"]
    assert "JOD" in limits
    assert "Dr" in limits
    assert "Beyond its limit" in limits
    assert "Amal" in limits
    assert "&lt;agreed&gt;" in limits
    shut = Guard(CLEARING, minimum=Money(0, "JOD"), is_closed=True)
    async with database.transaction() as connection:
        await guard(connection, shut)
    await finance.post("/language", language="ar", back="/console/")
    arabic = (await finance.get(f"/accounts/{CLEARING}")).text
    limits = arabic.partition('id="limits"')[2].partition("</section>")[0]
    assert "لا يُقبل أي قيد على هذا الحساب" in limits
    assert re.findall(r'<bdi class="num"[^>]*>([^<]+)</bdi>', limits) == ["0.000", "50.000"]
