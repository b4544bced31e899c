"""Bad input at every public door: a clear answer, no 5xx, nothing changed, money's trail kept."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from urllib.parse import urlencode

import httpx
import pytest

from launch.rehearsal import ROOT
from tests.faults import oracle
from tests.faults.wreck import ACTORS, Wreck
from tests.journeys.town import citizen

TEN_MB = 10 * 1024 * 1024
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
ODD = ("x", "%00", "%ff%fe", "..%2f..%2fetc", "%d9%a1%d9%a2", "a" * 3000, "1e400", "%2e%2e", "'--")
QUERY = "?lang=%ff&page=-1&limit=1e9&code=%00&from=x&control_number=%d9%a1&&="
BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "application/octet-stream"),
    "HTML": (b"<html><body>\xff OK", "text/html"),
    "not UTF-8": (b"\xff\xfe\x00=\x80&text=%ff", "application/x-www-form-urlencoded"),
    "half a form": (b"sessionId&&=&%", "application/x-www-form-urlencoded"),
    "many fields": (b"a=b&" * 5000, "application/x-www-form-urlencoded"),
    "NaN": (b'{"amount": NaN, "id": 1e999}', "application/json"),
    "deep JSON": (b"[" * 50_000, "application/json"),
    "surrogate": (b'{"text": "\\ud800"}', "application/json"),
    "no boundary": (b"--x\r\n\r\n", "multipart/form-data"),
}

# What a client may cause only by paying, issuing, writing to us or signing in.
ROWS = (
    "payments.payment", "payments.transition", "payments.receipt", "payments.late_money",
    "wallets.collection", "wallets.evidence", "fees.bill", "ledger.transaction",
    "kernel.subscriber", "sms.message", "sms.inbound", "console.staff", "console.session",
)  # fmt: skip


async def everything(wreck: Wreck) -> object:
    """How much of everything there is."""
    counts = ", ".join(f"(SELECT count(*) FROM {table})" for table in ROWS)
    return await wreck.stack.value(f"SELECT ROW({counts})")


@pytest.fixture
async def quiet(wreck: Wreck) -> Wreck:
    """The installation at rest, so that any change is the test's."""
    await oracle.settle(wreck)
    return wreck


def routes_of(wreck: Wreck) -> list[str]:
    """Every path the web process serves, read from the application itself."""
    walk = (
        "import json, app\n"
        "def walk(routes, stem=''):\n"
        "    for route in routes:\n"
        "        inner = getattr(route, 'routes', None)\n"
        "        yield from walk(inner, stem + route.path) if inner else [stem + route.path]\n"
        "print(json.dumps(sorted(set(walk(app.create_app().routes)))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", walk],
        cwd=ROOT,
        env=wreck.stack.environ,
        capture_output=True,
        check=True,
        text=True,
    )
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def filled(path: str) -> Iterator[str]:
    """A route's path with every odd value in the place of its parameters."""
    head, brace, rest = path.partition("{")
    if not brace:
        yield path
        return
    tail = rest.partition("}")[2].replace("{secret}", "x").replace("{code}", "x")
    for odd in ODD:
        yield f"{head}{odd}{tail}"


async def test_no_method_path_or_body_makes_a_5xx_or_changes_anything(quiet: Wreck) -> None:
    before = await everything(quiet)
    routes = routes_of(quiet)
    paths = [place for path in routes for place in filled(path)]
    plain = [next(filled(path)) for path in routes]
    assert {"/readyz", "/ussd/x", "/callbacks/x", "/console/payments/x", "/verify/x"} <= set(plain)
    tries: list[tuple[str, str, str]] = [
        *((method, path, "nothing") for method, path in product(METHODS, plain)),
        *(("POST", path, name) for path, name in product(plain, BODIES)),
        *(("POST", path, "not UTF-8") for path in paths),
        *(("GET", path + query, "nothing") for path, query in product(paths, ("", QUERY))),
    ]
    at_once = asyncio.Semaphore(16)
    bad: list[tuple[str, str, str, object]] = []

    async def one(method: str, path: str, name: str) -> None:
        body, kind = BODIES[name]
        async with at_once:
            answer = await quiet.town.line.request(
                method, path, content=body, headers={"content-type": kind}
            )
            if answer.status_code >= 500:
                bad.append((method, path[:80], name, answer.status_code))

    await asyncio.gather(*(one(*each) for each in tries))
    assert not bad, bad
    assert await everything(quiet) == before


