"""The phone over HTTP: what a browser without JavaScript does, and what the gateway hears of it."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qs

import httpx
import pytest

from tests.contract.sandbox.operator_process import Client, Ear

JORDAN, LEBANON = "+962790000000", "+96171888000"
BROWSER = {"accept": "text/html"}


async def open_phone(client: Client, msisdn: str = JORDAN, lang: str = "en") -> str:
    """Choose a number by form and land on its phone; returns the path."""
    form = {"msisdn": msisdn, "lang": lang}
    answer = await client.http.post("/sandbox/phone/handsets", data=form, headers=BROWSER)
    assert answer.status_code == 303
    return str(answer.headers["location"].partition("?")[0])


async def look(client: Client, path: str, lang: str = "en") -> str:
    """The page as text."""
    answer = await client.http.get(f"{path}?lang={lang}")
    assert answer.status_code == 200
    return answer.text


async def send(client: Client, path: str, **form: str) -> httpx.Response:
    """Send a form and follow where it leads."""
    answer = await client.http.post(path, data={"lang": "en", **form}, headers=BROWSER)
    assert answer.status_code == 303, answer.text
    return await client.http.get(answer.headers["location"])


def hop_of(body: bytes) -> dict[str, str]:
    """The fields of a form."""
    return {name: values[0] for name, values in parse_qs(body.decode(), True).items()}


def screen_of(page: str) -> str:
    """What the phone's screen shows."""
    found = re.search(r'<p class="(?:ussd|fault)"[^>]*>(.*?)</p>', page, re.DOTALL)
    return unescape(found[1]) if found else ""


async def test_a_newcomer_is_led_to_a_phone_in_arabic(client: Client) -> None:
    answer = await client.http.get("/sandbox/phone", follow_redirects=True)
    assert '<html lang="ar" dir="rtl">' in answer.text
    assert 'value="*789#"' in answer.text
    assert "500.000" in answer.text


@pytest.mark.parametrize(("lang", "direction"), [("ar", "rtl"), ("en", "ltr"), ("fr", "ltr")])
async def test_every_page_speaks_every_language(client: Client, lang: str, direction: str) -> None:
    phone = await open_phone(client)
    for path in (phone, "/sandbox/inbox", "/sandbox/book"):
        answer = await client.http.get(f"{path}?lang={lang}", headers=BROWSER)
        assert f'<html lang="{lang}" dir="{direction}">' in answer.text


async def test_no_number_stands_in_a_url(client: Client) -> None:
    phone = await open_phone(client)
    page = await look(client, phone)
    links = re.findall(r'(?:href|action|formaction|src)="([^"]*)"', page)
    assert links
    assert not [link for link in links if "96279" in link]
    assert re.fullmatch(r"/sandbox/phone/[0-9a-f]{10}", phone)
    assert await open_phone(client) == phone


async def test_a_session_is_dialled_answered_and_ended(client: Client, ear: Ear) -> None:
    ear.screens = ["CON ميزان\n1. دفع", "CON <b>5</b>", "END تم"]
    phone = await open_phone(client)
    page = (await send(client, f"{phone}/enter", entry="*789#")).text
    assert screen_of(page) == "ميزان\n1. دفع"
    assert "12 of 80" in page
    assert screen_of((await send(client, f"{phone}/enter", entry="1")).text) == "<b>5</b>"
    page = (await send(client, f"{phone}/enter", entry="A+B & ج")).text
    assert (screen_of(page), "Session over" in page) == ("تم", True)
    hops = [hop_of((await ear.next()).body) for _ in range(3)]
    assert [hop["text"] for hop in hops] == ["", "1", "1*A+B & ج"]
    assert len({hop["sessionId"] for hop in hops}) == 1
    assert {(h["phoneNumber"], h["networkCode"], h["serviceCode"]) for h in hops} == {
        (JORDAN, "99999", "*789#")
    }


