"""One request and reply of a USSD session, whatever operator it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from kernel.msisdn import Msisdn


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came over HTTP; header names are lower case, the body was cut at the route's limit."""

    method: str
    query: bytes
    headers: Mapping[bytes, bytes]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One normalised hop.

    ``transcript`` is everything the subscriber sent since the dial, joined by ``*``, starting
    with the arguments of the dialled string (``*789*123#`` gives ``123``). It only ever grows
    within a session.
    """

    channel: str
    session_id: str
    msisdn: Msisdn
    network: str
    short_code: str
    transcript: str


class Unreadable(StrEnum):
    """Why a request is not a hop."""

    TOO_LARGE = "too large"
    BAD_ENCODING = "bad encoding"
    MISSING_FIELD = "missing field"
    REPEATED_FIELD = "repeated field"
    BAD_SESSION = "bad session id"
    BAD_MSISDN = "bad phone number"


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished page; ``ends`` closes the session."""

    text: str
    ends: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply in an operator's own form."""

    body: bytes
    content_type: bytes
    status: int = 200
