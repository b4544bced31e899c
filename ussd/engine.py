"""A hop in, a page out: one read of the session, pure screens, one write that nobody waits for.

Rules that money stands on:

* A repeated or late hop is answered from the session and does nothing.
* A payment starts only on an input to a confirm screen that an earlier hop showed. What arrives
  in one go (``*789*1*2#``, or after a lost session) is taken as far as the confirm screen, never
  past it; nor does a session that is resumed go past it.
* A session that Valkey lost begins anew; only a control number that was dialled is honoured.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from kernel.clock import Clock
from kernel.config import ChannelConfig
from kernel.errand import within
from kernel.log import event
from kernel.privacy import Keys
from kernel.valkey import Valkey
from ussd import degraded
from ussd.analytics import Standing, reached, standing
from ussd.facts import Call
from ussd.gateway import Gateway, WalletChoice
from ussd.hop import Ending, Hop, Phase, Reply
from ussd.menu import BEFORE_MONEY
from ussd.page import Profile
from ussd.place import Place, place
from ussd.profiles import PROFILES, SessionIds, page_of
from ussd.screen import SAY
from ussd.session import Session, SessionKey, Vault, dump, load
from ussd.store import NoMemory, Store
from ussd.walk import advance, begin

DEADLINE_S: Final = 8.0
"""Operators give an application about ten seconds; those that give less say so in a profile."""

MARGIN: Final = 0.8
"""Of the time an operator gives us, so that our own page is there before its error."""


class Result(msgspec.Struct):
    """A reply, what the log says about it, and for the statistics where the session came from and
    stands, if it moved.
    """

    reply: Reply
    screen: str
    language: str
    outcome: str
    came: Standing | None = None
    stands: Standing | None = None
    stages: tuple[str, ...] = ()


class _Terms(NamedTuple):
    """What holds for every hop of a channel, worked out once.

    ``patience_s``: how long a hop may take. ``has_unique_ids``: whether a session's id stands for
    it alone. ``wallets``: that its subscribers can pay from, and those of one network.
    """

    channel: ChannelConfig
    page: Profile
    patience_s: float
    has_unique_ids: bool
    wallets: tuple[WalletChoice, ...]
    by_network: Mapping[str, tuple[WalletChoice, ...]]


class Engine:
    """Answers hops of all channels of one installation."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        valkey: Valkey,
        keys: Keys,
        clock: Clock,
        wallets: Mapping[str, WalletChoice],
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._gateway = gateway
        self._store = Store(valkey)
        self._vault = Vault(keys)
        self._clock = clock
        self._wallets = wallets
        self._deadline_s = deadline_s
        self._settled: dict[str, _Terms] = {}

    async def answer(self, hop: Hop, channel: ChannelConfig) -> Result:
        """Answer a hop that is not an END; raises what the gateway raises, and TimeoutError, and
        has then changed no session.
        """
        terms = self._terms(channel)
        key = self._vault.key(hop, is_unique=terms.has_unique_ids)
        call = self._call(hop, terms, key)
        try:
            stored, last = await self._store.take(key, call.deadline)
        except NoMemory:
            reply, language = await within(call.deadline, degraded.answer(call))
            return Result(reply, "degraded", language, "degraded")
        try:
            session = load(stored) if stored is not None else None
            if session is None:
                before = await self._last(key, last)
                return await self._begin(call, key, before, is_one_of_a_kind=call.is_unique)
            return await self._go_on(call, key, session)
        except BaseException:
            self._store.release(key)
            raise

    async def end(self, hop: Hop, channel: ChannelConfig) -> Result:
        """Take note that the operator has closed a session, which may be resumed by a new dial."""
        terms = self._terms(channel)
        key = self._vault.key(hop, is_unique=terms.has_unique_ids)
        call = self._call(hop, terms, key)
        nobody_sees = Reply("", True)
        try:
            stored, _ = await self._store.take(key, call.deadline)
        except NoMemory:
            return Result(nobody_sees, "degraded", channel.default_language, "over")
        session = load(stored) if stored is not None else None
        if session is None or session.closed or session.owner != key.owner:
            self._store.release(key)
            return Result(nobody_sees, "none", channel.default_language, "over")
        session.closed = True
        self._store.leave(key, dump(session), channel.session_ttl_s)
        ending = _ending(session, hop)
        if ending is Ending.DROPPED:
            event("ussd.dropped", channel=hop.channel, screen=session.screen, reason=hop.reason)
        came = standing(session)
        return Result(nobody_sees, came.screen, came.language, ending.value, came, came)

    async def _go_on(self, call: Call, key: SessionKey, session: Session) -> Result:
        if session.owner != key.owner:
            self._store.release(key)
            # A stranger learns nothing of the session, not even its language.
            return _conflict(call.channel.default_language, "stranger")
        found = self._place(session, call)
        if found is Place.DIALLED:
            return await self._begin(call, key, session, is_one_of_a_kind=False)
        if found is not Place.NEXT or session.ended:
            self._store.release(key)
            return _replay(session, found)
        call.identity = session.identity
        came = standing(session)
        await advance(call, session)
        stages = reached(session)
        self._note(session, call)
        self._store.leave(key, dump(session), call.channel.session_ttl_s)
        return _result(session, "shown", came, stages)

    def _terms(self, channel: ChannelConfig) -> _Terms:
        known = self._settled.get(channel.name)
        if known is None or known.channel is not channel:
            known = self._settled[channel.name] = self._settle(channel)
        return known

    def _settle(self, channel: ChannelConfig) -> _Terms:
        def choices(codes: Iterable[str]) -> tuple[WalletChoice, ...]:
            return tuple([self._wallets[code] for code in codes if code in self._wallets])

        return _Terms(
            channel=channel,
            page=page_of(channel),
            patience_s=min(self._deadline_s, (channel.answer_s or self._deadline_s) * MARGIN),
            has_unique_ids=PROFILES[channel.profile].session_ids is SessionIds.UNIQUE,
            wallets=choices(channel.wallets),
            by_network={
                network: choices([code]) for network, code in channel.wallet_by_network.items()
            },
        )

    def _call(self, hop: Hop, terms: _Terms, key: SessionKey) -> Call:
        return Call(
            hop=hop,
            channel=terms.channel,
            page=terms.page,
            wallets=terms.by_network.get(hop.network, terms.wallets),
            gateway=self._gateway,
            vault=self._vault,
            now_ms=self._clock.milliseconds(),
            deadline=time.monotonic() + terms.patience_s,
            identity=key.session.decode(),
            is_unique=terms.has_unique_ids and bool(hop.session_id),
        )

    def _place(self, session: Session, call: Call) -> Place:
        return place(
            session,
            call.hop,
            self._vault,
            now=call.now_ms,
            before_money=session.screen in BEFORE_MONEY,
            is_unique=call.is_unique,
        )

    async def _last(self, key: SessionKey, last: bytes | None) -> Session | None:
        """The subscriber's last session, if it may still be gone on with."""
        if last is None or last == key.session:
            return None
        stored = await self._store.look(key.other(last))
        return load(stored) if stored is not None else None

    async def _begin(
        self, call: Call, key: SessionKey, before: Session | None, *, is_one_of_a_kind: bool
    ) -> Result:
        if not is_one_of_a_kind:
            # Another session may come under this id today and pay for the same once more.
            call.identity += f"-{call.now_ms}"
        session = await begin(call, before)
        session.owner = key.owner
        session.identity = call.identity
        session.began_at = call.now_ms
        session.dial = self._vault.digest(call.hop.text)
        session.length = -1
        stages = reached(session)
        self._note(session, call)
        self._store.begin(key, dump(session), call.channel.session_ttl_s)
        return _result(session, "begun", None, stages)

    def _note(self, session: Session, call: Call) -> None:
        """Where the session stands once a hop is answered."""
        hop = call.hop
        session.at = call.now_ms
        session.digest = self._vault.digest(hop.text)
        session.sequence = -1 if hop.sequence is None else hop.sequence
        if hop.is_cumulative:
            session.length = len(hop.text)
        elif session.length < 0:
            session.length = int(hop.phase is not Phase.START and bool(hop.text))
        else:
            session.length += 1


def _result(
    session: Session, outcome: str, came: Standing | None, stages: tuple[str, ...]
) -> Result:
    outcome = "ended" if session.ended else outcome
    screen, language = session.screen, session.language
    return Result(session.reply, screen, language, outcome, came, standing(session), stages)


def _replay(session: Session, found: Place) -> Result:
    """What a hop gets that may not change anything."""
    if found in (Place.CONFLICT, Place.OVER):
        return _conflict(session.language, found.value)
    return Result(session.reply, session.screen, session.language, found.value)


def _conflict(language: str, outcome: str) -> Result:
    return Result(Reply(SAY[language]("end.conflict"), True), "conflict", language, outcome)


def _ending(session: Session, hop: Hop) -> Ending:
    """Nothing is completed that we have not closed, and nothing that we have was left."""
    if session.ended:
        return Ending.COMPLETED
    return Ending.DROPPED if hop.ending is Ending.COMPLETED else hop.ending
