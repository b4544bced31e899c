"""A day of payments in every state, written by the packages that own the tables."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from fees import bills, catalogue
from fees.bills import Bill
from kernel.clock import ManualClock
from kernel.config import PaymentsConfig, WalletConfig
from kernel.database import Database
from kernel.http import HttpClient
from kernel.ids import RandomIds
from kernel.money import Money
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from payments import advance
from payments.desk import Desk
from payments.start import Started, StartRequest, start
from payments.states import Event
from payments.steps import Step, heard, take
from wallets import directory, inbox
from wallets.inbox import Callback
from wallets.port import Evidence, Outcome, Reason, Verdict

CITIZEN = Msisdn("+962790000001")
OTHER_CITIZEN = Msisdn("+97336000000")
CALLBACK_TOKEN = "abcdefghijklmnopqrstuvwxyz234567"

WALLET = WalletConfig(
    code="sandbox",
    adapter="gsma",
    base_url="http://127.0.0.1:1",
    names={"ar": "محفظة التجربة", "en": "Sandbox Wallet", "fr": "Portefeuille d'essai"},
    currencies=("JOD", "BHD", "LBP"),
    countries=("JO", "BH", "LB"),
)


_INSERT_MESSAGE = """
INSERT INTO sms.message (id, purpose, payment_id, recipient, language, template, "values", body,
    alphabet, segments, state, failure, carrier, created_at, state_at)
