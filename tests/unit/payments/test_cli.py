"""Payments on the command line: found, explained, put right."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid5

import pytest

from kernel import work
from kernel.ids import RandomIds
from payments import books
from payments.cli import main
from payments.start import Started, start
from tests.unit.payments.conftest import Counter
from tests.unit.payments.scripted_wallet import NO_FUNDS


async def call(*arguments: object) -> int:
    return await asyncio.to_thread(main, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def at_this_database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIZAN_DATABASE_URL", database_url)


async def test_a_payment_is_shown_with_its_timeline(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    pid, bill = await counter.started()
    counter.wallet.collects = [NO_FUNDS]
    await counter.work()
    assert await call("show", pid, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["control_number"]) == ("refused", bill.control_number)
    assert [step["event"] for step in told["steps"]] == ["started", "sending", "refused"]
    assert await call("show", pid) == 0
    assert "insufficientFunds" in capsys.readouterr().out


async def test_the_payments_of_a_bill_are_listed_newest_first(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    first, bill = await counter.started()
    counter.wallet.collects = [NO_FUNDS]
    await counter.work()
    counter.clock.forward(timedelta(minutes=1))
    again = await start(counter.desk, counter.request(bill))
    assert isinstance(again, Started)
    spaced = f"{bill.control_number[:4]} {bill.control_number[4:]}"
    assert await call("of", spaced) == 0
    newer, older = capsys.readouterr().out.splitlines()
    assert newer.startswith(str(again.payment_id)), newer
    assert older.startswith(str(first)), older
    assert "refused" in older
    assert await call("of", "999999999999") == 1
    assert "no payments of bill 999999999999" in capsys.readouterr().err


async def test_what_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    nobody = uuid5(RandomIds().new(), "nobody")
    assert await call("show", nobody) == 1
    assert await call("ask", nobody) == 1
    assert await call("retry", 12345) == 1
    assert "no parked work 12345" in capsys.readouterr().err


async def test_what_waits_for_a_person_is_listed_and_can_be_put_right(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await call("waiting") == 0
    assert "Nothing waits" in capsys.readouterr().out
    async with counter.desk.database.transaction() as connection:
        await books.halt(counter.desk, connection, "a test says so")
        await work.enqueue(connection, "test", "a")
    (item,) = await work.claim(counter.desk.database)
    async with counter.desk.database.transaction() as connection:
        await work.park(connection, item, "poison")
    assert await call("waiting") == 0
    listed = capsys.readouterr().out
    assert "a test says so" in listed
    assert "poison" in listed
    assert await call("retry", item.id) == 0
    assert await call("resume") == 0
    capsys.readouterr()
    assert await call("waiting") == 0
    assert "Nothing waits" in capsys.readouterr().out


def test_the_state_machine_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["states"]) == 0
    assert capsys.readouterr().out.startswith("stateDiagram-v2")
