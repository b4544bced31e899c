"""The network under a phone: whose protocol it speaks, and what goes wrong on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contract.sandbox.operator_process import Client, Ear
from tests.contract.sandbox.test_dial import ASKS, dial
from tests.contract.sandbox.test_phone import hop_of, look, open_phone, screen_of, send


async def said(ear: Ear) -> dict[str, Any]:
    """The JSON object that came next."""
    told: dict[str, Any] = json.loads((await ear.next()).body)
    return told


async def test_a_phone_changes_its_network_and_its_page(client: Client, ear: Ear) -> None:
    ear.screens = ["{}"]
    phone = await open_phone(client)
    page = (await send(client, f"{phone}/network", network="hubtel")).text
    assert "A page on hubtel carries 160 septets or 70 UCS-2 units." in page
    page = (await send(client, f"{phone}/enter", entry="*789*12#")).text
    told = await said(ear)
    assert (told["Type"], told["Message"], told["Mobile"]) == (
        "Initiation",
        "*789*12#",
        "962790000000",
    )
    assert "cannot read" in screen_of(page)  # the answer names no session


async def test_a_network_that_does_not_exist_is_refused(client: Client) -> None:
    phone = await open_phone(client)
    answer = await client.http.post(f"{phone}/network", data={"network": "mars"})
    assert answer.status_code == 422


async def test_any_request_is_delivered_again_and_the_phone_shows_nothing_of_it(
    client: Client, ear: Ear
) -> None:
    ear.screens = ["CON one", "CON two", "CON two", "CON other"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789#")
    await send(client, f"{phone}/enter", entry="1")
    page = (await send(client, f"{phone}/line", again="2")).text
    assert "the answer was the same, byte for byte" in page
    page = (await send(client, f"{phone}/line", again="1")).text
    assert "the answer was another one" in page
    assert (page.count("✓ same answer"), page.count("✗ another answer")) == (1, 1)
    assert screen_of(page) == "two"
    bodies = [(await ear.next()).body for _ in range(4)]
    assert bodies[2] == bodies[1]
    assert bodies[3] == bodies[0]
    assert "no open session" in (await send(client, f"{phone}/line", again="3")).text


async def test_a_lost_session_is_over_and_nobody_is_told(client: Client, ear: Ear) -> None:
    ear.screens = ["CON one", "CON again"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789#")
    page = (await send(client, f"{phone}/line", act="drop")).text
    assert "lost the session" in screen_of(page)
    assert "no open session" in (await send(client, f"{phone}/line", act="drop")).text
    await send(client, f"{phone}/enter", entry="*789#")
    first, second = hop_of((await ear.next()).body), hop_of((await ear.next()).body)
    assert first["sessionId"] != second["sessionId"]
    assert ear.calls.empty()


async def test_a_network_that_tells_says_that_it_waited_too_long_or_was_left(
    client: Client, ear: Ear
) -> None:
    phone = await open_phone(client)
    await send(client, f"{phone}/network", network="africastalking")
    for path, form, status in (
        ("line", {"act": "timeout"}, "Failed"),
        ("hang-up", {}, "Incomplete"),
    ):
        ear.screens = ["CON one"]
        await send(client, f"{phone}/enter", entry="*789#")
        await send(client, f"{phone}/{path}", **form)
        hop, news = hop_of((await ear.next()).body), hop_of((await ear.next()).body)
        assert news["sessionId"] == hop["sessionId"]
        assert (news["status"], news["lastAppResponse"], "text" in news) == (status, "one", False)


async def test_another_subscriber_goes_on_with_the_session(client: Client, ear: Ear) -> None:
    ear.screens = ["CON one", "END two"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789#")
    assert "no phone number" in (await send(client, f"{phone}/line", act="sim", other="1")).text
    await send(client, f"{phone}/line", act="sim", other="+962790000001")
    await send(client, f"{phone}/enter", entry="1")
    first, second = hop_of((await ear.next()).body), hop_of((await ear.next()).body)
    assert first["sessionId"] == second["sessionId"]
    assert second["phoneNumber"] == "+962790000001"


async def test_a_page_that_is_too_long_says_so_in_words(client: Client, ear: Ear) -> None:
    ear.screens = ["CON " + "ض" * 81]
    phone = await open_phone(client)
    page = (await send(client, f"{phone}/enter", entry="*789#")).text
    assert "81 of 80: longer than a page" in page


async def test_what_went_over_the_wire_is_shown(client: Client, ear: Ear) -> None:
    ear.screens = ["CON one"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789#")
    page = await look(client, phone)
    assert "POST /ussd/sandbox" in page
    assert "CON one" in page


async def test_the_state_lists_the_hops(client: Client, ear: Ear) -> None:
    ear.screens = ["CON one", "CON one"]
    phone = await open_phone(client)
    await send(client, f"{phone}/enter", entry="*789#")
    answer = await client.http.post(f"{phone}/line", json={"again": "1"})
    dialogue = answer.json()["ussd"]
    assert dialogue["network"] == "sandbox"
    assert dialogue["hops"] == [{"sent": "*789#", "same_again": [True]}]
    assert (dialogue["units"], dialogue["budget"]) == (3, 182)


async def test_dial_speaks_the_protocol_of_a_channel(ear: Ear) -> None:
    ear.screens = ['{"shouldClose": true, "ussdMenu": "تم", "responseExitCode": 200}']
    code, out, _ = await dial(ASKS, "*789#", "--channel", "infobip", "--gateway", ear.url)
    assert (code, "ucs2 2/80" in out) == (0, True)
    start, over = await ear.next(), await ear.next()
    assert start.path.startswith("/ussd/infobip/session/")
    assert (start.path.endswith("/start"), over.path.endswith("/end")) == (True, True)


async def test_dial_plays_tricks_instead_of_answers(ear: Ear) -> None:
    ear.screens = ["CON one", "CON one", "CON two", "CON one"]
    keys = "!again,!sim +962790000001,1,!again 1,!drop,2"
    code, out, _ = await dial(ASKS, "*789#", "--keys", keys, "--gateway", ear.url)
    assert code == 0
    assert out.count("delivered once more; the answer was the same") == 2
    assert "session over; the gateway hears nothing" in out
    numbers = [hop_of((await ear.next()).body)["phoneNumber"] for _ in range(4)]
    assert numbers == [ASKS, ASKS, "+962790000001", ASKS]
    assert ear.calls.empty()


async def test_dial_says_why_an_answer_is_no_screen(ear: Ear) -> None:
    ear.screens = ['{"session": "1", "text": "x", "more": true}']
    code, _, err = await dial(ASKS, "--channel", "json", "--gateway", ear.url)
    assert (code, "it has session '1'" in err) == (1, True)


SCRIPT = """phone $ME
dial *789#
see ميزان
press 1
see five
"""


async def test_a_dialogue_is_played_and_the_difference_shown(
    tmp_path: Path, person: Client, ear: Ear
) -> None:
    file = tmp_path / "pay.dialogue"
    file.write_text(SCRIPT, encoding="utf-8")
    arguments = ["--script", str(file), "--set", f"ME={ASKS}", "--gateway", ear.url]
    arguments += ["--operator", str(person.http.base_url)]
    ear.screens = ["CON ميزان", "END four five"]
    code, out, _ = await dial(*arguments)
    assert (code, f"ok    {file} on sandbox: 5 steps" in out) == (0, True)
    ear.screens = ["CON ميزان", "END four"]
    code, out, _ = await dial(*arguments)
    assert code == 1
    assert out == (
        f"WRONG {file}:5 on sandbox: see five\n  expected:\n    five\n"
        "  seen:\n    sandbox, gsm7 4/182, over\n    four\n"
    )
    ear.screens = ["CON ميزان", "END four"]
    code, out, _ = await dial(*arguments, "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    assert told["dialogues"][0]["failure"]["line"] == 5
    assert told["dialogues"][0]["steps"][1]["screen"] == "ميزان"


async def test_a_page_too_long_is_wrong_whatever_is_looked_for(
    tmp_path: Path, person: Client, ear: Ear
) -> None:
    file = tmp_path / "pay.dialogue"
    file.write_text(f"phone {ASKS} on arkesel\ndial *789#\n", encoding="utf-8")
    page = {"sessionID": "?", "message": "ض" * 71, "continueSession": True}
    ear.screens = [json.dumps(page)]
    arguments = ["--script", str(file), "--gateway", ear.url]
    code, out, _ = await dial(*arguments, "--operator", str(person.http.base_url))
    assert (code, "the answer has sessionID '?'" in out) == (1, True)
    file.write_text(f"phone {ASKS}\ndial *789#\n", encoding="utf-8")
    ear.screens = ["CON " + "ض" * 81]
    code, out, _ = await dial(*arguments, "--operator", str(person.http.base_url))
    assert (code, "80 ucs2 units a page on sandbox" in out) == (1, True)


async def test_a_file_that_cannot_be_read_is_named_and_nothing_is_dialled(
    tmp_path: Path, ear: Ear
) -> None:
    file = tmp_path / "pay.dialogue"
    file.write_text("dial *789#\nsmile\n", encoding="utf-8")
    code, _, err = await dial("--script", str(file), "--gateway", ear.url)
    assert (code, f"{file}, line 2: no verb 'smile'" in err) == (2, True)
    code, _, err = await dial("--script", str(tmp_path / "none"), "--gateway", ear.url)
    assert (code, "cannot read" in err) == (2, True)
    assert ear.calls.empty()
