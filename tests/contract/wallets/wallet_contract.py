"""What every wallet must keep, whoever the operator is: subclass ``WalletContract`` with a rig.

A rig is a real operator (or one that behaves like it) over HTTP that can be told how to behave next
and knows in truth whom it debited.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.ids import RandomIds
from kernel.money import Money
from wallets.port import CollectionRequest, Known, Outcome, Verdict, Wallet


class Mood(StrEnum):
    """How the operator treats the next collection."""

    approves = "approves"
    waits = "waits for the payer"
    has_no_funds = "has no funds"
    answers_500_after_taking = "takes it, then answers 500"
    answers_garbage = "takes it, then answers garbage"
    never_answers = "takes it, then never answers"
    turns_away = "turns it away with 503"


class Rig(Protocol):
    """An operator under control of a test."""

    def behaves(self, mood: Mood) -> None:
        """From now on."""
        ...

    def payer_approves(self) -> None:
        """Everybody who was asked says yes."""
        ...

    def debits(self) -> list[tuple[str, str]]:
        """The truth: (payer, amount) of each debit, in order."""
        ...

    def lies_about_the_amount(self) -> None:
        """Its answers name one minor unit more than it took."""
        ...


TAKEN_AND_LOST = [Mood.answers_500_after_taking, Mood.answers_garbage, Mood.never_answers]


class WalletContract:
    """The rules; the subclass brings the fixtures.

    ``wallet`` talks to ``rig``, ``unreachable`` to nobody, ``reader`` only reads callbacks.
    """

    @pytest.fixture
    def request_(self, fee: CollectionRequest, ids: RandomIds) -> CollectionRequest:
        """A collection that nobody has sent yet."""
        return replace(fee, id=ids.new())

    async def _settled(self, wallet: Wallet, request: CollectionRequest) -> Verdict:
        first = await wallet.collect(request)
        if first.final:
            return first
        return await wallet.query(
            request, Known(correlation=first.correlation, reference=first.reference)
        )

    async def test_an_approved_collection_ends_with_matching_evidence(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.approves)
        verdict = await self._settled(wallet, request_)
        assert (verdict.outcome, verdict.final) == (Outcome.ACCEPTED, True)
        assert verdict.reference
        assert verdict.amount == request_.amount
        assert verdict.occurred_at is not None
        assert verdict.reason is None
        assert rig.debits() == [(request_.payer.e164, "5.000")]

    async def test_a_refused_collection_ends_with_a_reason(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.has_no_funds)
        verdict = await self._settled(wallet, request_)
        assert (verdict.outcome, verdict.final) == (Outcome.REFUSED, True)
        assert verdict.reason == "insufficient_funds"
        assert verdict.code
        assert rig.debits() == []

    async def test_a_payer_who_has_not_answered_yet_ends_nothing(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.waits)
        verdict = await self._settled(wallet, request_)
        assert (verdict.outcome, verdict.final, verdict.resend_safe) == ("accepted", False, False)
        rig.payer_approves()
        later = await wallet.query(request_, Known(correlation=verdict.correlation))
        assert (later.outcome, later.final) == ("accepted", True)

    async def test_the_same_id_again_debits_once(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.approves)
        first = await self._settled(wallet, request_)
        again = await self._settled(wallet, request_)
        assert len(rig.debits()) == 1
        assert (again.outcome, again.final) == ("accepted", True)
        assert again.reference == first.reference

    @pytest.mark.parametrize("mood", TAKEN_AND_LOST)
    async def test_a_lost_answer_is_unknown_until_the_operator_is_asked(
        self, mood: Mood, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(mood)
        lost = await wallet.collect(request_)
        assert (lost.outcome, lost.final, lost.resend_safe) == ("unknown", False, False)
        rig.payer_approves()
        found = await wallet.query(request_, Known())
        assert (found.outcome, found.final) == ("accepted", True)
        assert len(rig.debits()) == 1

    async def test_what_never_arrived_may_be_sent_again(
        self, wallet: Wallet, request_: CollectionRequest
    ) -> None:
        verdict = await wallet.query(request_, Known())
        assert (verdict.outcome, verdict.final, verdict.resend_safe) == ("unknown", False, True)

    async def test_what_was_turned_away_may_be_sent_again(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.turns_away)
        verdict = await wallet.collect(request_)
        assert (verdict.outcome, verdict.final, verdict.resend_safe) == ("refused", False, True)
        assert verdict.reason == "operator_unavailable"
        rig.behaves(Mood.approves)
        again = await self._settled(wallet, request_)
        assert (again.outcome, again.final) == ("accepted", True)
        assert len(rig.debits()) == 1

    async def test_what_could_not_be_sent_may_be_sent_again(
        self, unreachable: Wallet, request_: CollectionRequest
    ) -> None:
        verdict = await unreachable.collect(request_)
        assert (verdict.outcome, verdict.final, verdict.resend_safe) == ("refused", False, True)
        assert (verdict.reason, verdict.code) == ("operator_unavailable", "not_sent")

    async def test_an_operator_that_cannot_be_asked_tells_nothing(
        self, unreachable: Wallet, request_: CollectionRequest
    ) -> None:
        verdict = await unreachable.query(request_, Known(correlation="any"))
        assert (verdict.outcome, verdict.final, verdict.resend_safe) == ("unknown", False, False)

    async def test_a_success_over_another_amount_is_not_believed(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.approves)
        rig.lies_about_the_amount()
        verdict = await self._settled(wallet, request_)
        assert (verdict.outcome, verdict.final) == ("unknown", False)
        assert verdict.mismatch

    async def test_a_success_of_somebody_else_is_not_believed(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest, ids: RandomIds
    ) -> None:
        rig.behaves(Mood.approves)
        theirs = await self._settled(wallet, request_)
        mine = replace(request_, id=ids.new())
        verdict = await wallet.query(mine, Known(reference=theirs.reference))
        assert (verdict.outcome, verdict.final) == ("unknown", False)
        assert verdict.mismatch

    async def test_every_exchange_is_kept_as_evidence(
        self, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.approves)
        sent = await wallet.collect(request_)
        asked = await wallet.query(request_, Known(correlation=sent.correlation))
        assert {exchange.kind for exchange in sent.evidence} == {"collect"}
        assert {exchange.kind for exchange in asked.evidence} == {"query"}
        for exchange in (*sent.evidence, *asked.evidence):
            assert exchange.status
            assert exchange.body
            assert request_.payer.e164.lstrip("+") not in exchange.url_path
            assert not {"authorization", "cookie", "set-cookie"} & set(exchange.headers)

    async def test_an_exchange_without_an_answer_is_evidence_too(
        self, unreachable: Wallet, request_: CollectionRequest
    ) -> None:
        verdict = await unreachable.collect(request_)
        assert [(one.status, one.body) for one in verdict.evidence] == [(None, b"")]
        assert verdict.evidence[0].note

    @pytest.mark.parametrize("amount", [Money(1, "JOD"), Money(90_000_000, "LBP"), Money(5, "ILS")])
    async def test_amounts_of_every_scale_come_back_as_they_were(
        self, amount: Money, wallet: Wallet, rig: Rig, request_: CollectionRequest
    ) -> None:
        rig.behaves(Mood.approves)
        verdict = await self._settled(wallet, replace(request_, amount=amount))
        assert verdict.amount == amount
        assert rig.debits()[-1][1] == amount.plain()

    def test_it_says_what_it_can_do(self, wallet: Wallet) -> None:
        assert wallet.code
        assert wallet.capabilities.currencies
        assert wallet.capabilities.prompt_window_s > 0

    def test_no_callback_whatsoever_makes_it_fall_over(self, reader: Wallet) -> None:
        @settings(max_examples=200, deadline=None)
        @given(st.binary(max_size=300), st.dictionaries(st.text(max_size=20), st.text(max_size=20)))
        def falls_over(body: bytes, headers: dict[str, str]) -> None:
            assert reader.read_callback(body, headers).outcome in Outcome

        falls_over()
