"""A session between two hops: a small value in Valkey, under a key that tells nothing.

What the subscriber typed is not kept: the transcript is there as its length and a keyed digest,
enough to tell a new hop from a repeated one. The subscriber is there as a pseudonym.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec

from kernel.ids import uuid7
from kernel.privacy import Keys
from ussd.hop import Hop, Reply

Args: TypeAlias = dict[str, Any]
"""What the screens so far have learnt (agency, service, control number, choices); plain JSON."""

_LATELY: Final = 1024
"""Keys remembered: of many more, those to be forgotten would be far away, and cost more to forget
than to make.
"""

_DAY_MS: Final = 86_400_000
_FORMAT: Final = 4
"""Of a stored session; raise it when fields change: what is in another one is a lost session."""


class Session(msgspec.Struct, kw_only=True, array_like=True, tag=_FORMAT):
    """One dialogue; ``pages`` is the screen last shown, ``page`` the part the subscriber sees.

    ``edition``: of the screen, when it was shown. ``identity``: what its payments' ids come from.
    The rest is what places the next hop: digests of the dial and of what was sent last (all of it
    in cumulative protocols), its length (or count of inputs), the operator's number for it, when it
    began and was answered (milliseconds), and whether the operator said that it is over. ``owner``:
    the subscriber, as a pseudonym.
    """

    language: str
    owner: str = ""
    screen: str = "home"
    edition: str = ""
    args: Args = {}
    trail: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    page: int = 0
    ends: bool = False
    identity: str = ""
    dial: str = ""
    digest: str = ""
    length: int = 0
    sequence: int = -1
    began_at: int = 0
    at: int = 0
    closed: bool = False

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
        return self.ends and self.page == len(self.pages) - 1


class SessionKey:
    """Where Valkey keeps a session; ``is_shared``: under its id alone, so that somebody else who
    comes with the id meets it.

    ``name``: the key of the session. ``last``: the key that names the subscriber's last session.
    """

    __slots__ = ("is_shared", "last", "name", "session", "subscriber")

    def __init__(self, subscriber: bytes, session: bytes, is_shared: bool) -> None:
        path = session if is_shared else b"%b:%b" % (subscriber, session)
        self.subscriber: Final = subscriber
        self.session: Final = session
        self.is_shared: Final = is_shared
        self.name: Final = b"ussd:session:%b" % path
        self.last: Final = b"ussd:last:%b" % subscriber

    @property
    def owner(self) -> str:
        """The pseudonym of the subscriber."""
        return self.subscriber.decode()

    def other(self, session: bytes) -> SessionKey:
        """Another session of the same subscriber."""
        return SessionKey(self.subscriber, session, self.is_shared)


class Vault:
    """Keys, digests and payment ids of sessions: keyed, so none can be guessed or traced."""

    def __init__(self, keys: Keys) -> None:
        self.secret: Final = keys.derive("ussd-session")
        self._subscriber = hashlib.blake2b(key=self.secret, digest_size=8, person=b"subscriber")
        self._session = hashlib.blake2b(key=self.secret, digest_size=8, person=b"session")
        # Each hop of a session asks for the same one.
        self._keys = lru_cache(maxsize=_LATELY)(self._new_key)
        self._text = hashlib.blake2b(key=self.secret, digest_size=8, person=b"text")

    def key(self, hop: Hop, *, is_unique: bool) -> SessionKey:
        """Where a hop's session is kept: an id means something only beside its subscriber, because
        operators give the same one to others. Except where ids are unique and a hop tells all that
        was sent before: what one number tells under the id of another is a contradiction.
        """
        is_shared = is_unique and hop.is_cumulative and bool(hop.session_id)
        return self._keys(hop.channel, hop.msisdn.e164, hop.session_id, is_shared)

    def _new_key(self, channel: str, number: str, session_id: str, is_shared: bool) -> SessionKey:
        subscriber, session = self._subscriber.copy(), self._session.copy()
        subscriber.update(f"{channel}\0{number}".encode())
        session.update(f"{channel}\0{session_id}".encode())
        return SessionKey(subscriber.hexdigest().encode(), session.hexdigest().encode(), is_shared)

    def digest(self, text: str) -> str:
        """What is kept of a text that was sent."""
        digest = self._text.copy()
        digest.update(text.encode(errors="surrogatepass"))
        return digest.hexdigest()

    def payment_id(self, hop: Hop, identity: str, subject: str, milliseconds: int) -> UUID:
        """The id of paying ``subject`` in the session of this identity: the same all day.

        Time-ordered by day (RFC 9562 version 7) so that the payments' index fills in order; the
        other 74 bits are a MAC instead of chance.
        """
        parts = ("payment", hop.channel, identity, hop.msisdn.e164, subject)
        mac = hmac.digest(self.secret, "\0".join(parts).encode(), hashlib.sha256)
        return uuid7(milliseconds - milliseconds % _DAY_MS, int.from_bytes(mac) >> (256 - 74))


_ENCODE: Final = msgspec.msgpack.Encoder().encode
_DECODE: Final = msgspec.msgpack.Decoder(Session).decode


def dump(session: Session) -> bytes:
    """The session as Valkey keeps it (MessagePack, an array)."""
    return _ENCODE(session)


def load(stored: bytes) -> Session | None:
    """Read it back; None for what another version wrote, which is then a lost session."""
    try:
        return _DECODE(stored)
    except (msgspec.MsgspecError, ValueError):
        return None