async def test_a_dialled_control_number_arrives_with_the_first_hop(
    client: Client, ear: Ear
) -> None:
    ear.screens = ["CON confirm", "END done"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789*123456789012#")
    await send(client, f"{phone}/enter", entry="1")
    assert [hop_of((await ear.next()).body)["text"] for _ in range(2)] == [
        "123456789012",
        "123456789012*1",
    ]


async def test_hanging_up_leaves_the_session(client: Client, ear: Ear) -> None:
    ear.screens = ["CON first", "CON again"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789#")
    assert screen_of((await send(client, f"{phone}/hang-up")).text) == ""
    await send(client, f"{phone}/enter", entry="*789#")
    first, second = hop_of((await ear.next()).body), hop_of((await ear.next()).body)
    assert first["sessionId"] != second["sessionId"]


async def test_keys_are_collected_without_javascript(client: Client) -> None:
    phone = await open_phone(client)
    page = (await send(client, f"{phone}/enter", entry="*78", press="9")).text
    assert 'value="*789"' in page
    page = (await send(client, f"{phone}/enter", entry="*789", press="back")).text
    assert 'value="*78"' in page


@pytest.mark.parametrize(
    ("screen", "status", "words"),
    [
        ("hello", 204, "cannot read"),
        (" END late", 204, "cannot read"),
        (None, 500, "cannot read"),
    ],
)
async def test_an_answer_that_is_no_screen_is_explained(
    client: Client, ear: Ear, screen: str | None, status: int, words: str
) -> None:
    ear.screens, ear.status = [screen] if screen else [], status
    phone = await open_phone(client)
    assert words in screen_of((await send(client, f"{phone}/enter", entry="*789#")).text)


async def test_a_code_the_operator_does_not_know_is_explained(client: Client, ear: Ear) -> None:
    phone = await open_phone(client)
    page = (await send(client, f"{phone}/enter", entry="*100#")).text
    assert "does not know this code" in screen_of(page)
    assert ear.calls.empty()


async def test_a_person_approves_on_the_page(person: Client) -> None:
    phone = await open_phone(person, LEBANON)
    state = (await person.collect(LEBANON, "180000000", currency="LBP")).json()
    page = await look(person, phone)
    assert "180,000,000" in page
    assert "Vehicle licence" in page
    prompt = f"/sandbox/phone/prompts/{state['serverCorrelationId']}"
    handset = phone.rpartition("/")[2]
    page = (await send(person, f"{prompt}/approve", pin="12", handset=handset)).text
    assert "The PIN has four digits" in page
    page = (await send(person, f"{prompt}/approve", pin="1234", handset=handset)).text
    assert "You approved the payment" in page
    assert "20,000,000" in page
    page = (await send(person, f"{prompt}/decline", handset=handset)).text
    assert "answered already" in page


async def test_a_message_is_delivered_and_reported_in_order(client: Client, ear: Ear) -> None:
    message = {
        "id": "m-1",
        "to": JORDAN,
        "from": "Mizan",
        "text": "إيصال <1>",
        "status_url": f"{ear.url}/sms/sandbox/status",
    }
    for _ in range(2):
        answer = await client.http.post("/sms/messages", json=message)
        assert (answer.status_code, answer.json()["id"]) == (202, "m-1")
    reports = [hop_of((await ear.next()).body) for _ in range(2)]
    assert reports == [{"id": "m-1", "status": "sent"}, {"id": "m-1", "status": "delivered"}]
    await client.quiet()
    assert ear.calls.empty()
    page = await look(client, await open_phone(client))
    assert page.count("إيصال &lt;1&gt;") == 1
    inbox = (await client.http.get("/sandbox/inbox?lang=en", headers=BROWSER)).text
    assert "إيصال &lt;1&gt;" in inbox
    assert JORDAN not in inbox


async def test_a_broken_message_is_refused(client: Client) -> None:
    answer = await client.http.post("/sms/messages", content=b"{}")
    assert (answer.status_code, "send a JSON object" in answer.json()["error"]) == (400, True)


async def test_what_a_phone_writes_reaches_the_gateway(client: Client, ear: Ear) -> None:
    phone = await open_phone(client)
    text = "VERIFY 123456789012345 & شكرا"
    page = (await send(client, f"{phone}/sms", to="Mizan", text=text)).text
    assert "Message sent" in page
    call = await ear.next()
    form = hop_of(call.body)
    assert (call.method, call.path) == ("POST", "/sms/sandbox/inbound")
    assert (form["from"], form["to"], form["text"]) == (JORDAN, "Mizan", text)
    assert "Write the message first" in (await send(client, f"{phone}/sms", text=" ")).text


async def test_a_number_that_is_none_is_explained(client: Client) -> None:
    page = (await send(client, "/sandbox/phone/handsets", msisdn="12")).text
    assert "This is no phone number" in page
    answer = await client.http.post("/sandbox/phone/handsets", json={"msisdn": "12"})
    assert answer.status_code == 422


async def test_a_phone_nobody_has_leads_to_the_first_one(client: Client) -> None:
    answer = await client.http.get("/sandbox/phone/ffffffffff")
    assert answer.headers["location"].partition("?")[0] == await open_phone(client)


async def test_another_web_site_cannot_make_a_browser_approve(person: Client) -> None:
    state = (await person.collect(JORDAN)).json()
    approve = f"/sandbox/phone/prompts/{state['serverCorrelationId']}/approve"
    for site in ("cross-site", "same-site"):
        headers = {"sec-fetch-site": site}
        answer = await person.http.post(approve, data={"pin": "1234"}, headers=headers)
        assert answer.status_code == 403
    assert (await person.book())[0]["status"] == "pending"


async def test_pages_keep_to_themselves(client: Client) -> None:
    headers = (await client.http.get(await open_phone(client))).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    script = await client.http.get("/sandbox/static/sandbox.js")
    assert script.status_code == 200


async def test_a_number_is_no_filter_in_a_url(client: Client) -> None:
    answer = await client.http.get("/sandbox/book", params={"payer": JORDAN})
    assert answer.status_code == 400
    await client.collect(JORDAN)
    assert len(await client.book(payer=JORDAN)) == 1
    assert (await client.http.get("/sandbox/book?ends=00")).json()["totals"]["requests"] == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"[" * 99_999, b'{"text": "\\ud800"}', b"\xff"]
)
async def test_what_is_no_request_is_no_reason_to_fail(client: Client, body: bytes) -> None:
    phone = await open_phone(client)
    headers = {"content-type": "application/json"}
    for path in (f"{phone}/enter", f"{phone}/sms", "/sandbox/phone/handsets", "/sandbox/book"):
        answer = await client.http.post(path, content=body, headers=headers)
        assert answer.status_code in (200, 400, 422), path
