"""What journeys and faults do and look at: citizens, bills, the operator's book, our books."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx

from fees import bills
from fees.bills import Bill
from kernel import subscribers
from kernel.clock import SystemClock
from kernel.database import Database
from kernel.ids import RandomIds
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from launch.rehearsal import PATIENCE_S, Stack
from tests.unit.ussd.phone import Handset

_people = count(1)

PIN = "1234"
ENDED = "state IN ('collected', 'refused', 'expired', 'review')"


def citizen(ends: str) -> str:
    """A Jordanian number nobody has used; its last two digits choose the operator's behaviour."""
    return f"+96279{next(_people):05d}{ends}"


@dataclass
class Town:
    """A running installation, seen from all sides."""

    stack: Stack
    line: httpx.AsyncClient

    def phone(self, msisdn: str) -> Handset:
        """A citizen's phone."""
        return Handset(self.line, msisdn)

    async def bill(self, agency: str = "JO-CSPD", service: str = "PASSPORT", **asked: Any) -> Bill:
        """A fresh bill."""
        database = await Database.connect(self.stack.servers.urls.database_url, size=1)
        try:
            async with database.transaction() as connection:
                issued = await bills.issue(
                    connection,
                    RandomIds(),
                    agency=agency,
                    service=service,
                    at=SystemClock().now(),
                    **asked,
                )
        finally:
            await database.close()
        assert isinstance(issued, Bill), issued
        return issued

    async def subscriber(self, msisdn: str) -> bytes:
        """Who has this number, as bills and payments know them."""
        keys = Keys(self.stack.environ["MIZAN_SECRET_KEY"])
        database = await Database.connect(self.stack.servers.urls.database_url, size=1)
        try:
            async with database.transaction() as connection:
                return await subscribers.remember(connection, keys, Msisdn(msisdn))
        finally:
            await database.close()

    async def says_yes(self, msisdn: str, bill: Bill) -> None:
        """Dial the bill and press 1: the payment is started when this returns."""
        phone = self.phone(msisdn).dials(f"*789*{bill.control_number}#").sends("1")
        await phone.hangs_up()

    async def payment_ended(self, bill: Bill, patience_s: float = PATIENCE_S) -> str:
        """Wait for the end of the bill's newest payment; returns its state."""
        state = await self.stack.until(
            "SELECT state FROM (SELECT state FROM payments.payment WHERE control_number = $1"
            f" ORDER BY created_at DESC LIMIT 1) newest WHERE {ENDED}",
            bill.control_number,
            patience_s=patience_s,
        )
        return str(state)

    async def message(self, msisdn: str, purpose: str) -> str:
        """Wait for the SMS a citizen gets; returns its text once the handset has it."""
        payer = Keys(self.stack.environ["MIZAN_SECRET_KEY"]).pseudonym(Msisdn(msisdn))
        text = await self.stack.until(
            "SELECT body FROM sms.message WHERE recipient = $1 AND purpose = $2"
            " AND state = 'delivered' ORDER BY id DESC LIMIT 1",
            payer,
            purpose,
        )
        return str(text)

    async def approve(self, msisdn: str, *, pin: str = PIN, agree: bool = True) -> None:
        """Answer the wallet's prompt on the citizen's phone, as its owner does."""
        async with httpx.AsyncClient(base_url=self.stack.operator, verify=False) as operator:
            handset = (
                await operator.post("/sandbox/phone/handsets", json={"msisdn": msisdn})
            ).json()["handset"]
            deadline = time.monotonic() + PATIENCE_S
            while True:
                state = (await operator.get(f"/sandbox/phone/{handset}/state")).json()
                if state["prompts"]:
                    break
                assert time.monotonic() < deadline, f"no prompt came\n{self.stack.tail()}"
                await asyncio.sleep(0.02)
            answer = "approve" if agree else "decline"
            path = f"/sandbox/phone/prompts/{state['prompts'][0]['id']}/{answer}"
            reply = await operator.post(path, json={"pin": pin, "handset": handset})
            assert reply.status_code < 400, reply.text

    async def book(self, msisdn: str) -> list[dict[str, Any]]:
        """The operator's own record of a citizen's requests."""
        async with httpx.AsyncClient(base_url=self.stack.operator, verify=False) as operator:
            answer = await operator.post("/sandbox/book", json={"payer": msisdn})
        requests: list[dict[str, Any]] = answer.json()["requests"]
        return requests

    async def debits(self, msisdn: str) -> int:
        """How often the operator really took money from a citizen."""
        return sum(
            movement["kind"] == "collection"
            for request in await self.book(msisdn)
            for movement in request["movements"]
        )

    async def booked(self, bill: Bill, account: str = "Assets:Clearing") -> int:
        """Minor units our ledger has on accounts that begin so, for a bill's payments."""
        total = await self.stack.value(
            "SELECT COALESCE(sum(signed), 0)::bigint FROM ledger.entry"
            " JOIN ledger.account ON account.id = entry.account"
            " JOIN ledger.transaction ON transaction.seq = entry.seq"
            " JOIN payments.payment ON payment.id = transaction.reference"
            " WHERE control_number = $1 AND path LIKE $2 || '%'",
            bill.control_number,
            account,
        )
        assert isinstance(total, int)
        return total

    async def balances(self) -> bool:
        """Whether every currency of the ledger sums to nothing."""
        return not await self.stack.value(
            "SELECT count(*) FROM (SELECT currency FROM ledger.entry"
            " JOIN ledger.account ON account.id = entry.account"
            " GROUP BY currency HAVING sum(signed) <> 0) unbalanced"
        )


def code_in(text: str) -> str:
    """The verification code of a receipt SMS."""
    found = re.search(r"\b(\d{5}) (\d{5}) (\d{5})\b", text)
    assert found, text
    return "".join(found.groups())
