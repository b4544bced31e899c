"""How a hop stands to what its session has already answered: new, repeated, late, or a new dial.

Cumulative protocols tell by the transcript: what was sent is in it. Protocols that send only the
last input tell by the operator's number for the hop. Where there is none, the same input again
within ``TWICE_MS`` is the same hop: nobody reads a screen, presses a key and sends it in that time.
Before money it is ``TWICE_BEFORE_MONEY_MS``: an operator that repeats the key that led to a confirm
screen must not thereby agree to it, and nobody has read a total by then.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from ussd.hop import Hop, Phase
from ussd.session import Session, Vault

TWICE_MS: Final = 1_000
TWICE_BEFORE_MONEY_MS: Final = 5_000
STALE_MS: Final = 15_000
"""Longer than any operator waits for an answer: what looks repeated or late by then is a new dial
under an id that the operator uses again.
"""


class Place(Enum):
    """What a hop is to its session."""

    NEXT = "next"
    REPEATED = "repeated"
    LATE = "late"
    CONFLICT = "conflict"
    """It contradicts what was sent before."""
    OVER = "over"
    """An input after the operator said that the session is over."""
    DIALLED = "dialled"
    """A new dial under a known session id."""


def place(
    session: Session, hop: Hop, vault: Vault, *, now: int, before_money: bool, is_unique: bool
) -> Place:
    """Place a hop that is not an END; times in milliseconds. ``is_unique``: the session's id stands
    for it alone.
    """
    if hop.phase is Phase.START:
        if session.ended and not is_unique:
            return Place.DIALLED  # under the same id, as soon as the last page was read
        return _of_start(session, hop, vault, now)
    if hop.is_cumulative:
        found = _in_transcript(session, hop.text, vault)
    else:
        window = TWICE_BEFORE_MONEY_MS if before_money else TWICE_MS
        found = _of_input(session, hop, vault, is_soon=now - session.at < window)
    if found is Place.NEXT:
        return Place.OVER if session.closed else found
    if hop.phase is None and hop.is_cumulative and _is_dial(session, hop.text, vault, found, now):
        return Place.DIALLED
    return found


def _of_start(session: Session, hop: Hop, vault: Vault, now: int) -> Place:
    is_same = vault.digest(hop.text) == session.dial and now - session.began_at <= STALE_MS
    if session.closed or not is_same:
        return Place.DIALLED
    return Place.REPEATED if session.digest == session.dial else Place.LATE


def _in_transcript(session: Session, text: str, vault: Vault) -> Place:
    known = session.length
    if len(text) < known:
        return Place.LATE
    if vault.digest(text[:known]) != session.digest:
        return Place.CONFLICT
    if len(text) == known:
        return Place.REPEATED
    # After an empty dial the first input follows at once; later ones follow a "*".
    return Place.NEXT if known == 0 or text[known] == "*" else Place.CONFLICT


def _of_input(session: Session, hop: Hop, vault: Vault, *, is_soon: bool) -> Place:
    is_same = vault.digest(hop.text) == session.digest
    if hop.sequence is not None and session.sequence >= 0:
        if hop.sequence > session.sequence:
            return Place.NEXT
        if hop.sequence < session.sequence:
            return Place.LATE
        return Place.REPEATED if is_same else Place.CONFLICT
    return Place.REPEATED if is_same and is_soon and session.length else Place.NEXT


def _is_dial(session: Session, text: str, vault: Vault, found: Place, now: int) -> bool:
    """Whether what is no news to the session is a dial, where the protocol does not say."""
    if now - session.at <= STALE_MS and not session.closed:
        return False
    return found is not Place.REPEATED or vault.digest(text) == session.dial
