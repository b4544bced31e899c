"""The ledger's benchmark runs, on sizes too small to measure anything: a check of its shape."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

from benchmarks import cli, ledger
from benchmarks.ledger_ground import Sizes

TINY = Sizes(
    rounds=1,
    crowd=60,
    submitters=20,
    warm=2,
    floor=1000,
    row_locking=32,
    alone=5,
    process=20,
    sealing=60,
    postings_full=4_000,
    postings_verified=4_000,
    payments_cut=1_000,
    cutting=60,
)


def measured() -> tuple[ledger.Figures, list[str]]:
    """The figures, and what people were told meanwhile."""
    said: list[str] = []
    return ledger.run(said.append, sizes=TINY), said


def test_every_figure_is_there_with_the_bound_it_must_keep() -> None:
    # It collects garbage before whatever it measures: not that of all the tests before this one.
    with ProcessPoolExecutor(1, multiprocessing.get_context("forkserver")) as process:
        figures, said = process.submit(measured).result()
    assert json.loads(json.dumps(figures)) is not None
    assert figures["database"]["fsync"] == figures["database"]["synchronous_commit"] == "on"
    assert len(figures["bounds"]) == len(ledger.BOUNDS)
    assert all(isinstance(bound["met"], bool) for bound in figures["bounds"])
    assert {name for name in ledger.PARTS if name in figures} == set(ledger.PARTS)
    assert figures["rates"]["errors"] == 0
    assert figures["processes"]["deadlocks"] == 0
    assert figures["verifying"]["is_sound"]
    assert figures["cutting"]["payments"] == TINY.payments_cut
    assert said, "people are told how far it is"


def test_a_bound_is_met_at_its_limit_and_missed_behind_it() -> None:
    least, most = (
        ledger.Bound("part", "figure", at_least=10),
        ledger.Bound("part", "figure", at_most=10),
    )
    for bound, value, is_met in [
        (least, 10, True),
        (least, 9.99, False),
        (most, 10, True),
        (most, 10.01, False),
    ]:
        judged = bound.judge({"part": {"figure": value}})
        assert judged["met"] is is_met
        assert judged["value"] == value


def test_quick_is_refused_where_it_means_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["ussd", "--quick"])
    assert ended.value.code == 2
    assert "--quick" in capsys.readouterr().err
