"""GSMA Mobile Money API 1.2, the client's side: merchant payments, status, reversals, heartbeat.

A repeated ``X-CorrelationID`` is refused by the operator (``duplicateRequest``), never replayed, so
the same id cannot debit twice; what became of a lost answer is found through ``/responses/{id}``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlsplit

from kernel.clock import Clock
from kernel.config import WalletConfig
from kernel.http import Answer, HttpClient, NoAnswer, NotSent
from kernel.log import event
from wallets.bearer import Bearer, TokenRefused
from wallets.gsma_codes import read_error
from wallets.gsma_reading import (
    RequestState,
    Target,
    first_target,
    judge_error_resource,
    judge_failure,
    judge_refusal,
    judge_transaction,
    link_target,
    next_best,
    no_news,
    read_claim,
    read_state,
    turned_away,
)
from wallets.guard import Guard
from wallets.headers import kept_headers
from wallets.port import (
    Attempt,
    AuthMode,
    Capabilities,
    Claim,
    CollectionRequest,
    Evidence,
    EvidenceKind,
    Heartbeat,
    Known,
    Outcome,
    Reason,
    ReversalRequest,
    ServiceStatus,
    Verdict,
)
from wallets.strict_json import moment_at, read_object, text_at, whole_at

_MAX_STEPS: Final = 4
_MAX_DESCRIPTION: Final = 160


@dataclass
class _Talk:
    """The exchanges of one operation about one attempt; ``operator_is_ill`` feeds the breaker."""

    attempt: Attempt
    kind: EvidenceKind
    known: Known = field(default_factory=Known)
    evidence: list[Evidence] = field(default_factory=list)
    operator_is_ill: bool = False

    def keep(self, evidence: Evidence) -> None:
        """Add an exchange; none at all, 5xx and 429 count against the operator's health."""
        status = evidence.status
        self.operator_is_ill |= status is None or status >= 500 or status == 429
        self.evidence.append(evidence)

    def note(self, state: RequestState) -> None:
        """Keep the operator's name of the request, and why it waits."""
        self.known = replace(self.known, correlation=state.correlation)
        if state.pending_reason:
            self.evidence[-1] = replace(self.evidence[-1], note=state.pending_reason)

    def close(self, verdict: Verdict) -> Verdict:
        """Add what was said and learnt on the way."""
        return replace(
            verdict,
            correlation=verdict.correlation or self.known.correlation,
            reference=verdict.reference or self.known.reference,
            evidence=tuple(self.evidence),
        )


