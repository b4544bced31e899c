"""Takes requests for money, lets them be decided, and knows what became of them.

Every use case is one job of the book: the request, the movement and its errands, or none of them.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final, assert_never

from kernel import log
from kernel.clock import Clock
from kernel.ids import Ids
from kernel.money import Money
from sandbox import requests, wallets
from sandbox.behaviours import PROMPT_S, SOON_S, Verdict
from sandbox.book import SQL, Book, stamp
from sandbox.errands import Errand, Errands
from sandbox.gsma import Order, Refused, ReversalOrder, read_amount
from sandbox.requests import Failure, Outcome, Request

DUPLICATE: Final = Failure(
    "businessRule", "duplicateRequest", "this X-CorrelationID was used before"
)
NO_FUNDS: Final = Failure("businessRule", "insufficientFunds", "the wallet does not hold that much")
DECLINED: Final = Failure("authorisation", "requestDeclined", "the payer declined")
# GSMA has no code for a prompt that nobody answered; this one at least says that time ran out.
EXPIRED: Final = Failure("businessRule", "quoteHasExpired", "the payer did not answer in time")
BROKEN: Final = Failure("businessRule", "genericError", "processing failed")
NOT_LEFT: Final = Failure(
    "businessRule", "incorrectState", "there is not that much left to reverse"
)


class PersonSays(StrEnum):
    """What came of a person's answer to a prompt."""

    APPROVED = "approved"
    DECLINED = "declined"
    NO_FUNDS = "no_funds"
    TOO_LATE = "too_late"
    UNKNOWN = "unknown"
    BAD_PIN = "bad_pin"


