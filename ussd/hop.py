"""One request and reply of a USSD session, whatever operator it came from.

These are made anew for each hop, so they are of the kinds that are made quickly: a frozen dataclass
takes three times as long as a named tuple, and that six times as long as a struct.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from kernel.msisdn import Msisdn


class Arrival(msgspec.Struct, frozen=True):
    """What came over HTTP; header names are lower case, the body is within the route's limit.

    ``path``: what follows the channel and its secret, without the slash between.
    """

    method: str
    query: bytes
    headers: Iterable[tuple[bytes, bytes]]
    body: bytes
    path: str = ""


class Phase(StrEnum):
    """What the operator says a request is."""

    START = "start"
    INPUT = "input"
    END = "end"
    """The session is over: aborted, timed out, cleaned up, or closed as we asked."""


class Ending(StrEnum):
    """How a session ended, by what the operator said."""

    COMPLETED = "completed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    """By the subscriber."""
    DROPPED = "dropped"
    """Lost by the network, or in a word that the dialect does not know."""


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One normalised hop.

    ``session_id``: empty where the protocol has none; the session is then the subscriber's.
    ``phase``: None where the protocol cannot tell a start from an input; the engine then decides
    from what it remembers.
    ``text``: cumulative protocols: everything the subscriber sent since the dial, joined by ``*``,
    starting with the arguments of the dialled string (``*789*123#`` gives ``123``). Others: those
    arguments on a start, and on an input what was typed now.
    ``sequence``: the hop's number within its session, where the protocol counts.
    ``ending``, ``reason``: on END, what the operator said of it, and its own word.
    ``echo``: what the dialect says back in its reply; nobody else reads it.
    """

    channel: str
    session_id: str
    msisdn: Msisdn
    network: str
    short_code: str
    phase: Phase | None
    text: str
    is_cumulative: bool
    sequence: int | None = None
    reason: str = ""
    echo: tuple[str, ...] = ()
    ending: Ending = Ending.DROPPED


class Unreadable(StrEnum):
    """Why a request is not a hop."""

    TOO_LARGE = "too large"
    BAD_ENCODING = "bad encoding"
    MISSING_FIELD = "missing field"
    REPEATED_FIELD = "repeated field"
    BAD_SESSION = "bad session id"
    BAD_MSISDN = "bad phone number"
    BAD_EVENT = "unknown event"
    NOBODYS_END = "end without a phone number"


class Reply(msgspec.Struct, frozen=True):
    """A finished page; ``ends`` closes the session."""

    text: str
    ends: bool


class Answer(msgspec.Struct, frozen=True):
    """A reply in an operator's own form; ``headers``: the content type, then all but the length."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    status: int = 200

    @property
    def content_type(self) -> bytes:
        """What kind of body it is."""
        return self.headers[0][1]
