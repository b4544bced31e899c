"""A session between two hops: a small JSON value in Valkey, under a key that tells nothing.

What the subscriber typed is not kept: the transcript is there as its length and a keyed digest,
enough to tell a new hop from a repeated one. The subscriber is there as a pseudonym.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias
from uuid import UUID

from kernel.ids import uuid7
from kernel.privacy import Keys
from ussd.hop import Hop, Reply

Args: TypeAlias = dict[str, Any]
"""What the screens so far have learnt (agency, service, control number, choices); plain JSON."""

_DAY_MS = 86_400_000


class Place(Enum):
    """How a hop stands to what the session has already answered."""

    NEXT = "next"
    REPEATED = "repeated"
    LATE = "late"
    CONFLICT = "conflict"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One dialogue; ``pages`` is the screen last shown, ``page`` the part the subscriber sees."""

    subscriber: str
    language: str
    screen: str = "home"
    args: Args = field(default_factory=dict)
    trail: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    page: int = 0
    ends: bool = False
    length: int = 0
    digest: str = ""

    @property
    def reply(self) -> Reply:
        """What the subscriber was last shown."""
        return Reply(self.pages[self.page], self.ended)

    @property
    def on_last_page(self) -> bool:
        """Whether all of the screen has been shown."""
        return self.page == len(self.pages) - 1

    @property
    def ended(self) -> bool:
        """Whether the last page of a closing screen was shown."""
        return self.ends and self.on_last_page


@dataclass(frozen=True, slots=True)
class Vault:
    """Keys, digests and payment ids of sessions: keyed, so none can be guessed or traced."""

    keys: Keys
    secret: bytes

    @classmethod
    def of(cls, keys: Keys) -> Vault:
        """The vault of an installation."""
        return cls(keys, keys.derive("ussd-session"))

    def key(self, hop: Hop) -> str:
        """Where a session is kept."""
        return f"ussd:{self._mac('key', hop.channel, hop.session_id)[:40]}"

    def subscriber(self, hop: Hop) -> str:
        """The pseudonym of who is on the line."""
        return self.keys.pseudonym(hop.msisdn).hex()

    def after(self, session: Session, hop: Hop) -> Session:
        """The session once a hop is answered."""
        return replace(session, length=len(hop.text), digest=self._digest(hop.text))

    def place(self, session: Session, hop: Hop) -> Place:
        """Tell a new hop from a repeated, late or foreign one by its position in the transcript."""
        if session.subscriber != self.subscriber(hop):
            return Place.STRANGER
        known = session.length
        if len(hop.text) < known:
            return Place.LATE
        if self._digest(hop.text[:known]) != session.digest:
            return Place.CONFLICT
        if len(hop.text) == known:
            return Place.REPEATED
        # After an empty dial the first input follows at once; later ones follow a "*".
        return Place.NEXT if known == 0 or hop.text[known] == "*" else Place.CONFLICT

    def payment_id(self, hop: Hop, subject: str, milliseconds: int) -> UUID:
        """The id of paying ``subject`` in this session: the same all day.

        Time-ordered by day (RFC 9562 version 7) so that the payments' index fills in order; the
        other 74 bits are a MAC instead of chance.
        """
        mac = self._mac("payment", hop.channel, hop.session_id, hop.msisdn.e164, subject)
        return uuid7(milliseconds - milliseconds % _DAY_MS, int(mac, 16) >> (256 - 74))

    def _digest(self, transcript: str) -> str:
        return self._mac("transcript", transcript)[:16]

    def _mac(self, purpose: str, *parts: str) -> str:
        message = "\0".join((purpose, *parts)).encode()
        return hmac.digest(self.secret, message, hashlib.sha256).hex()


def dump(session: Session) -> bytes:
    """The session as Valkey keeps it."""
    fields = [getattr(session, name) for name in _FIELDS]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def load(stored: bytes) -> Session | None:
    """Read it back; None for what another version wrote, which is then a lost session."""
    try:
        values = json.loads(stored)
        fields = dict(zip(_FIELDS, values, strict=True))
        return Session(
            **{**fields, "trail": tuple(fields["trail"]), "pages": tuple(fields["pages"])}
        )
    except (ValueError, TypeError):
        return None


_FIELDS = tuple(Session.__dataclass_fields__)