@dataclass(frozen=True, slots=True)
class Teller:
    """The operator's counter over its book."""

    book: Book
    errands: Errands
    clock: Clock
    ids: Ids
    pace: float

    async def take_collection(self, order: Order, request_id: str) -> Request:
        """Take a request for a payer's money; raises Refused, and then nothing was taken."""
        request = self._request(order, request_id)

        def job(connection: sqlite3.Connection) -> None:
            held = wallets.balance(connection, order.payer, request.at)
            if held is None:
                raise Refused("identification", "identifierError", "no such subscriber")
            if held.currency != order.amount.currency:
                words = f"the payer's wallet is in {held.currency}"
                raise Refused("validation", "currencyNotSupported", words)
            if not requests.insert(connection, request):
                raise Refused.because(DUPLICATE)
            for after, step in enumerate(request.behaviour.steps):
                self._plan_step(connection, request, step.verdict, after=after, in_s=step.after_s)

        await self.book.do(job)
        return request

    async def take_reversal(self, order: ReversalOrder, request_id: str) -> Request:
        """Take a request to give a collection's money back, in whole or in part; raises Refused."""

        def job(connection: sqlite3.Connection) -> Request:
            original = requests.find(connection, "reference", order.original)
            left = wallets.reversible(connection, order.original)
            if original is None or left is None:
                raise Refused("identification", "identifierError", "no such transaction")
            request = self._reversal(order, request_id, original, _amount_to_reverse(order, left))
            if not requests.insert(connection, request):
                raise Refused.because(DUPLICATE)
            self._plan_step(connection, request, Verdict.APPROVE, after=0, in_s=SOON_S)
            return request

        return await self.book.do(job)

    async def decide(self, request_id: str, verdict: Verdict, *, after: int) -> Outcome | None:
        """Decide a request that has ``after`` outcomes so far; None: somebody was quicker."""
        at = stamp(self.clock.now())

        def job(connection: sqlite3.Connection) -> Outcome | None:
            request = requests.find(connection, "id", request_id)
            assert request is not None
            if len(requests.outcomes(connection, request_id)) != after:
                return None
            outcome = self._settle(connection, request, verdict, at)
            # A reversal is told plainly: behaviours are about asking a payer.
            tells = request.behaviour.tells if request.kind == "collection" else ("truth",)
            if tells and request.callback_url:
                detail = {"outcome": outcome.id, "tells": tells, "attempt": 1}
                self.errands.plan(connection, "tell", request_id, after_s=0, detail=detail)
            return outcome

        outcome = await self.book.do(job)
        if outcome is not None:
            log.event(
                "sandbox.decided", request=request_id, status=outcome.status, code=outcome.code
            )
        return outcome

    async def decide_by_errand(self, errand: Errand) -> None:
        """Take a planned step."""
        detail = errand.detail
        await self.decide(errand.subject, Verdict(detail["verdict"]), after=detail["after"])

    async def answer_prompt(self, request_id: str, verdict: Verdict) -> PersonSays:
        """A person approves or declines on the phone; only while the prompt is open."""
        now = stamp(self.clock.now())
        request = await self.book.do(lambda c: requests.find(c, "id", request_id))
        if request is None or request.kind != "collection" or not request.behaviour.asks:
            return PersonSays.UNKNOWN
        outcome = (
            None if request.expires_at <= now else await self.decide(request_id, verdict, after=0)
        )
        if outcome is None:
            return PersonSays.TOO_LATE
        if outcome.status == "completed":
            return PersonSays.APPROVED
        return PersonSays.DECLINED if outcome.code == DECLINED.code else PersonSays.NO_FUNDS

    async def prompts(self, msisdn: str) -> list[Request]:
        """Prompts that a phone shows now, oldest first."""
        now = stamp(self.clock.now())
        waiting = await self.book.do(lambda c: requests.open_for(c, msisdn, now))
        return [request for request in waiting if request.behaviour.asks]

    async def balance(self, msisdn: str) -> Money | None:
        """What a number's wallet holds; None if it has none."""
        at = stamp(self.clock.now())
        return await self.book.do(lambda c: wallets.balance(c, msisdn, at))

    async def look_up(self, what: str, by: str, value: str) -> tuple[Request, list[Outcome]] | None:
        """Answer a status query and write down that it was asked."""
        at = stamp(self.clock.now())

        def job(connection: sqlite3.Connection) -> tuple[Request, list[Outcome]] | None:
            request = requests.find(connection, by, value)
            found = requests.outcomes(connection, request.id) if request else []
            answer = (found[-1].status if found else "pending") if request else "not_found"
            row = {"at": at, "what": what, "asked": value[:256], "answer": answer}
            connection.execute(
                SQL["insert_query"], {**row, "request": request.id if request else None}
            )
            return (request, found) if request else None

        return await self.book.do(job)

    def _settle(
        self, connection: sqlite3.Connection, request: Request, verdict: Verdict, at: str
    ) -> Outcome:
        failure = _refusal(connection, request, verdict, at)
        if failure is not None:
            return requests.fail(connection, request.id, at=at, failure=failure)
        reference = ("MP" if request.kind == "collection" else "RV") + self.ids.digits(12)
        payer, payee = request.payer, request.payee
        debit, credit = (payer, payee) if request.kind == "collection" else (payee, payer)
        movement = wallets.Movement(
            request.kind, debit, credit, request.amount, request.id, reference, request.original
        )
        wallets.move(connection, movement, at)
        return requests.complete(connection, request.id, at=at, reference=reference)

    def _plan_step(
        self,
        connection: sqlite3.Connection,
        request: Request,
        verdict: Verdict,
        *,
        after: int,
        in_s: float,
    ) -> None:
        detail = {"verdict": verdict, "after": after}
        self.errands.plan(connection, "decide", request.id, after_s=in_s, detail=detail)

    def _request(self, order: Order, request_id: str) -> Request:
        now = self.clock.now()
        return Request(
            id=request_id,
            correlation=order.correlation,
            at=stamp(now),
            kind="collection",
            payer=order.payer,
            payee=order.payee,
            amount=order.amount,
            description=order.description,
            callback_url=order.callback_url,
            echo=order.echo,
            expires_at=stamp(now + timedelta(seconds=PROMPT_S * self.pace)),
        )

    def _reversal(
        self, order: ReversalOrder, request_id: str, original: Request, amount: Money
    ) -> Request:
        now = self.clock.now()
        return Request(
            id=request_id,
            correlation=order.correlation,
            at=stamp(now),
            kind="reversal",
            payer=original.payer,
            payee=original.payee,
            amount=amount,
            description=order.echo.get("descriptionText", ""),
            callback_url=order.callback_url,
            echo={**order.echo, "creditParty": original.echo["creditParty"]},
            expires_at=stamp(now + timedelta(seconds=PROMPT_S * self.pace)),
            original=order.original,
        )


def _amount_to_reverse(order: ReversalOrder, left: Money) -> Money:
    if order.currency not in (None, left.currency):
        raise Refused(
            "validation", "currencyNotSupported", f"the transaction is in {left.currency}"
        )
    amount = left if order.amount is None else read_amount(order.amount, left.currency)
    if left.minor == 0 or left < amount:
        raise Refused.because(NOT_LEFT)
    return amount


def _refusal(
    connection: sqlite3.Connection, request: Request, verdict: Verdict, at: str
) -> Failure | None:
    match verdict:
        case Verdict.APPROVE if request.kind == "reversal":
            assert request.original is not None
            left = wallets.reversible(connection, request.original)
            return None if left is not None and request.amount <= left else NOT_LEFT
        case Verdict.APPROVE:
            held = wallets.balance(connection, request.payer, at)
            return None if held is not None and request.amount <= held else NO_FUNDS
        case Verdict.DECLINE:
            return DECLINED
        case Verdict.EXPIRE:
            return EXPIRED
        case Verdict.BREAK:
            return BROKEN
        case _:
            assert_never(verdict)
