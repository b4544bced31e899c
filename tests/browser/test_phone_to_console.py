"""One fee paid in the browser's phone, and found by a clerk in the browser's console."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from console import audit, staff
from console.roles import Role
from fees import bills
from fees.bills import Bill
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds
from launch.rehearsal import Stack
from tests.browser.conftest import DESK, PHONE, NewPage
from tests.browser.looks import flaws
from tests.unit.console.conftest import PASSWORD

SLOW = 20_000


async def prepared(stack: Stack, clerk: str) -> Bill:
    """A fresh bill, and a clerk who may sign in."""
    database = await Database.connect(stack.servers.urls.database_url, size=1)
    try:
        async with database.transaction() as connection:
            await staff.add(
                connection,
                audit.COMMAND_LINE,
                id=RandomIds().new(),
                name=clerk,
                role=Role.FINANCE,
                password=PASSWORD,
                at=SystemClock().now(),
            )
            bill = await bills.issue(
                connection,
                RandomIds(),
                agency="JO-CSPD",
                service="PASSPORT",
                at=SystemClock().now(),
            )
    finally:
        await database.close()
    assert isinstance(bill, Bill), bill
    return bill


async def pick_up(page: Page, stack: Stack, number: str, language: str) -> None:
    """The phone of a number."""
    await page.goto(f"{stack.operator}/sandbox/phone?lang={language}")
    await page.fill("#other", number)
    await page.locator("form.other button").click()
    await expect(page.locator(".wallet .who bdi")).to_have_text(number)


async def enter(page: Page, keys: str) -> None:
    """Type into the phone and send, as a keyboard user does."""
    await page.fill("#entry", keys)
    await page.press("#entry", "Enter")


async def test_a_fee_paid_on_the_phone_page_is_found_in_the_console_with_its_evidence(
    new_page: NewPage, stack: Stack
) -> None:
    bill = await prepared(stack, "rana")
    phone = await new_page()
    await pick_up(phone, stack, "+962790001100", "ar")
    await enter(phone, f"*789*{bill.control_number}#")
    screen = phone.locator(".ussd")
    await expect(screen).to_contain_text("50.000", timeout=SLOW)
    await enter(phone, "1")
    await phone.locator("#pin").fill("1234", timeout=SLOW)
    await phone.locator("button.approve").click()
    message = phone.locator(".sms .text").first
    await expect(message).to_contain_text("50.000", timeout=SLOW)
    clerk = await new_page()
    await clerk.goto(f"{stack.gateway}/console/")
    await clerk.fill("#name", "rana")
    await clerk.fill("#password", PASSWORD)
    await clerk.keyboard.press("Enter")
    await expect(clerk).to_have_url(f"{stack.gateway}/console/")
    await clerk.goto(f"{stack.gateway}/console/payments?reference={bill.control_number}")
    await clerk.locator("tbody th a").last.click()
    await expect(clerk.locator("h1")).to_contain_text("محصّلة")
    receipt = await clerk.locator(".facts a[href^='/verify/'] bdi").inner_text()
    told = re.sub(r"\s", "", await message.inner_text())
    assert receipt in told
    await expect(clerk.locator("blockquote")).to_contain_text("50.000")
    await clerk.locator("summary:has-text('جواب')").first.click()
    await expect(clerk.locator("pre").first).to_be_visible()
    await clerk.goto(f"{stack.gateway}/console/trial-balance")
    await expect(clerk.locator(".verdict")).to_have_text("متوازنة")


async def test_the_phone_works_without_scripts_and_fits_a_phone(
    new_page: NewPage, stack: Stack
) -> None:
    bill = await prepared(stack, "samir")
    phone = await new_page(size=PHONE, scripts=False)
    await pick_up(phone, stack, "+962790001200", "en")
    await enter(phone, f"*789*{bill.control_number}#")
    await expect(phone.locator(".ussd")).to_contain_text("50.000", timeout=SLOW)
    await enter(phone, "1")
    for _ in range(200):
        if await phone.locator("#pin").count():
            break
        await phone.reload()
    await phone.locator("#pin").fill("1234")
    await phone.locator("button.approve").click()
    for _ in range(200):
        if await phone.locator(".sms .text").count():
            break
        await phone.reload()
    await expect(phone.locator(".sms .text").first).to_contain_text("50.000")


async def test_public_pages_and_the_operators_fit_can_be_read_and_name_their_parts(
    new_page: NewPage, stack: Stack
) -> None:
    sandbox, gateway = f"{stack.operator}/sandbox", stack.gateway
    pages = [f"{sandbox}/phone", f"{sandbox}/inbox", f"{sandbox}/book", f"{gateway}/verify"]
    wrong = {}
    for size in (PHONE, DESK):
        page = await new_page(size=size)
        for url in [f"{url}?lang={lang}" for url in pages for lang in ("ar", "en", "fr")]:
            await page.goto(url)
            wrong[size, url] = await flaws(page)
        await page.goto(f"{gateway}/api/v1/docs")
        wrong[size, "docs"] = await flaws(page)
    assert not {where: found for where, found in wrong.items() if found}


async def test_the_gateways_address_of_the_phone_keeps_the_language(
    new_page: NewPage, stack: Stack
) -> None:
    page = await new_page()
    for language in ("en", "ar"):
        await page.goto(f"{stack.gateway}/sandbox/phone?lang={language}")
        assert await page.locator("html").get_attribute("lang") == language
