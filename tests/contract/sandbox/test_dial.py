"""``./mizan dial`` as a program: what it sends, prints, and says when something is not there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.sandbox.operator_process import ROOT, Client, Ear
from tests.contract.sandbox.test_phone import hop_of

ASKS = "+962790000000"
UCS2 = {"alphabet": "ucs2", "budget": 80}
GSM7 = {"alphabet": "gsm7", "budget": 182}


async def dial(*arguments: str, typed: str = "", **environ: str) -> tuple[int, str, str]:
    """Run the program; returns exit code, standard output, standard error."""
    argv = [sys.executable, "-m", "sandbox.dial", *arguments]
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        *argv, cwd=ROOT, env={**os.environ, **environ}, stdin=pipe, stdout=pipe, stderr=pipe
    )
    out, err = await program.communicate(typed.encode())
    assert program.returncode is not None
    return program.returncode, out.decode(), err.decode()


@pytest.fixture
def urls(person: Client, ear: Ear) -> tuple[str, ...]:
    """Where the program finds both sides."""
    return "--gateway", ear.url, "--operator", str(person.http.base_url)


async def test_keys_are_sent_one_hop_each_and_json_lists_the_hops(
    ear: Ear, urls: tuple[str, ...]
) -> None:
    ear.screens = ["CON ميزان\n1. دفع", "CON Pay 5.000 JOD?", "END تم"]
    code, out, _ = await dial(ASKS, "*789#", "--keys", "1, 2", "--json", *urls)
    told: dict[str, Any] = json.loads(out)
    assert code == 0
    assert told["hops"] == [
        {"sent": "*789#", "reply": "ميزان\n1. دفع", "ends": False} | UCS2 | {"units": 12},
        {"sent": "1", "reply": "Pay 5.000 JOD?", "ends": False} | GSM7 | {"units": 14},
        {"sent": "2", "reply": "تم", "ends": True} | UCS2 | {"units": 2},
    ]
    assert [hop_of((await ear.next()).body)["text"] for _ in range(3)] == ["", "1", "1*2"]


async def test_answers_are_read_from_the_terminal(ear: Ear, urls: tuple[str, ...]) -> None:
    ear.screens = ["CON first", "END last"]
    code, out, _ = await dial(ASKS, "*789*123#", *urls, typed="7\n")
    assert (code, "first" in out, "last" in out) == (0, True, True)
    assert [hop_of((await ear.next()).body)["text"] for _ in range(2)] == ["123", "123*7"]


async def test_it_approves_the_prompt_and_prints_the_message(
    person: Client, ear: Ear, urls: tuple[str, ...]
) -> None:
    ear.screens = ["END approve on your phone"]
    call = asyncio.create_task(dial(ASKS, "*789#", "--approve", "1234", *urls))
    assert (await ear.next()).path == "/ussd/sandbox"
    await person.collect(ASKS)
    assert json.loads((await ear.next()).body)["transactionStatus"] == "completed"
    message = {"id": "r", "to": ASKS, "from": "Mizan", "text": "Receipt 7", "status_url": ""}
    await person.http.post("/sms/messages", json=message)
    code, out, _ = await call
    assert code == 0
    assert "Operator: pay 5.000 JOD to mizan for Vehicle licence" in out
    assert out.endswith("SMS from Mizan\nReceipt 7\n")
    assert "1234" not in out


async def test_it_waits_for_the_message_only_as_long_as_told(
    ear: Ear, urls: tuple[str, ...]
) -> None:
    ear.screens = ["END approve on your phone"]
    code, _, err = await dial(ASKS, "*789#", "--approve", "1234", "--wait", "0.5", *urls)
    assert (code, "no message came within 0.5 s" in err) == (1, True)


async def test_it_says_when_no_gateway_listens(urls: tuple[str, ...]) -> None:
    code, out, err = await dial(ASKS, "*789#", "--json", *urls, "--gateway", "http://127.0.0.1:9")
    assert code == 1
    assert "nothing listens at http://127.0.0.1:9; start it with ./mizan run" in err
    assert json.loads(out)["problem"] in err


async def test_it_says_when_no_operator_is_there_to_approve(urls: tuple[str, ...]) -> None:
    arguments = (ASKS, "*789#", "--approve", "1234", *urls, "--operator", "http://127.0.0.1:9")
    code, _, err = await dial(*arguments)
    assert code == 1
    assert "no sandbox operator answers at http://127.0.0.1:9" in err


@pytest.mark.parametrize("arguments", [("12", "*789#"), (ASKS, "*100#"), ()])
async def test_arguments_it_cannot_use_are_named(arguments: tuple[str, ...]) -> None:
    code, _, err = await dial(*arguments)
    assert code == 2
    assert "usage: ./mizan dial" in err


async def test_it_finds_the_addresses_of_the_last_run(tmp_path: Path, ear: Ear) -> None:
    (tmp_path / "run").mkdir()
    addresses = {"MIZAN_PUBLIC_URL": ear.url}
    (tmp_path / "run" / "addresses.json").write_text(json.dumps(addresses))
    ear.screens = ["END found"]
    code, out, _ = await dial(ASKS, MIZAN_HOME=str(tmp_path), MIZAN_PUBLIC_URL="")
    assert (code, "found" in out) == (0, True)
