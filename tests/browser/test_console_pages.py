"""The console in a browser: it fits, it can be read, and a keyboard is enough."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Page

from console import audit, staff
from console.closings import CHECKS
from console.roles import Role
from kernel.database import Database
from ledger import periods
from ledger.seal import Signer
from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.looks import flaws
from tests.unit.console.conftest import PASSWORD
from tests.unit.console.story import Story
from tests.unit.ledger.closers import TODAY, Clerk

PATHS = (
    "/", "/payments", "/late-money", "/messages?period=all", "/work?state=all", "/journal",
    "/accounts", "/accounts/Assets:Clearing:SANDBOX:JOD", "/trial-balance",
    "/accounts/Assets:Clearing:SANDBOX:JOD/ageing", "/closings", "/closings/1",
    "/usage", "/usage?period=12m&by=language", "/usage?channel=none",
    "/staff", "/audit", "/password",
)  # fmt: skip


FOCUS = """() => {
  const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
  return [outlineStyle, parseFloat(outlineWidth), document.activeElement.type];
}"""


async def hired(database: Database, story: Story) -> None:
    """An administrator."""
    async with database.transaction() as connection:
        await staff.add(
            connection,
            audit.COMMAND_LINE,
            id=story.ids.new(),
            name="amal",
            role=Role.ADMIN,
            password=PASSWORD,
            at=story.clock.now(),
        )


async def closed_with_everything_open(story: Story) -> None:
    """The day after: all is sealed, and closed although much is open; a reopening is asked for."""
    clerk = Clerk(story.database, Signer(story.keys), story.clock)
    story.clock.forward(timedelta(days=1))
    names = ("suspense", "payments", "late_money")
    await clerk.closed(TODAY, latest=TODAY, checks=CHECKS, accepted=dict.fromkeys(names, "غدا"))
    async with story.database.read() as connection:
        await periods.request_reopening(
            connection, by="Basim", at=story.clock.now(), reason="نُسي إيداع"
        )
    story.clock.forward(timedelta(days=1))


async def dialogues(database: Database) -> None:
    """Three weeks of dialogues on two channels, counted."""
    async with database.transaction() as connection:
        await connection.execute(
            "INSERT INTO ussd.step (day, channel, service, language, screen, hops, entered,"
            " moved_on, ended, opened, priced, confirmed) SELECT DATE '2026-11-21' - n, channel,"
            " 'JO-CSPD/PASSPORT', language, screen, 9000, 4100 + 90 * n, 3000 + 70 * n, 9 * n,"
            " 1200 + 40 * n, 1100 + 35 * n, 800 + 30 * n FROM generate_series(0, 20) n,"
            " unnest(ARRAY['sandbox', 'a-second-operator-of-the-country']) channel,"
            " unnest(ARRAY['ar', 'en']) language, unnest(ARRAY['home', 'number', 'confirm',"
            " 'approve', 'agencies', 'services', 'a_screen_without_a_name']) screen"
        )


async def sign_in(page: Page, url: str, language: str) -> None:
    await page.goto(f"{url}/console/sign-in?language={language}")
    await page.fill("#name", "amal")
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/")


@pytest.mark.parametrize("language", ["ar", "en", "fr"])
async def test_every_page_fits_can_be_read_and_names_its_parts_on_a_desk_and_on_a_phone(
    new_page: NewPage, console_url: str, story: Story, database: Database, language: str
) -> None:
    await hired(database, story)
    await dialogues(database)
    payments = [await story.collected(), await story.late(), await story.unknown()]
    await story.messaged(payments[0], state="failed", body="دُفع", failure="unreachable")
    await closed_with_everything_open(story)
    paths = [*PATHS, *(f"/payments/{payment}" for payment in payments)]
    wrong = {}
    for size in (DESK, PHONE):
        page = await new_page(size=size, scripts=True)
        await page.goto(f"{console_url}/console/sign-in?language={language}")
        wrong["/sign-in", size] = await flaws(page)
        await sign_in(page, console_url, language)
        for path in paths:
            await page.goto(f"{console_url}/console{path}")
            wrong[path, size] = await flaws(page)
    assert {where: what for where, what in wrong.items() if what} == {}


async def test_a_payment_is_found_and_its_number_revealed_by_keyboard_without_scripts(
    new_page: NewPage, console_url: str, story: Story, database: Database
) -> None:
    await hired(database, story)
    payment = await story.collected()
    page = await new_page(scripts=False)
    await page.goto(f"{console_url}/console/sign-in?language=en")
    await page.keyboard.press("Tab")
    assert await page.locator(":focus").inner_text() == "Skip to content"
    await page.focus("#name")
    await page.keyboard.type("amal")
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/")
    await page.focus("text=Payments")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console/payments")
    await page.focus("#f-reference")
    await page.keyboard.type(str(payment))
    await page.keyboard.press("Enter")
    await page.focus(f"a[href='/console/payments/{payment}']")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/payments/{payment}")
    await page.focus("summary:has-text('Show the number')")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("the citizen called back")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=+962790000001")
    assert await page.locator("text=the citizen called back").count() == 1


async def test_where_the_keyboard_is_can_be_seen(
    new_page: NewPage, console_url: str, story: Story, database: Database
) -> None:
    await hired(database, story)
    page = await new_page()
    await sign_in(page, console_url, "ar")
    await page.goto(f"{console_url}/console/payments")
    for _ in range(30):
        await page.keyboard.press("Tab")
        style, width, kind = await page.evaluate(FOCUS)
        # Inside a date field the browser marks its own button.
        assert kind == "date" or (style != "none" and width >= 2)


async def test_arabic_runs_from_the_right_and_figures_keep_their_order(
    new_page: NewPage, console_url: str, story: Story, database: Database
) -> None:
    await hired(database, story)
    await story.collected()
    page = await new_page()
    await sign_in(page, console_url, "ar")
    side = await page.locator(".side").bounding_box()
    assert side is not None
    assert side["x"] > DESK[0] / 2
    await page.goto(f"{console_url}/console/payments")
    amount = page.locator("td.amount.strong bdi").last
    assert await amount.get_attribute("dir") == "ltr"
    assert (
        await page.locator("td.amount").last.evaluate("e => getComputedStyle(e).textAlign")
        == "right"
    )


async def test_on_paper_there_is_the_page_and_who_made_it_but_no_controls(
    new_page: NewPage, console_url: str, story: Story, database: Database
) -> None:
    await hired(database, story)
    await story.collected()
    page = await new_page()
    await sign_in(page, console_url, "en")
    await page.goto(f"{console_url}/console/trial-balance")
    await page.emulate_media(media="print")
    for hidden in (".side", ".who", ".filters", ".button"):
        assert not await page.locator(hidden).first.is_visible(), hidden
    for shown in ("h1", "table >> nth=0", "text=Made by amal"):
        assert await page.locator(shown).first.is_visible(), shown


async def test_filters_fold_away_on_a_phone_and_stay_open_on_a_desk(
    new_page: NewPage, console_url: str, story: Story, database: Database
) -> None:
    await hired(database, story)
    for size, is_open in ((DESK, True), (PHONE, False)):
        page = await new_page(size=size)
        await sign_in(page, console_url, "en")
        await page.goto(f"{console_url}/console/payments")
        assert await page.locator("#f-reference").is_visible() == is_open
    await page.click("text=Filter the list")
    assert await page.locator("#f-reference").is_visible()
