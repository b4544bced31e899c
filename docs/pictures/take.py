"""Takes the pictures of the README: one payment on the phone, then its page in the console.

    .venv/bin/python -m docs.pictures.take

Starts an installation of its own, needs the packages of ``./mizan test`` and Chromium.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright, expect

from console import audit, passwords, staff
from console.roles import Role
from fees import bills
from fees.bills import Bill
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds
from launch.embedded import Servers
from launch.rehearsal import Stack
from launch.testing import BROWSERS

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
NUMBER, PIN, CLERK = "+962790000000", "1234", "rana"
PATIENCE_MS = 30_000


async def prepare(url: str) -> tuple[Bill, str]:
    """A bill to pay, and the password of a clerk who may sign in."""
    at, ids, password = SystemClock().now(), RandomIds(), passwords.generated()
    database = await Database.connect(url, size=1)
    async with database.transaction() as connection:
        await staff.add(
            connection,
            audit.COMMAND_LINE,
            id=ids.new(),
            name=CLERK,
            role=Role.FINANCE,
            password=password,
            at=at,
        )
        bill = await bills.issue(connection, ids, agency="JO-CSPD", service="PASSPORT", at=at)
    await database.close()
    assert isinstance(bill, Bill), bill
    return bill, password


async def phone(page: Page, operator: str, bill: Bill) -> None:
    """Pay the bill on the phone; a picture of the confirm screen, the prompt and the receipt."""
    await page.goto(f"{operator}/sandbox/phone?lang=ar")
    await expect(page.locator(".wallet .who bdi")).to_have_text(NUMBER)
    await enter(page, f"*789*{bill.control_number}#")
    await expect(page.locator(".ussd")).to_contain_text(bill.agency.short_names["ar"])
    await page.locator(".phone").screenshot(path=HERE / "phone-confirm.png")
    await enter(page, "1")
    await page.locator("#pin").fill(PIN, timeout=PATIENCE_MS)
    await page.locator(".phone").screenshot(path=HERE / "phone-approve.png")
    await page.locator("button.approve").click()
    await expect(page.locator(".sms")).to_contain_text("سُلّمت", timeout=PATIENCE_MS)
    await page.locator(".messages").screenshot(path=HERE / "phone-receipt.png")


async def enter(page: Page, keys: str) -> None:
    """Type into the phone and send."""
    await page.fill("#entry", keys)
    await page.press("#entry", "Enter")


async def console(page: Page, gateway: str, bill: Bill, password: str) -> None:
    """Sign in, find the payment, take a picture of its page."""
    await page.goto(f"{gateway}/console/payments?reference={bill.control_number}")
    await page.fill("#name", CLERK)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")
    await page.locator("tbody th a").last.click()
    await expect(page.locator(".facts a[href^='/verify/']")).to_be_visible()
    # The message at the end of the page is on the phone's picture already.
    entries = await page.locator("section:has(a[href*='/console/journal/'])").bounding_box()
    assert entries is not None
    await page.screenshot(
        path=HERE / "console-payment.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": 1100, "height": entries["y"] + entries["height"] + 16},
    )


async def show(stack: Stack, chrome: Browser) -> None:
    """Walk through one payment, camera in hand."""
    bill, password = await prepare(stack.servers.urls.database_url)
    page = await chrome.new_page(
        viewport={"width": 1100, "height": 900}, timezone_id="Asia/Amman", locale="ar"
    )
    page.set_default_timeout(PATIENCE_MS)
    await phone(page, stack.operator, bill)
    await console(page, stack.gateway, bill, password)


async def take() -> None:
    """Start everything, take the pictures, stop everything."""
    named = [os.environ.get("MIZAN_CHROMIUM", ""), *BROWSERS]
    browser = next(filter(None, map(shutil.which, filter(None, named))), None)
    if browser is None:
        sys.exit("no Chromium on this machine")
    with tempfile.TemporaryDirectory() as home:
        servers = Servers(Path(home) / "servers")
        servers.start()
        stack = Stack(Path(home), servers)
        try:
            await stack.prepare()
            stack.start()
            async with async_playwright() as playwright:
                chrome = await playwright.chromium.launch(executable_path=browser, args=FLAGS)
                await show(stack, chrome)
                await chrome.close()
        finally:
            stack.stop()
            servers.stop()


if __name__ == "__main__":
    asyncio.run(take())
