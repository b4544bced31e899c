"""Sessions in Valkey: one round trip before a hop, one write that nobody waits for after it.

Whoever takes a session holds it until the write, so that hops of one session that arrive at once,
even in two processes, are answered one after the other. A holder that dies lets go after
``HOLD_MS``; a hop is given up before that.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import hiredis

from kernel.errand import in_a_task
from kernel.valkey import Packed, Valkey, ValkeyDown
from ussd.session import SessionKey

HOLD_MS: Final = 15_000
REMEMBER_S: Final = 3600
"""How long the name of a subscriber's last session is kept; the session itself goes before that."""

_FIRST_PAUSE_S: Final = 0.002
_LONGEST_PAUSE_S: Final = 0.1


_BUSY: Final = b":busy"
"""What ends the key that one hop of a session at a time holds."""

# Two commands of every hop, written out with their places: packing them took 4 us a hop, this 1.
_SLOT: Final = b"$%d\r\n%b\r\n"
_SLOT_BUSY: Final = _SLOT[:-2] + _BUSY + b"\r\n"
_TAKE: Final = (
    b"*6\r\n$3\r\nSET\r\n" + _SLOT_BUSY + b"$1\r\n1\r\n$2\r\nNX\r\n$2\r\nPX\r\n"
    + _SLOT % (len(b"%d" % HOLD_MS), b"%d" % HOLD_MS)
    + b"*3\r\n$4\r\nMGET\r\n" + _SLOT + _SLOT
)  # fmt: skip
_LEAVE: Final = (
    b"*5\r\n$3\r\nSET\r\n" + _SLOT + _SLOT + b"$2\r\nEX\r\n" + _SLOT
    + b"*2\r\n$3\r\nDEL\r\n" + _SLOT_BUSY
)  # fmt: skip


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
        name, last, pause = key.name, key.last, _FIRST_PAUSE_S
        size = len(name)
        wire = _TAKE % (size + len(_BUSY), name, size, name, len(last), last)
        commands = Packed(wire, 2)
        while True:
            try:
                held, found = await self._valkey.ask_packed(commands)
            except (ValkeyDown, hiredis.HiredisError) as problem:
                raise NoMemory from problem
            if held is not None:
                stored, before = cast("list[bytes | None]", found)
                return stored, before
            if asyncio.get_running_loop().time() + pause > deadline:
                raise TimeoutError("another hop of this session takes too long")
            await in_a_task()
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
        name, ttl = key.name, b"%d" % ttl_s
        size = len(name)
        wire = _LEAVE % (
            size, name, len(session), session, len(ttl), ttl, size + len(_BUSY), name,
        )  # fmt: skip
        self._valkey.post_packed(Packed(wire, 2))

    def begin(self, key: SessionKey, session: bytes, ttl_s: int) -> None:
        """The same for one that has begun: it is the subscriber's last now."""
        self.leave(key, session, ttl_s)
        self._valkey.post((b"SET", key.last, key.session, b"EX", REMEMBER_S))

    def release(self, key: SessionKey) -> None:
        """Let go of a session as it was."""
        self._valkey.post((b"DEL", key.name + _BUSY))
