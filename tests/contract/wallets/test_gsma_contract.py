"""The GSMA adapter keeps the contract of a wallet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kernel.clock import ManualClock
from kernel.http import HttpClient
from tests.contract.wallets.conftest import config
from tests.contract.wallets.scripted_operator import BASE_PATH, closed_port, served
from tests.contract.wallets.tiny_gsma import TinyGsma
from tests.contract.wallets.wallet_contract import WalletContract
from wallets.directory import build
from wallets.port import Wallet


@pytest.fixture(scope="module")
def tiny_operator() -> Iterator[tuple[TinyGsma, str]]:
    """One small operator for all rules."""
    operator = TinyGsma()
    with served(operator) as url:
        yield operator, url + BASE_PATH


class TestGsmaWallet(WalletContract):
    """Every rule of ``WalletContract``, over HTTP."""

    @pytest.fixture
    def rig(self, tiny_operator: tuple[TinyGsma, str]) -> TinyGsma:
        """The operator with an empty book."""
        tiny_operator[0].reset()
        return tiny_operator[0]

    @pytest.fixture
    def wallet(
        self,
        rig: TinyGsma,
        tiny_operator: tuple[TinyGsma, str],
        http: HttpClient,
        clock: ManualClock,
    ) -> Wallet:
        """The adapter, talking to it."""
        assert rig.debits() == []
        return build(config(tiny_operator[1], timeout_s=0.5), http, clock)

    @pytest.fixture
    def unreachable(self, http: HttpClient, clock: ManualClock) -> Wallet:
        """The adapter, talking to nobody."""
        return build(config(f"http://127.0.0.1:{closed_port()}{BASE_PATH}"), http, clock)

    @pytest.fixture
    def reader(self, clock: ManualClock) -> Wallet:
        """The adapter, only to read callbacks with."""
        return build(config("http://127.0.0.1:9"), HttpClient(verify=False), clock)