class GsmaWallet:
    """One operator that speaks GSMA Mobile Money API 1.2 (a ``wallets.port.Wallet``)."""

    def __init__(
        self, config: WalletConfig, http: HttpClient, clock: Clock, *, guard: Guard | None = None
    ) -> None:
        self._config = config
        self._http = http
        self._clock = clock
        self._guard = guard or Guard(clock, rate_per_s=config.queries_per_s)
        self._base_url = config.base_url.rstrip("/")
        client = (config.client_id, config.client_secret)
        half_s = config.timeout_s / 2  # leaves time for what the token is for
        token_path = config.token_path
        token_url = self._base_url + token_path if token_path.startswith("/") else token_path
        self._bearer = (
            Bearer(http, clock, token_url, client=client, timeout_s=half_s)
            if config.client_id
            else None
        )

    @property
    def code(self) -> str:
        """The configured name."""
        return self._config.code

    @property
    def capabilities(self) -> Capabilities:
        """A prompt on the phone, queries by our id, duplicates refused, partial reversals."""
        return Capabilities(
            auth_mode=AuthMode.push_prompt,
            currencies=self._config.currencies,
            prompt_window_s=self._config.prompt_window_s,
            query_by="ours",
            refuses_duplicates=True,
            reversal="partial",
        )

    async def collect(self, request: CollectionRequest) -> Verdict:
        """``POST /transactions/type/merchantpay``; raises ValueError for an amount of nothing."""
        if request.amount.minor <= 0:
            raise ValueError("a collection needs a positive amount")
        body = {
            "amount": request.amount.plain(),
            "currency": request.amount.currency,
            "debitParty": [{"key": "msisdn", "value": request.payer.e164}],
            "creditParty": [{"key": "accountid", "value": self._config.merchant_account}],
            "requestingOrganisationTransactionReference": str(request.id),
            "descriptionText": request.description[:_MAX_DESCRIPTION],
        }
        talk = _Talk(request, "collect")
        path = "/transactions/type/merchantpay"
        return await self._in_time(talk, self._submit(talk, path, body))

    async def reverse(self, request: ReversalRequest) -> Verdict:
        """``POST /transactions/{reference}/reversals`` of the whole or a part of a collection."""
        body = {
            "type": "reversal",
            "amount": request.amount.plain(),
            "currency": request.amount.currency,
            "requestingOrganisationTransactionReference": str(request.id),
            "descriptionText": request.description[:_MAX_DESCRIPTION],
        }
        path = f"/transactions/{quote(request.reference, safe='')}/reversals"
        talk = _Talk(request, "reverse")
        return await self._in_time(talk, self._submit(talk, path, body))

    async def query(self, request: Attempt, known: Known) -> Verdict:
        """Ask by the best name we have: transaction, request state, or our own id.

        One query is one to four GET requests. Raises NotNow, before anything is sent, when the
        operator is down or asked too often.
        """
        self._guard.admit()
        is_collection = isinstance(request, CollectionRequest)
        talk = _Talk(request, "query" if is_collection else "reverse", known)
        verdict = await self._in_time(talk, self._find_out(talk))
        self._guard.report(healthy=not talk.operator_is_ill)
        return verdict

    async def heartbeat(self) -> Heartbeat:
        """``GET /heartbeat``: what the operator says of itself, unknown if that is not clear."""
        try:
            answer = await self._send("GET", "/heartbeat", {}, None)
        except NotSent:
            return Heartbeat(status=ServiceStatus.unavailable)
        except NoAnswer:
            return Heartbeat(status=ServiceStatus.unknown)
        told = _object(answer) or {}
        word = (text_at(told, "serviceStatus") or text_at(told, "ServiceStatus") or "").lower()
        if answer.status == 503:
            word = "unavailable"
        is_clear = answer.status in (200, 503) and word in ServiceStatus.__members__
        return Heartbeat(
            status=ServiceStatus(word) if is_clear else ServiceStatus.unknown,
            delay_ms=whole_at(told, "delay"),
            restored_at=moment_at(told, "plannedRestorationTime"),
        )

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Claim:  # noqa: ARG002  # GSMA says nothing in headers
        """What a callback claims; unreadable ones claim UNKNOWN."""
        return read_claim(read_object(body) or {})

    async def _in_time(self, talk: _Talk, operation: Awaitable[Verdict]) -> Verdict:
        """Bound an operation, token and questions included, so that no lease ends under it."""
        try:
            async with asyncio.timeout(self._config.timeout_s):
                return await operation
        except TimeoutError:
            return talk.close(Verdict(outcome=Outcome.UNKNOWN, code="no_answer"))

    async def _submit(self, talk: _Talk, path: str, body: Mapping[str, Any]) -> Verdict:
        headers = {
            "X-CorrelationID": str(talk.attempt.id),
            "X-Callback-URL": talk.attempt.callback_url,
        }
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        try:
            answer = await self._ask(talk, "POST", path, headers=headers, body=content)
        except TokenRefused:
            return talk.close(
                Verdict(
                    outcome=Outcome.REFUSED,
                    final=True,
                    reason=Reason.config_error,
                    code="token_refused",
                )
            )
        except NotSent:
            return talk.close(turned_away("not_sent"))
        except NoAnswer:
            return talk.close(Verdict(outcome=Outcome.UNKNOWN, code="no_answer"))
        return await self._read_ack(talk, answer)

    async def _read_ack(self, talk: _Talk, answer: Answer) -> Verdict:
        told = _object(answer)
        if not 200 <= answer.status < 300:
            error = read_error(told) if told else None
            if error is not None and error.code == "duplicateRequest" and answer.status < 500:
                # An earlier attempt with this id arrived: nothing may be sent again, only asked.
                return replace(await self._find_out(talk), resend_safe=False)
            return talk.close(judge_refusal(answer.status, error))
        if told is None:
            return talk.close(Verdict(outcome=Outcome.UNKNOWN, code="unreadable"))
        if "transactionReference" in told:
            return talk.close(judge_transaction(told, talk.attempt, self._clock.now()))
        step = self._read_state(talk, told)
        return talk.close(step) if isinstance(step, Verdict) else await self._find_out(talk, step)

    async def _find_out(self, talk: _Talk, start: Target | None = None) -> Verdict:
        """Walk from resource to resource until one tells; no answer is UNKNOWN."""
        target = start or first_target(talk.attempt.id, talk.known)
        for _ in range(_MAX_STEPS):
            path = f"/{target.kind}/{quote(target.name, safe='')}"
            try:
                answer = await self._ask(talk, "GET", path)
            except NotSent:
                return talk.close(Verdict(outcome=Outcome.UNKNOWN, code="not_sent"))
            except NoAnswer:
                return talk.close(Verdict(outcome=Outcome.UNKNOWN, code="no_answer"))
            step = self._read_resource(talk, target, answer)
            if isinstance(step, Verdict):
                return talk.close(step)
            target = step
        return talk.close(Verdict(outcome=Outcome.UNKNOWN, code="link_without_end"))

    def _read_resource(self, talk: _Talk, asked: Target, answer: Answer) -> Target | Verdict:
        told = _object(answer)
        if answer.status == 404 and (target := next_best(talk.attempt.id, talk.known, asked)):
            return target
        if answer.status != 200 or told is None:
            return no_news(answer.status, told, asked, talk.known)
        match asked.kind:
            case "transactions":
                verdict = judge_transaction(told, talk.attempt, self._clock.now())
                if verdict.reference == asked.name or verdict.mismatch:
                    return verdict
                return Verdict(
                    outcome=Outcome.UNKNOWN,
                    code=verdict.code,
                    mismatch="transactionReference: not the one we asked for",
                )
            case "requeststates":
                return self._read_state(talk, told, asked=asked.name)
            case "responses":
                link = text_at(told, "link") or ""
                target = link_target(link, self._base_url)
                return target or Verdict(outcome=Outcome.UNKNOWN, code="link_unusable")
        return judge_error_resource(told)

    def _read_state(
        self, talk: _Talk, told: Mapping[str, Any], *, asked: str = ""
    ) -> Target | Verdict:
        state = read_state(told)
        if state is None:
            return Verdict(outcome=Outcome.UNKNOWN, code="unreadable")
        if asked and state.correlation.lower() != asked.lower():
            return Verdict(
                outcome=Outcome.UNKNOWN,
                code=state.status,
                mismatch="serverCorrelationId: not the one we asked for",
            )
        talk.note(state)
        return self._judge_state(talk, state)

    def _judge_state(self, talk: _Talk, state: RequestState) -> Target | Verdict:
        match state.status:
            case "pending":
                return Verdict(outcome=Outcome.ACCEPTED, code="pending")
            case "failed":
                return judge_failure(state, self._clock.now())
        if state.reference:
            return Target("transactions", state.reference)
        return Target("responses", str(talk.attempt.id))

    async def _ask(
        self,
        talk: _Talk,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One exchange, kept as evidence; raises NotSent or NoAnswer."""
        at, began = self._clock.now(), time.perf_counter()
        answer: Answer | None = None
        note = "no whole answer in time"
        try:
            answer = await self._send(method, path, headers or {}, body)
            note = "cut short" if answer.truncated else ""
            return answer
        except (NotSent, NoAnswer) as problem:
            note = f"{type(problem).__name__}: {problem}"
            raise
        finally:
            evidence = Evidence(
                kind=talk.kind,
                at=at,
                method=method,
                url_path=urlsplit(self._base_url).path + path,
                status=None if answer is None else answer.status,
                headers={} if answer is None else kept_headers(answer.headers),
                body=b"" if answer is None else answer.body,
                note=note,
            )
            talk.keep(evidence)
            event(
                "wallets.exchange",
                wallet=self.code,
                kind=talk.kind,
                attempt=str(talk.attempt.id),
                method=method,
                status=evidence.status,
                note=note,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        """Send with a token if this operator wants one; a token turned away is renewed once."""
        if self._bearer is None:
            return await self._send_once(method, path, headers, body)
        token = await self._bearer.token()
        answer = await self._send_once(
            method, path, {**headers, "Authorization": f"Bearer {token}"}, body
        )
        if answer.status != 401 or not _is_about_the_client(answer):
            return answer
        self._bearer.forget(token)
        token = await self._bearer.token()
        return await self._send_once(
            method, path, {**headers, "Authorization": f"Bearer {token}"}, body
        )

    async def _send_once(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        sent = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",  # a packed answer could unpack to any size
            "X-Date": self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **headers,
        }
        if body is not None:
            sent["Content-Type"] = "application/json"
        return await self._http.send(
            method,
            self._base_url + path,
            headers=sent,
            body=body,
            timeout_s=self._config.timeout_s,
        )


def _object(answer: Answer) -> Mapping[str, Any] | None:
    return None if answer.truncated else read_object(answer.body)


def _is_about_the_client(answer: Answer) -> bool:
    """Whether a 401 is about our token; the payer's refusal comes with 401 as well."""
    told = _object(answer)
    error = read_error(told) if told else None
    return error is None or error.code in ("clientAuthorisationError", "genericError")
