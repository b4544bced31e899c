"""A wallet that answers as a test tells it, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from kernel.clock import Clock
from wallets.port import (
    Attempt,
    AuthMode,
    Capabilities,
    Claim,
    CollectionRequest,
    Evidence,
    Known,
    NotNow,
    Outcome,
    Reason,
    ReversalRequest,
    Verdict,
)

T = TypeVar("T")


@dataclass
class ScriptedWallet:
    """Answers come from ``collects`` and ``queries``, in order; the last one repeats."""

    clock: Clock
    code: str = "sandbox"
    collects: list[Verdict] = field(default_factory=list)
    queries: list[Verdict | NotNow] = field(default_factory=list)
    asked: list[CollectionRequest] = field(default_factory=list)
    questions: list[Known] = field(default_factory=list)
    claim: Claim = field(default_factory=lambda: Claim(outcome=Outcome.ACCEPTED))

    capabilities = Capabilities(
        auth_mode=AuthMode.push_prompt,
        currencies=("JOD", "BHD"),
        prompt_window_s=120,
        query_by="ours",
        refuses_duplicates=True,
        reversal="full",
    )

    async def collect(self, request: CollectionRequest) -> Verdict:
        self.asked.append(request)
        return self._with_evidence(_next(self.collects), "collect")

    async def query(self, request: Attempt, known: Known) -> Verdict:
        del request
        self.questions.append(known)
        answer = _next(self.queries)
        if isinstance(answer, NotNow):
            raise answer
        return self._with_evidence(answer, "query")

    async def reverse(self, request: ReversalRequest) -> Verdict:
        raise AssertionError(f"nobody asked to reverse {request.id}")

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Claim:
        del body, headers
        return self.claim

    def _with_evidence(self, verdict: Verdict, kind: str) -> Verdict:
        evidence = Evidence(
            kind="collect" if kind == "collect" else "query",
            at=self.clock.now(),
            method="POST",
            url_path="/scripted",
            status=200,
            body=verdict.outcome.encode(),
        )
        values = {name: getattr(verdict, name) for name in Verdict.__slots__}
        return Verdict(**{**values, "evidence": (evidence,)})


def _next(answers: list[T]) -> T:
    return answers.pop(0) if len(answers) > 1 else answers[0]


PENDING = Verdict(outcome=Outcome.ACCEPTED, code="pending", correlation="scid-1")
SUCCESS = Verdict(outcome=Outcome.ACCEPTED, final=True, code="completed", reference="op-1")
NO_FUNDS = Verdict(
    outcome=Outcome.REFUSED, final=True, code="insufficientFunds", reason=Reason.insufficient_funds
)
NOT_SENT = Verdict(
    outcome=Outcome.REFUSED,
    code="not_sent",
    reason=Reason.operator_unavailable,
    resend_safe=True,
)
NO_ANSWER = Verdict(outcome=Outcome.UNKNOWN, code="no_answer")
NO_TRACE = Verdict(outcome=Outcome.UNKNOWN, code="not_found", resend_safe=True)
OTHER_AMOUNT = Verdict(outcome=Outcome.UNKNOWN, code="completed", mismatch="amount 1.000 JOD")
