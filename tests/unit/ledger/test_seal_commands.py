"""Verify, prove, checkpoint and key from a terminal."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import pytest

from kernel.clock import ManualClock
from kernel.database import Connection, Database
from kernel.privacy import Keys
from ledger import cli
from ledger.seal import Signer, as_text
from ledger.sealer import checkpoint_days, seal_once
from tests.conftest import SECRET
from tests.unit.ledger.makers import book_all, fee
from tests.unit.ledger.test_proof import check


async def find(connection: Connection, typed: str) -> str | None:
    """As payments would: receipt 77 stands for the entry of key k."""
    del connection
    return "k" if typed == "77" else None


class Terminal:
    """Runs commands on the test's database and keeps what they said."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    async def __call__(self, *argv: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._capture.readouterr()
        code = await asyncio.to_thread(cli.main, list(argv), None, find)
        said = self._capture.readouterr()
        return code, said.out, said.err


@pytest.fixture
def terminal(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal of the installation whose secret the tests have."""
    monkeypatch.setenv("MIZAN_DATABASE_URL", database_url)
    monkeypatch.setenv("MIZAN_SECRET_KEY", SECRET)
    return Terminal(capsys)


@pytest.fixture
async def booked(database: Database) -> UUID:
    """An entry of key k."""
    [id] = await book_all(database, [fee("k")])
    return id


async def test_a_receipt_is_proven_and_the_next_step_is_said(
    database: Database, keys: Keys, clock: ManualClock, terminal: Terminal, booked: UUID
) -> None:
    await seal_once(database, Signer(keys), clock)
    code, out, err = await terminal("prove", "77")
    assert code == 0
    assert check(as_text(Signer(keys).public), json.loads(out))[0] == 0
    assert f"python3 docs/verify_receipt.py '{as_text(Signer(keys).public)}' PROOF.json" in err
    assert (await terminal("prove", str(booked)))[1] == out


async def test_what_is_not_sealed_yet_is_told_so(terminal: Terminal, booked: UUID) -> None:
    code, out, err = await terminal("prove", str(booked))
    assert (code, out) == (1, "")
    assert "not sealed yet" in err


@pytest.mark.usefixtures("booked")
async def test_an_unknown_receipt_is_told_so(terminal: Terminal) -> None:
    code, _, err = await terminal("prove", "78")
    assert code == 1
    assert "no receipt and no entry 78" in err


@pytest.mark.usefixtures("booked")
async def test_the_line_to_publish_proves_the_receipts_of_its_day(
    database: Database, keys: Keys, clock: ManualClock, terminal: Terminal
) -> None:
    code, _, err = await terminal("checkpoint")
    assert code == 1
    assert "no checkpoint of any day" in err
    await seal_once(database, Signer(keys), clock)
    clock.forward(timedelta(days=1))
    await checkpoint_days(database, Signer(keys), clock)
    code, line, _ = await terminal("checkpoint", "--day", "2026-11-21")
    assert code == 0
    assert check(line.strip(), json.loads((await terminal("prove", "77"))[1]))[0] == 0


async def test_the_key_is_the_one_that_seals_are_signed_with(
    keys: Keys, terminal: Terminal
) -> None:
    assert await terminal("key") == (0, as_text(Signer(keys).public) + "\n", "")


@pytest.mark.usefixtures("booked")
async def test_verify_wants_the_seals_of_this_installation(
    database: Database, clock: ManualClock, terminal: Terminal
) -> None:
    await seal_once(database, Signer(Keys("somebody else's secret, made up")), clock)
    code, out, _ = await terminal("verify")
    assert code == 1
    assert out.startswith("BAD: seal 1: ")