FORM = {"sessionId": "bad-input", "networkCode": "99999", "serviceCode": "*789#", "text": ""}

HOPS: dict[str, bytes] = {
    "empty": b"",
    "not a form": b'{"sessionId": "s"}',
    "no phone number": urlencode(FORM).encode(),
    "no text": urlencode({"sessionId": "s", "phoneNumber": "+962790000000"}).encode(),
    "a phone number twice": urlencode(
        [*FORM.items(), ("phoneNumber", "+962790000000"), ("phoneNumber", "+962790000001")]
    ).encode(),
    "text twice": urlencode(
        [*FORM.items(), ("phoneNumber", "+962790000000"), ("text", "1")]
    ).encode(),
    "a plus that was not encoded": b"sessionId=s&phoneNumber=+962790000000&text=",
    "letters for a number": urlencode({**FORM, "phoneNumber": "+96279abcdefg"}).encode(),
    "a short number": urlencode({**FORM, "phoneNumber": "+9627"}).encode(),
    "invalid UTF-8": b"sessionId=%ff&phoneNumber=%2B962790000000&text=%c3%28",
    "raw bytes": b"sessionId=\xff\xfe&phoneNumber=\x80&text=\x00",
    "no session": urlencode({**FORM, "sessionId": "", "phoneNumber": "+962790000000"}).encode(),
    "a session of 10 kB": urlencode(
        {**FORM, "sessionId": "s" * 10_000, "phoneNumber": "+962790000000"}
    ).encode(),
    "10 MB of text": urlencode(
        {**FORM, "phoneNumber": "+962790000000", "text": "1" * TEN_MB}
    ).encode(),
}


@pytest.mark.parametrize("name", HOPS)
async def test_a_hop_that_cannot_be_read_ends_with_a_word(quiet: Wreck, name: str) -> None:
    before = await everything(quiet)
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await quiet.town.line.post("/ussd/sandbox", content=HOPS[name], headers=form)
    assert (answer.status_code, answer.text[:4]) == (200, "END "), answer.text
    assert await everything(quiet) == before


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/ussd/nobody", {}),
        ("/ussd/sandbox/wrong-secret", {}),
        ("/ussd/sandbox", {"x-forwarded-for": "127.0.0.1"}),
        ("/ussd/sandbox", {"forwarded": "for=127.0.0.1"}),
    ],
)
async def test_a_hop_from_elsewhere_is_not_found(
    quiet: Wreck, path: str, headers: dict[str, str]
) -> None:
    bill = await quiet.town.bill()
    before = await everything(quiet)
    form = {**FORM, "phoneNumber": citizen("01"), "text": bill.control_number}
    answer = await quiet.town.line.post(path, data=form, headers=headers)
    assert answer.status_code == 404
    assert bill.control_number not in answer.text
    assert await everything(quiet) == before


async def test_a_session_nobody_knows_never_starts_a_payment(quiet: Wreck) -> None:
    bill = await quiet.town.bill()
    before = await everything(quiet)
    for text in (f"1*1*{bill.control_number}*1", f"{bill.control_number}*1", "1*2*1*1*1", "1*1*1"):
        form = {**FORM, "sessionId": f"lost {text}", "phoneNumber": citizen("01"), "text": text}
        answer = await quiet.town.line.post("/ussd/sandbox", data=form)
        assert answer.status_code == 200
        assert answer.text[:4] in ("CON ", "END ")
    assert await everything(quiet) == before


async def test_somebody_elses_session_is_neither_read_nor_paid_from(quiet: Wreck) -> None:
    me, thief, bill = citizen("01"), citizen("01"), await quiet.town.bill()
    mine = await quiet.town.phone(me).dials(f"*789*{bill.control_number}#").sees("50.000")
    before = await everything(quiet)
    for text in (f"{bill.control_number}*1", bill.control_number, ""):
        form = {**FORM, "sessionId": mine.session, "phoneNumber": thief, "text": text}
        answer = await quiet.town.line.post("/ussd/sandbox", data=form)
        assert answer.text.startswith("END "), answer.text
        assert "50.000" not in answer.text
    assert await everything(quiet) == before
    await mine.sends("1").hangs_up()
    assert await quiet.town.payment_ended(bill) == "collected"
    assert await quiet.town.debits(thief) == 0
    await oracle.settle(quiet)
    await oracle.agree(quiet)


