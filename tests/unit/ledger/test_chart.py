"""The chart of accounts: what a path is and what can be part of one."""

from __future__ import annotations

import inspect

import pytest

from kernel.currency import EXPONENTS, RETIRED, UnknownCurrency
from ledger import chart
from ledger.chart import Account, BadAccount, Kind


def test_a_path_names_its_kind_and_its_currency() -> None:
    path = chart.agency_payable("roads", "driving_licence", "JOD")
    assert path == "Liabilities:Agency:ROADS:DRIVING-LICENCE:JOD"
    assert chart.parse(path) == Account(path, Kind.LIABILITIES, "JOD")


@pytest.mark.parametrize("currency", sorted(EXPONENTS | RETIRED))
def test_every_account_of_the_chart_is_a_valid_path_in_every_currency(currency: str) -> None:
    makers = [
        maker
        for name, maker in inspect.getmembers(chart, inspect.isfunction)
        if maker.__module__ == chart.__name__
        and "currency" in inspect.signature(maker).parameters
        and not name.startswith("_")
    ]
    assert len(makers) > 20
    for maker in makers:
        codes = ["demo1"] * (len(inspect.signature(maker).parameters) - 1)
        assert chart.parse(maker(*codes, currency)).currency == currency


@pytest.mark.parametrize("bad", ["", "a b", "رسوم", "a:b", "-a", "a/b", "x" * 33, "a\n"])
def test_a_code_that_no_bookkeeping_program_could_read_is_refused(bad: str) -> None:
    with pytest.raises(BadAccount):
        chart.clearing(bad, "JOD")


@pytest.mark.parametrize(
    "bad",
    [
        "Assets:JOD",
        "Assets:Clearing:demo:JOD",
        "Assets:Clearing:DEMO",
        "Assets:Clearing:DEMO:XXX",
        "Cash:Clearing:DEMO:JOD",
        "Assets:Clearing::JOD",
        "Assets:Clearing:DEMO:JOD\n",
        "Assets:" + "A" * 120 + ":JOD",
    ],
)
def test_what_is_not_an_account_path_is_refused(bad: str) -> None:
    with pytest.raises(BadAccount):
        chart.parse(bad)


def test_an_unknown_currency_has_no_accounts() -> None:
    with pytest.raises(UnknownCurrency):
        chart.service_fee("XXX")


def test_assets_and_expenses_stand_on_the_debit_side() -> None:
    assert [kind for kind in Kind if kind.is_debit_normal] == [Kind.ASSETS, Kind.EXPENSES]
