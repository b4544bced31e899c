"""The dialogue files beside this one, played over the running installation."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from kernel.clock import SystemClock
from kernel.config import load
from kernel.http import HttpClient
from kernel.ids import RandomIds
from launch.rehearsal import ROOT, Stack
from sandbox.dialogue_commands import in_words
from sandbox.hop import Line
from sandbox.networks import NETWORKS
from sandbox.player import Player
from sandbox.script import read_script
from tests.journeys.pages import blocks
from tests.journeys.town import Town
from ussd.profiles import settled

DIALOGUES = Path(__file__).parent / "dialogues"
ON_EVERY_NETWORK = "pay-a-bill-in-arabic.dialogue"
FILES = sorted(file.name for file in DIALOGUES.glob("*.dialogue"))


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    """The connections of one dialogue."""
    client = HttpClient()
    yield client
    await client.close()


async def played(town: Town, http: HttpClient, name: str, network: str, text: str = "") -> None:
    """Play a file, or this text of it; fails with what it expected and saw."""

    async def issue(agency: str, service: str, options: Mapping[str, str]) -> str:
        assert set(options) <= {"payer"}, "this shortcut knows no other option"
        payer = await town.subscriber(options["payer"]) if options else None
        return (await town.bill(agency, service, payer=payer)).control_number

    ids = RandomIds()
    line = Line(http, town.stack.gateway, SystemClock(), ids)
    player = Player(http, line, ids, operator=town.stack.operator, issue=issue, network=network)
    text = text or (DIALOGUES / name).read_text(encoding="utf-8")
    report = await player.play(read_script(text))
    assert report.ok, in_words(name, network, report, 0)


@pytest.mark.parametrize("name", [name for name in FILES if name != ON_EVERY_NETWORK])
async def test_the_dialogue_goes_as_it_is_written(town: Town, http: HttpClient, name: str) -> None:
    await played(town, http, name, "sandbox")


@pytest.mark.parametrize("network", NETWORKS)
async def test_every_network_pays_a_bill(town: Town, http: HttpClient, network: str) -> None:
    await played(town, http, ON_EVERY_NETWORK, network)


async def test_the_example_in_the_documentation_goes_as_it_is_written(
    town: Town, http: HttpClient
) -> None:
    page = blocks((ROOT / "docs" / "dialogues.md").read_text(encoding="utf-8"))
    (example,) = [block for block in page if block.kind == "dialogue"]
    await played(town, http, "docs/dialogues.md", "sandbox", "\n".join(example.lines))


async def test_a_clerks_command_issues_the_bill_of_a_dialogue(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "bill.dialogue"
    file.write_text(
        "bill BILL = JO-MFA ATTEST-LOCAL\nphone +962790000014\ndial *789*$BILL#\nsee 2.000\n"
    )
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "manage.py"), "dial", "--script", str(file)),
        env=stack.environ,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await program.communicate()
    assert (program.returncode, out.decode().startswith("ok ")) == (0, True), out.decode()


def test_the_documentation_lists_the_networks() -> None:
    page = (ROOT / "docs" / "sandbox.md").read_text(encoding="utf-8")
    words = {"over": "ends", "abort": "aborts", "timeout": "time-outs"}
    for network in NETWORKS.values():
        told = ", ".join(word for kind, word in words.items() if network.tells(kind)) or "nothing"
        carried = f"{network.septets}, {network.ucs2_units}"
        row = f"| `{network.name}` | {network.wire['encoding']} | {told} | {carried} |"
        assert row in page, row


@pytest.mark.parametrize("config", ["config/sandbox.toml", "tests/stack.toml"])
def test_operator_and_gateway_agree_on_channels_and_what_a_page_carries(
    stack: Stack, config: str
) -> None:
    channels = load(stack.environ | {"MIZAN_CONFIG": str(ROOT / config)}).channels
    assert {network.channel for network in NETWORKS.values()} == set(channels)
    for network in NETWORKS.values():
        channel = settled(channels[network.channel])
        carried = (channel.septets, channel.ucs2_units)
        assert (network.septets, network.ucs2_units) == carried, network.name