GARBAGE: dict[str, bytes] = {
    "HTML": b"<html><body>502 Bad Gateway</body></html>",
    "invalid UTF-8": b'\xff\xfe{"transactionStatus": "completed"\x80',
    "NaN": b'{"transactionStatus": "completed", "amount": NaN, "currency": "JOD"}',
    "a key twice": b'{"transactionStatus": "completed", "transactionStatus": "failed"}',
    "deep": b'{"a":' * 20_000,
    "nothing": b"",
    "10 MB": b"x" * TEN_MB,
}


async def test_garbage_with_the_right_token_is_kept_as_it_came_and_moves_no_money(
    quiet: Wreck,
) -> None:
    me, bill = citizen("00"), await quiet.town.bill()
    await quiet.town.says_yes(me, bill)
    await quiet.reaches(bill, "pending")
    path = await quiet.callback_path(bill)
    assert (await quiet.town.line.put(path, content=b"garbage")).status_code == 204
    await quiet.stack.until("SELECT NOT EXISTS (SELECT FROM kernel.work WHERE kind LIKE 'wall%')")
    assert await quiet.state(bill) == "pending"
    quiet.pause(*ACTORS)  # each would be worth a question, and there are only three
    for name, body in GARBAGE.items():
        answer = await quiet.town.line.put(path, content=body)
        assert answer.status_code == 204, name
        kept = await quiet.stack.value(
            "SELECT count(*) FROM wallets.evidence JOIN payments.payment"
            " ON collection = collection_id WHERE control_number = $1 AND kind = 'callback'"
            " AND body = $2 AND size = $3",
            bill.control_number,
            body[: 64 * 1024],
            len(body),
        )
        assert kept == 1, name
    await quiet.town.approve(me)
    quiet.resume(*ACTORS)
    assert await quiet.town.payment_ended(bill) == "collected"
    await oracle.settle(quiet)
    await oracle.agree(quiet)


@pytest.mark.parametrize("door", ["inbound", "status"])
async def test_carriers_doors_refuse_what_is_no_message(quiet: Wreck, door: str) -> None:
    before = await everything(quiet)
    nobody = "00000000-0000-7000-8000-000000000000"
    bodies = [
        b"",
        b"id=1",
        b"id=%ff&from=%ff&text=%ff&to=x&status=%ff",
        b"id=1&id=2&from=%2B962790000000&text=HELP&to=Mizan&status=delivered",
        f"id={nobody}&status=delivered".encode(),
        f"id={nobody}&status=eaten".encode(),
        b"id=1&from=%2B962790000000&to=Mizan&text=" + b"x" * TEN_MB,
    ]
    for body in bodies:
        answer = await _post(quiet, f"/sms/sandbox/{door}", body)
        assert answer is None or 400 <= answer.status_code < 500, (body[:40], answer)
        answer = await _post(quiet, f"/sms/nobody/{door}", body)
        assert answer is None or answer.status_code in (404, 413)
    assert await everything(quiet) == before


async def _post(wreck: Wreck, path: str, body: bytes) -> httpx.Response | None:
    """The answer; None if the server hung up on a body that is too long."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    try:
        return await wreck.town.line.post(path, content=body, headers=form)
    except (httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        assert len(body) > TEN_MB
        return None


@pytest.mark.parametrize("path", ["/api/v1/bills", "/console/sign-in", "/verify", "/nowhere"])
async def test_ten_megabytes_at_other_doors_are_turned_away(quiet: Wreck, path: str) -> None:
    before = await everything(quiet)
    answer = await _post(quiet, path, b"x" * (TEN_MB + 1))
    assert answer is None or 400 <= answer.status_code < 500, answer
    assert (await quiet.town.line.get("/healthz")).status_code == 200
    assert await everything(quiet) == before
