"""Sessions in Valkey: one round trip before a hop, one write that nobody waits for after it.

Whoever takes a session holds it until the write, so that hops of one session that arrive at once,
even in two processes, are answered one after the other. A holder that dies lets go after
``HOLD_MS``; a hop is given up before that.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import hiredis

from kernel.valkey import Valkey, ValkeyDown
from ussd.session import SessionKey

HOLD_MS: Final = 15_000
REMEMBER_S: Final = 3600
"""How long the name of a subscriber's last session is kept; the session itself goes before that."""

_FIRST_PAUSE_S: Final = 0.002
_LONGEST_PAUSE_S: Final = 0.1


class NoMemory(ConnectionError):
    """Valkey is not there or does not do what it is asked: hops go without sessions."""


class Store:
    """The sessions of one installation."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def take(self, key: SessionKey, deadline: float) -> tuple[bytes | None, bytes | None]:
        """Hold a session: what is stored of it, and the name of the subscriber's last session.

        Waits while another hop holds it; raises NoMemory, and TimeoutError at the deadline (in the
        loop's time).
        """
        name, pause = key.name, _FIRST_PAUSE_S
        commands = (
            (b"SET", _busy(name), b"1", b"NX", b"PX", HOLD_MS),
            (b"MGET", name, key.last),
        )
        while True:
            try:
                held, found = await self._valkey.ask(*commands)
            except (ValkeyDown, hiredis.HiredisError) as problem:
                raise NoMemory from problem
            if held is not None:
                stored, last = cast("list[bytes | None]", found)
                return stored, last
            if asyncio.get_running_loop().time() + pause > deadline:
                raise TimeoutError("another hop of this session takes too long")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def look(self, key: SessionKey) -> bytes | None:
        """What is stored of a session that nobody is in any more."""
        try:
            stored = await self._valkey.call(b"GET", key.name)
        except (ValkeyDown, hiredis.HiredisError):
            return None
        return stored if isinstance(stored, bytes) else None

    def leave(self, key: SessionKey, session: bytes, ttl_s: int) -> None:
        """Store a session and let go of it."""
        name = key.name
        self._valkey.post((b"SET", name, session, b"EX", ttl_s), (b"DEL", _busy(name)))

    def begin(self, key: SessionKey, session: bytes, ttl_s: int) -> None:
        """The same for one that has begun: it is the subscriber's last now."""
        self.leave(key, session, ttl_s)
        self._valkey.post((b"SET", key.last, key.session, b"EX", REMEMBER_S))

    def release(self, key: SessionKey) -> None:
        """Let go of a session as it was."""
        self._valkey.post((b"DEL", _busy(key.name)))


def _busy(name: bytes) -> bytes:
    """The key that one hop of a session at a time holds."""
    return name + b":busy"
