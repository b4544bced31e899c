"""The dialogue files beside this one, played over the running installation."""

from __future__ import annotations

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


async def played(town: Town, http: HttpClient, name: str, network: str) -> None:
    """Play a file; fails with what it expected and saw."""

    async def issue(agency: str, service: str, options: Mapping[str, str]) -> str:
        assert not options, "this shortcut issues plain bills only"
        return (await town.bill(agency, service)).control_number

    ids = RandomIds()
    line = Line(http, town.stack.gateway, SystemClock(), ids)
    player = Player(http, line, ids, operator=town.stack.operator, issue=issue, network=network)
    report = await player.play(read_script((DIALOGUES / name).read_text(encoding="utf-8")))
    assert report.ok, in_words(name, network, report, 0)


@pytest.mark.parametrize("name", [name for name in FILES if name != ON_EVERY_NETWORK])
async def test_the_dialogue_goes_as_it_is_written(town: Town, http: HttpClient, name: str) -> None:
    await played(town, http, name, "sandbox")


@pytest.mark.parametrize("network", NETWORKS)
async def test_every_network_pays_a_bill(town: Town, http: HttpClient, network: str) -> None:
    await played(town, http, ON_EVERY_NETWORK, network)


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
