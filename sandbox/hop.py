"""A phone's USSD session with the gateway, as Africa's Talking posts it (form in, text out)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlencode

from kernel.alphabet import Alphabet, alphabet_of, units
from kernel.digits import to_western
from kernel.http import HttpClient, NoAnswer, NotSent
from sandbox.settings import SHORT_CODE

ANSWER_WITHIN_S = 10.0
BUDGET = {Alphabet.GSM7: 182, Alphabet.UCS2: 80}
"""What fits one USSD page (3GPP TS 23.038: 160 octets)."""

_CODE = re.compile(r"\*(\d+)((?:\*\d+)*)#")
_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Fault(StrEnum):
    """Why there is no screen to show; also the key of the words for it."""

    BAD_CODE = "bad_code"
    UNREACHABLE = "unreachable"
    NO_ANSWER = "no_answer"
    BAD_ANSWER = "bad_answer"


@dataclass(frozen=True, slots=True)
class Screen:
    """What the phone shows; ``ends``: the session is over."""

    text: str
    ends: bool

    @property
    def alphabet(self) -> Alphabet:
        """The alphabet its text needs on the radio."""
        return alphabet_of(self.text)

    @property
    def units(self) -> int:
        """Its length in septets or UCS-2 units."""
        return units(self.text, self.alphabet)

    @property
    def budget(self) -> int:
        """How long it may be."""
        return BUDGET[self.alphabet]


@dataclass(slots=True)
class Session:
    """One USSD session: ``entries`` is everything sent so far, dialled extras first."""

    id: str
    msisdn: str
    entries: list[str] = field(default_factory=list)


def dialled_entries(code: str) -> list[str] | None:
    """What a dialled ``*789*…#`` carries after the short code; None: not a known code."""
    found = _CODE.fullmatch(to_western(code).replace(" ", ""))
    if found is None or f"*{found[1]}#" != SHORT_CODE:
        return None
    return found[2].split("*")[1:]


async def hop(http: HttpClient, gateway: str, session: Session) -> Screen | Fault:
    """Post where the session stands and read the next screen."""
    form = {
        "sessionId": session.id,
        "phoneNumber": session.msisdn,
        "networkCode": "99999",
        "serviceCode": SHORT_CODE,
        "text": "*".join(session.entries),
    }
    url, body = f"{gateway}/ussd/sandbox", urlencode(form).encode()
    try:
        answer = await http.send("POST", url, headers=_FORM, body=body, timeout_s=ANSWER_WITHIN_S)
    except NotSent:
        return Fault.UNREACHABLE
    except NoAnswer:
        return Fault.NO_ANSWER
    text = answer.body.decode("utf-8", "replace")
    if answer.status != 200 or text[:4] not in ("CON ", "END "):
        return Fault.BAD_ANSWER
    return Screen(text[4:], ends=text.startswith("END "))
