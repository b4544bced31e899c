"""What the operator does with a collection: chosen by the last two digits of the payer's number.

One table. The documentation and the phone page show this table, and the operator acts from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SOON_S: Final = 0.3
SLOW_S: Final = 5.0
LATE_S: Final = 20.0
HANG_S: Final = 30.0
PROMPT_S: Final = 120.0
"""How long the payer has to answer a prompt. All times are multiplied by ``MIZAN_SANDBOX_PACE``."""


class Answer(StrEnum):
    """How the collection request itself is answered over HTTP."""

    ACCEPTED = "accepted"
    AFTER_CALLBACK = "after_callback"
    SERVER_ERROR = "server_error"
    GARBAGE = "garbage"
    HANG = "hang"
    UNAVAILABLE = "unavailable"


class Verdict(StrEnum):
    """What is decided about a collection that was taken."""

    APPROVE = "approve"
    DECLINE = "decline"
    EXPIRE = "expire"
    BREAK = "break"


class Tell(StrEnum):
    """What a callback says."""

    TRUTH = "truth"
    OTHER_AMOUNT = "other_amount"
    FAILURE = "failure"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Step:
    """A decision the operator takes by itself, so many seconds after the request."""

    after_s: float
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """One row: ``tells`` are the callbacks after each decision, in order."""

    digits: str
    answer: Answer = Answer.ACCEPTED
    asks: bool = False
    steps: tuple[Step, ...] = (Step(SOON_S, Verdict.APPROVE),)
    tells: tuple[Tell, ...] = (Tell.TRUTH,)
    empty_wallet: bool = False

    @property
    def text_key(self) -> str:
        """Key of its description in ``texts``."""
        return f"behaviour.{self.digits}"


_EXPIRES = (Step(PROMPT_S, Verdict.EXPIRE),)

BEHAVIOURS: Final = (
    Behaviour(digits="00", asks=True, steps=_EXPIRES),
    Behaviour(digits="01"),
    Behaviour(digits="02", empty_wallet=True),
    Behaviour(digits="03", steps=(Step(SOON_S, Verdict.DECLINE),)),
    Behaviour(digits="04", steps=_EXPIRES),
    Behaviour(digits="05", tells=()),
    Behaviour(digits="06", tells=(Tell.TRUTH, Tell.TRUTH)),
    Behaviour(digits="07", answer=Answer.AFTER_CALLBACK, steps=(Step(0, Verdict.APPROVE),)),
    Behaviour(digits="08", steps=(Step(SOON_S, Verdict.BREAK), Step(LATE_S, Verdict.APPROVE))),
    Behaviour(digits="09", answer=Answer.SERVER_ERROR),
    Behaviour(digits="10", answer=Answer.GARBAGE, tells=(Tell.GARBAGE,)),
    Behaviour(digits="11", tells=(Tell.OTHER_AMOUNT, Tell.FAILURE)),
    Behaviour(digits="12", answer=Answer.HANG),
    Behaviour(digits="13", answer=Answer.UNAVAILABLE, steps=(), tells=()),
    Behaviour(digits="14", steps=(Step(SLOW_S, Verdict.APPROVE),)),
)

_BY_DIGITS: Final = {behaviour.digits: behaviour for behaviour in BEHAVIOURS}

DEMO_NUMBERS: Final = (
    *(f"+9627900000{behaviour.digits}" for behaviour in BEHAVIOURS),
    "+96171888000",
    "+97336000000",
    "+970590000000",
    "+963930000000",
)
"""The numbers that the phone page offers; none of them belongs to anybody."""


def behaviour_of(msisdn: str) -> Behaviour:
    """The row for a number; a number that no row names asks its owner (``00``)."""
    return _BY_DIGITS.get(msisdn[-2:], _BY_DIGITS["00"])