SELECT $1, 'receipt', id, payer, language, 'receipt', '{}', $3, 'ucs2', 2, $4, $5, 'sandbox', $6, $6
FROM payments.payment WHERE id = $2
"""


@dataclass
class Story:
    """Makes payments and lets operators answer, at the clock's time."""

    database: Database
    keys: Keys
    clock: ManualClock
    ids: RandomIds = field(default_factory=RandomIds)

    def __post_init__(self) -> None:
        self.http = HttpClient()
        self.desk = Desk(
            database=self.database,
            keys=self.keys,
            clock=self.clock,
            ids=self.ids,
            config=PaymentsConfig(),
            wallets={"sandbox": directory.build(WALLET, self.http, self.clock)},
            wallet_configs={"sandbox": WALLET},
            public_url="http://127.0.0.1:8000",
        )

    async def open(self) -> None:
        """Load the demo catalogue."""
        async with self.database.transaction() as connection:
            await catalogue.load_demo(connection)

    async def begun(
        self,
        *,
        agency: str = "JO-CSPD",
        service: str = "PASSPORT",
        payer: Msisdn = CITIZEN,
        amount: Money | None = None,
        band: str | None = None,
        quantity: int = 1,
        language: str = "ar",
    ) -> UUID:
        """A payment that a citizen has just agreed to."""
        now = self.clock.now()
        async with self.database.transaction() as connection:
            bill = await bills.issue(
                connection,
                self.ids,
                agency=agency,
                service=service,
                at=now,
                quantity=quantity,
                amount=amount,
                band=band,
            )
        assert isinstance(bill, Bill), bill
        return await self._start(bill, payer, language)

    async def again(self, control_number: str) -> UUID:
        """Another payment of a bill that was issued before."""
        async with self.database.read() as connection:
            bill = await bills.find(connection, control_number)
        assert bill is not None
        return await self._start(bill, CITIZEN, "ar")

    async def _start(self, bill: Bill, payer: Msisdn, language: str) -> UUID:
        request = StartRequest(
            id=self.ids.new(),
            payer=payer,
            wallet="sandbox",
            channel="sandbox",
            language=language,
            by_payer=True,
            agreed_total=bill.charge(self.clock.now().date()).total,
            control_number=bill.control_number,
        )
        answer = await start(self.desk, request)
        assert isinstance(answer, Started), answer
        return answer.payment_id

    async def sent(self, payment: UUID) -> None:
        """The request left for the operator."""
        await take(self.desk, Step(payment, lambda moving: moving.move(Event.SENDING)))

    async def answered(self, payment: UUID, verdict: Verdict) -> None:
        """The operator said something, and the payment moved as far as that proves."""
        said = heard(self.desk, verdict)
        await take(
            self.desk,
            Step(payment, lambda moving: advance.apply(self.desk, moving, verdict), heard=said),
        )

    def said(
        self,
        outcome: Outcome,
        *,
        kind: str = "collect",
        status: int | None = 202,
        body: bytes | None = None,
        final: bool = True,
        reason: Reason | None = None,
        mismatch: str = "",
        number: str = CITIZEN.e164,
    ) -> Verdict:
        """A verdict with its evidence; the body names the payer's number, as operators do."""
        text = {
            "transactionStatus": "completed"
            if outcome is Outcome.ACCEPTED and final
            else "pending",
            "transactionReference": "TX-7781",
            "debitParty": [{"key": "msisdn", "value": number}],
            "creditParty": [{"key": "accountid", "value": "mizan"}],
        }
        evidence = Evidence(
            kind="query" if kind == "query" else "collect",
            at=self.clock.now(),
            method="GET" if kind == "query" else "POST",
            url_path="/transactions/type/merchantpay"
            if kind == "collect"
            else "/requeststates/41f3",
            status=status,
            headers={"content-type": "application/json", "x-api-key": "canary-credential"},
            body=json.dumps(text).encode() if body is None else body,
        )
        return Verdict(
            outcome=outcome,
            final=final,
            reason=reason,
            code="completed" if final else "pending",
            correlation="41f3",
            reference="TX-7781" if outcome is Outcome.ACCEPTED and final else None,
            occurred_at=self.clock.now() if final else None,
            mismatch=mismatch,
            evidence=(evidence,),
        )

    async def collected(self, **what: object) -> UUID:
        """A payment that went well, with a callback on the way."""
        payment = await self.begun(**what)  # type: ignore[arg-type]  # the keywords of begun
        number = str(what.get("payer", CITIZEN).e164)  # type: ignore[attr-defined]  # an Msisdn
        self.clock.forward(timedelta(seconds=1))
        await self.sent(payment)
        await self.answered(payment, self.said(Outcome.ACCEPTED, final=False, number=number))
        self.clock.forward(timedelta(seconds=9))
        await self.called_back(payment, b'{"status":"completed"}')
        await self.answered(
            payment, self.said(Outcome.ACCEPTED, kind="query", status=200, number=number)
        )
        return payment

    async def called_back(self, payment: UUID, body: bytes) -> None:
        """A callback came in and is kept; it moves nothing by itself."""
        async with self.database.transaction() as connection:
            digest = await connection.fetchval(
                "SELECT callback_digest FROM wallets.collection JOIN payments.payment"
                " ON payment.collection_id = collection.id WHERE payment.id = $1",
                payment,
            )
            callback = Evidence(
                kind="callback",
                at=self.clock.now(),
                method="PUT",
                url_path=f"/callbacks/{CALLBACK_TOKEN}",
                headers={"content-type": "application/json"},
                body=body,
            )
            one = Callback(self.ids.new(), digest, callback, len(body))
            await inbox.store(connection, [one])
            # The story tells itself what came of it.
            await connection.execute("DELETE FROM kernel.work WHERE kind = 'wallets.callback'")

    async def refused(self, **what: object) -> UUID:
        """A payment the operator refused."""
        payment = await self.begun(**what)  # type: ignore[arg-type]  # the keywords of begun
        await self.sent(payment)
        self.clock.forward(timedelta(seconds=4))
        verdict = self.said(Outcome.REFUSED, reason=Reason.insufficient_funds, status=400)
        await self.answered(payment, verdict)
        return payment

    async def unknown(self, **what: object) -> UUID:
        """A payment nobody answered for."""
        payment = await self.begun(**what)  # type: ignore[arg-type]  # the keywords of begun
        await self.sent(payment)
        await self.answered(
            payment, self.said(Outcome.UNKNOWN, final=False, status=500, body=b"<html>\xff\x00oops")
        )
        return payment

    async def late(self) -> UUID:
        """Money that came after its payment had been refused."""
        payment = await self.refused(service="PASSPORT-DAMAGED")
        self.clock.forward(timedelta(minutes=3))
        await self.answered(payment, self.said(Outcome.ACCEPTED, kind="query", status=200))
        return payment

    async def messaged(
        self, payment: UUID, *, state: str, body: str, failure: str | None = None
    ) -> None:
        """A receipt message about a payment."""
        async with self.database.transaction() as connection:
            await connection.execute(
                _INSERT_MESSAGE,
                self.ids.new(),
                payment,
                body,
                state,
                failure,
                self.clock.now(),
            )
