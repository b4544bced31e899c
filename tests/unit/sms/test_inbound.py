"""What people text and what they get back, through the doors and the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from twilio.request_validator import (  # type: ignore[import-untyped]  # ships no types
    RequestValidator,
)

from fees import bills, catalogue
from kernel import subscribers, work
from kernel.clock import ManualClock
from kernel.config import LimitsConfig, PaymentsConfig
from kernel.database import Database
from kernel.digits import with_check_digits
from kernel.http import HttpClient
from kernel.ids import RandomIds
from kernel.limits import Limits
from kernel.msisdn import Msisdn
from kernel.privacy import Keys
from kernel.valkey import Valkey
from payments.desk import Desk
from payments.offer import Refused
from payments.receipt import ReceiptCheck
from payments.refusals import Refusal
from sms import answers, inbound, outbox
from sms.carriers.twilio import Twilio
from sms.channels import Channel
from sms.compose import TEXTS
from sms.desk import DeskView, SmsDesk
from sms.outbox import Message
from sms.port import Delivery
from sms.routes import MAX_BODY_BYTES, routes
from tests.unit.sms.correspondence import AT, LBP, PAYER, PAYMENT, FixedPayments, config, payment
from tests.unit.sms.correspondence import desk as make_desk

CODE = "123456789012345"
BILL = "123456789012"
OWNER, STRANGER = Msisdn("+962790000001"), Msisdn("+962790000007")
GATEWAY = "https://gw.example.gov.jo"


class Line:
    """A gateway with its doors open, and somebody who texts it."""

    def __init__(self, desk: SmsDesk) -> None:
        self.desk = desk
        self.woken = 0
        self.app = Starlette(routes=routes(desk, self.wake))
        self._texts = 0

    def wake(self) -> None:
        self.woken += 1

    @property
    def payments(self) -> FixedPayments:
        assert isinstance(self.desk.payments, FixedPayments)
        return self.desk.payments

    @asynccontextmanager
    async def client(self, host: str = "127.0.0.1") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, client=(host, 5000))
        async with httpx.AsyncClient(transport=transport, base_url=GATEWAY) as client:
            yield client

    async def post(
        self, path: str, body: bytes, *, host: str = "127.0.0.1", **headers: str
    ) -> httpx.Response:
        async with self.client(host) as client:
            return await client.post(path, content=body, headers=headers)

    async def texts(self, text: str, *, sender: str = PAYER.e164, id: str = "") -> httpx.Response:
        self._texts += 1
        fields = {"id": id or f"i{self._texts}", "from": sender, "to": "MIZAN", "text": text}
        return await self.post("/sms/sandbox/inbound", urlencode(fields).encode())

    async def answered(self) -> list[str]:
        """Let the worker answer what is due; all answers so far, oldest first."""
        for item in await work.claim(self.desk.database):
            handle = answers.answer if item.kind == inbound.ANSWER else outbox.send
            await handle(self.desk, item)
        async with self.desk.database.read() as connection:
            rows = await connection.fetch("SELECT body FROM sms.message ORDER BY created_at, id")
        return [row["body"] for row in rows]

    async def kept(self) -> int:
        async with self.desk.database.read() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM sms.inbound")
        return count


@pytest.fixture
def line(database: Database, keys: Keys, clock: ManualClock) -> Line:
    return Line(make_desk(database, keys, clock))


async def test_a_genuine_receipt_is_confirmed_in_the_language_of_the_question(line: Line) -> None:
    line.payments.receipts[CODE] = ReceiptCheck(
        "12345678901", LBP, {"ar": "الأمن العام", "en": "General Security"},
        {"ar": "غرامة", "en": "Penalty"}, AT, "Asia/Beirut", BILL,
    )  # fmt: skip

    await line.texts("تحقق ١٢٣٤٥ ٦٧٨٩٠ ١٢٣٤٥")
    assert (await line.answered())[-1] == (
        "الإيصال 12345678901 صحيح: دُفع 180,000,000 ليرة إلى الأمن العام: غرامة، بتاريخ 22/11/2026"
    )

    await line.texts(f"verify {CODE}")
    assert (await line.answered())[-1] == (
        "Genuine receipt 12345678901: 180,000,000 LBP paid to General Security, Penalty, 22/11/2026"
    )


async def test_a_code_that_is_not_genuine_says_how_to_look_again(line: Line) -> None:
    await line.texts("VERIFY 99999 99999 99999")

    assert await line.answered() == [
        "No receipt has this code. Check its 15 digits, then text VERIFY and the code again"
    ]


@pytest.mark.parametrize(
    ("refused", "answer"),
    [
        (Refused(Refusal.BILL_NOT_FOUND), "No bill has this number. Check it with the agency"),
        (
            Refused(Refusal.BILL_ALREADY_PAID),
            f"Bill {BILL} is paid. There is nothing to pay",
        ),
        (
            Refused(Refusal.PAYMENT_IN_FLIGHT, at=AT, payment=PAYMENT),
            f"Bill {BILL} is being paid now. Wait for the receipt and do not pay again",
        ),
        (
            Refused(Refusal.CONTROL_NUMBER_MISTYPED),
            "This bill number was mistyped. "
            "Check its 12 digits, then text PAY and the number again",
        ),
        (Refused(Refusal.BOOKS_UNBALANCED), f"Bill {BILL} cannot be paid now. Try again later"),
    ],
)
async def test_a_bill_that_cannot_be_paid_says_why(
    line: Line, refused: Refused, answer: str
) -> None:
    line.payments.offers[BILL] = refused

    await line.texts(f"PAY {BILL}")

    assert await line.answered() == [answer]


async def test_every_reason_has_an_answer() -> None:
    assert set(answers.REFUSED) <= set(Refusal)
    for template in answers.REFUSED.values():
        assert template in TEXTS.keys("ar")


async def test_stop_and_start_are_obeyed_and_confirmed(line: Line, keys: Keys) -> None:
    async def stopped() -> bool:
        async with line.desk.database.read() as connection:
            person = await subscribers.find(connection, keys, keys.pseudonym(PAYER))
        return person is not None and person.sms_stopped

    await line.texts("إيقاف")
    assert "ابدأ" in (await line.answered())[-1]
    assert await stopped()

    await line.texts("START")
    assert "STOP" in (await line.answered())[-1]
    assert not await stopped()


async def test_arabic_words_get_arabic_and_others_the_language_somebody_chose(
    line: Line, keys: Keys
) -> None:
    async with line.desk.database.transaction() as connection:
        await subscribers.set_language(connection, keys, PAYER, "fr")

    await line.texts("VERIFY 1")

    assert (await line.answered())[-1].startswith("Aucune quittance")

    await line.texts("تحقق 1")

    assert (await line.answered())[-1].startswith("لا يوجد إيصال")


async def test_anything_else_gets_help_once_in_an_hour(line: Line, clock: ManualClock) -> None:
    for text in ("hello", "thanks", "who is this?"):
        await line.texts(text)
        await line.answered()
    assert len(await line.answered()) == 1

    clock.forward(timedelta(hours=1, seconds=1))
    await line.texts("hello")
    assert len(await line.answered()) == 2
    assert await line.kept() == 4


async def test_two_machines_cannot_talk_for_ever(line: Line) -> None:
    for _ in range(25):
        await line.texts("VERIFY 1")
        await line.answered()

    assert len(await line.answered()) == line.desk.answers_limit
    assert await line.kept() == 25


async def test_the_limit_of_one_person_is_not_that_of_another(line: Line) -> None:
    for _ in range(line.desk.answers_limit + 1):
        await line.texts("VERIFY 1")
        await line.answered()

    await line.texts("VERIFY 1", sender="+962790000000")

    assert len(await line.answered()) == line.desk.answers_limit + 1


async def test_a_message_delivered_twice_is_kept_and_answered_once(line: Line) -> None:
    for _ in range(2):
        assert (await line.texts("HELP", id="same")).status_code == 200
        await line.answered()

    assert (await line.kept(), len(await line.answered()), line.woken) == (1, 1, 1)


async def test_an_answer_done_twice_is_one_message(line: Line) -> None:
    await line.texts("VERIFY 1")
    [item] = await work.claim(line.desk.database)
    async with line.desk.database.transaction() as connection:
        await work.enqueue(connection, item.kind, item.key)
    await answers.answer(line.desk, item)

    assert len(await line.answered()) == 1


async def test_a_sender_that_is_no_subscriber_is_kept_and_not_answered(line: Line) -> None:
    assert (await line.texts("HELP", sender="ZAIN")).status_code == 200

    assert (await line.kept(), await line.answered()) == (1, [])


async def test_what_was_written_is_kept_sealed_and_can_be_read_again(
    line: Line, keys: Keys
) -> None:
    await line.texts("HELP me")

    async with line.desk.database.read() as connection:
        row = await connection.fetchrow("SELECT id, sealed FROM sms.inbound")
        dump = await connection.fetchval("SELECT to_jsonb(inbound)::text FROM sms.inbound")
    assert row is not None
    raw = inbound.unseal(keys, row["id"], row["sealed"])
    assert inbound.read_form(raw)["from"] == PAYER.e164
    assert b"HELP" not in row["sealed"]
    assert PAYER.e164[1:] not in dump


async def test_an_answer_leaves_through_the_ordinary_queue(line: Line) -> None:
    await line.texts("HELP")
    await line.answered()
    await line.answered()

    async with line.desk.database.read() as connection:
        state = await connection.fetchval("SELECT state FROM sms.message")
    assert state == Delivery.SENT


TWILIO = config(
    name="twilio", carrier="twilio", secret="s3cret", account_sid="AC1", auth_token="12345"
)


@pytest.fixture
async def twilio_line(line: Line) -> AsyncIterator[Line]:
    http = HttpClient()
    channels = {**line.desk.channels, "twilio": Channel(TWILIO, Twilio(TWILIO, http))}
    yield Line(replace(line.desk, channels=channels))
    await http.close()


def signed(url: str, fields: dict[str, str]) -> dict[str, str]:
    signature: str = RequestValidator("12345").compute_signature(url, fields)
    return {"x-twilio-signature": signature}


async def test_twilio_is_believed_with_its_signature_over_the_public_address(
    twilio_line: Line,
) -> None:
    path = "/sms/twilio/s3cret/inbound"
    fields = {"MessageSid": "SM1", "From": PAYER.e164, "Body": "مساعدة", "NumMedia": "0"}
    body = urlencode(fields).encode()

    accepted = await twilio_line.post(
        path, body, host="203.0.113.9", **signed(GATEWAY + path, fields)
    )

    assert accepted.status_code == 200
    assert accepted.headers["content-type"].startswith("text/xml")
    assert accepted.content == b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert len(await twilio_line.answered()) == 1


@pytest.mark.parametrize("headers", [{}, {"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}])
async def test_a_missing_or_wrong_signature_is_turned_away_before_anything_is_kept(
    twilio_line: Line, headers: dict[str, str]
) -> None:
    body = urlencode({"MessageSid": "SM1", "From": PAYER.e164, "Body": "HELP"}).encode()

    refused = await twilio_line.post("/sms/twilio/s3cret/inbound", body, **headers)

    assert (refused.status_code, await twilio_line.kept()) == (403, 0)


async def test_a_twilio_report_finds_its_message_by_the_address_it_was_given(
    twilio_line: Line, keys: Keys
) -> None:
    twilio_line = Line(replace(twilio_line.desk, default_channel="twilio"))
    message = await written(twilio_line, keys)
    path = f"/sms/twilio/s3cret/status?message={message.id}"
    fields = {"MessageSid": "SM9", "MessageStatus": "delivered"}

    answer = await twilio_line.post(
        path, urlencode(fields).encode(), **signed(GATEWAY + path, fields)
    )

    assert answer.status_code == 204
    [message] = await messages(twilio_line)
    assert (message.state, message.carrier_reference) == (Delivery.DELIVERED, "SM9")


async def test_a_report_about_no_message_of_ours_is_not_found(line: Line) -> None:
    answer = await line.post("/sms/sandbox/status", f"id={UUID(int=9)}&status=sent".encode())

    assert answer.status_code == 404


async def test_a_report_with_a_word_nobody_knows_changes_nothing(line: Line, keys: Keys) -> None:
    message = await written(line, keys)

    answer = await line.post("/sms/sandbox/status", f"id={message.id}&status=eaten".encode())

    assert answer.status_code == 204
    assert (await messages(line))[0].state is Delivery.QUEUED


DOORS = [
    ("/sms/sandbox/inbound", "127.0.0.1", 200),
    ("/sms/sandbox/inbound", "::1", 200),
    ("/sms/sandbox/inbound", "203.0.113.9", 404),
    ("/sms/sandbox/guess/inbound", "127.0.0.1", 404),
    ("/sms/nobody/inbound", "127.0.0.1", 404),
    ("/sms/nobody/guess/inbound", "127.0.0.1", 404),
    ("/sms/locked/s3cret/inbound", "203.0.113.9", 200),
    ("/sms/locked/S3cret/inbound", "203.0.113.9", 404),
    ("/sms/locked/ü/inbound", "203.0.113.9", 404),
    ("/sms/locked/inbound", "127.0.0.1", 404),
]


async def test_a_door_opens_to_its_secret_and_without_one_to_loopback_only(line: Line) -> None:
    locked = Channel(config(name="locked", secret="s3cret"), line.desk.channels["sandbox"].carrier)
    guarded = Line(replace(line.desk, channels={**line.desk.channels, "locked": locked}))
    for at, (path, host, status) in enumerate(DOORS):
        body = urlencode({"id": f"i{at}", "from": PAYER.e164, "text": "HELP"}).encode()
        before = await guarded.kept()

        assert (await guarded.post(path, body, host=host)).status_code == status, (path, host)
        assert await guarded.kept() - before == (status == 200)


async def test_a_proxy_on_this_machine_is_not_this_machine(line: Line) -> None:
    body = urlencode({"id": "i1", "from": PAYER.e164, "text": "HELP"}).encode()
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        answer = await line.post("/sms/sandbox/inbound", body, **{header: "127.0.0.1"})
        assert answer.status_code == 404
    assert await line.kept() == 0


MALFORMED = [
    (b"", 400),
    (b"id=i1&from=%2B96171888000", 400),
    (b"id=i1&id=i2&from=%2B96171888000&text=x", 400),
    (b"id=i1&from=%2B96171888000&text=%FF%FE", 400),
    (b"id=i1&from=%2B96171888000&text=a%00b", 400),
    ("id=i1&from=%2B96171888000&text=مرحبا".encode(), 400),
    (b"<html>", 400),
    (b"id=i3&from=%2B96171888000&text=x" + b"&f=1" * 200, 400),
    (b"id=i1&from=%2B96171888000&text=" + b"x" * MAX_BODY_BYTES, 413),
    (b"id=i2&from=%2B96171888000&text=", 200),
    (b"id=i1&from=%2B96171888000&text=" + b"%F0%9F%99%82" * 500, 200),
]


async def test_malformed_messages_are_told_so_and_nothing_is_kept(line: Line) -> None:
    for body, status in MALFORMED:
        before = await line.kept()

        answer = await line.post("/sms/sandbox/inbound", body)

        assert answer.status_code == status, body[:80]
        assert await line.kept() - before == (status == 200)


async def written(line: Line, keys: Keys) -> Message:
    async with line.desk.database.transaction() as connection:
        payer = await subscribers.remember(connection, keys, PAYER)
        line.payments.payments[PAYMENT] = payment(payer=payer)
        await work.enqueue(connection, "sms.tell", f"{PAYMENT}:receipt")
    [item] = await work.claim(line.desk.database)
    await outbox.tell(line.desk, item)
    return (await messages(line))[0]


async def messages(line: Line) -> list[Message]:
    async with line.desk.database.read() as connection:
        return await outbox.messages_of(connection, PAYMENT)


async def test_a_carrier_reports_on_its_own_messages_only(line: Line, keys: Keys) -> None:
    message = await written(line, keys)
    locked = Channel(config(name="locked", secret="s3cret"), line.desk.channels["sandbox"].carrier)
    guarded = Line(replace(line.desk, channels={**line.desk.channels, "locked": locked}))
    body = urlencode({"id": str(message.id), "status": "delivered"}).encode()

    assert (await guarded.post("/sms/locked/s3cret/status", body)).status_code == 404
    assert (await messages(line))[0].state is Delivery.QUEUED
    assert (await guarded.post("/sms/sandbox/status", body)).status_code == 204
    assert (await messages(line))[0].state is Delivery.DELIVERED


@pytest.fixture
def view(line: Line, keys: Keys, ids: RandomIds, valkey: Valkey) -> DeskView:
    """The payments desk itself; two wrong numbers of each kind an hour."""
    desk = Desk(
        database=line.desk.database, keys=keys, clock=line.desk.clock, ids=ids,
        config=PaymentsConfig(), wallets={}, wallet_configs={}, public_url=GATEWAY,
    )  # fmt: skip
    few = LimitsConfig(bill_misses_an_hour=2, receipt_misses_an_hour=2)
    return DeskView(desk, Limits(valkey, keys, line.desk.clock), few)


async def test_a_bill_of_the_books_is_priced_and_nothing_is_debited(
    line: Line, view: DeskView, clock: ManualClock, ids: RandomIds
) -> None:
    async with line.desk.database.transaction() as connection:
        await catalogue.load_demo(connection)
        bill = await bills.issue(
            connection, ids, agency="JO-CSPD", service="PASSPORT", at=clock.now()
        )
    assert isinstance(bill, bills.Bill)
    asked = Line(replace(line.desk, payments=view))

    await asked.texts(f"PAY {bill.control_number}", sender=OWNER.e164)
    await asked.texts(f"PAY {bill.control_number}", sender=PAYER.e164)

    total = bill.charge(clock.now().date()).total
    assert set(await asked.answered()) == {
        f"Civil Status and Passports Department, {bill.service.names['en']}: {total}. To pay, dial "
        f"*789*{bill.control_number}# and approve on your phone. Nothing was charged",
        "No bill has this number. Check it with the agency",  # in Lebanon, which has its own
    }
    async with line.desk.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payments.payment") == 0
        assert await view.payment(connection, PAYMENT) is None
    assert await view.receipt(CODE, PAYER) is None


async def test_of_a_bill_of_somebody_else_a_text_tells_agency_and_amount_only(
    line: Line, view: DeskView, keys: Keys, ids: RandomIds, clock: ManualClock
) -> None:
    async with line.desk.database.transaction() as connection:
        await catalogue.load_demo(connection)
        owner = await subscribers.remember(connection, keys, OWNER)
        issued = [
            await bills.issue(
                connection, ids, agency="JO-CSPD", service="PASSPORT", at=clock.now(), payer=owner
            )
            for _ in range(3)
        ]
        open_, withdrawn, paid = (bill for bill in issued if isinstance(bill, bills.Bill))
        await bills.cancel(connection, withdrawn.control_number, at=clock.now(), because="error")
        await bills.mark_many_paid(connection, [(paid.control_number, PAYMENT, AT)])
    asked = Line(replace(line.desk, payments=view))
    for sender in (STRANGER, OWNER):
        for bill in (open_, withdrawn, paid):
            await asked.texts(f"PAY {bill.control_number}", sender=sender.e164)

    answers = sorted(await asked.answered())

    total = open_.charge(clock.now().date()).total
    how = (
        f"{total}. To pay, dial *789*{open_.control_number}# and approve on your phone. Nothing was"
        " charged"
    )
    assert answers == sorted(
        [
            f"Civil Status and Passports Department: {how}",
            "No bill has this number. Check it with the agency",
            f"Bill {paid.control_number} is paid. There is nothing to pay",
            f"Civil Status and Passports Department, {open_.service.names['en']}: {how}",
            f"Bill {withdrawn.control_number} was withdrawn by its agency. There is nothing to pay",
            f"Bill {paid.control_number} was paid on 22/11/2026. There is nothing to pay",
        ]
    )


async def test_numbers_that_are_not_there_are_guessed_a_few_times_only(
    line: Line, view: DeskView
) -> None:
    asked = Line(replace(line.desk, payments=view))
    for at in range(3):
        await asked.texts(f"PAY {with_check_digits(str(5_000_000_000 + at))}")
        await asked.texts(f"VERIFY {123_450_000_000_000 + at}")
    answers = await asked.answered()
    assert answers.count("No bill has this number. Check it with the agency") == 2
    assert sum(text.startswith("No receipt has this code") for text in answers) == 2
    assert answers.count("Too many numbers that do not exist. Try again in an hour") == 2
