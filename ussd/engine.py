"""A hop in, a page out: one read of the session, pure screens, one write that nobody waits for.

Rules that money stands on:

* A repeated or late hop is answered from the session and does nothing.
* A payment starts only on an input to a confirm screen that an earlier hop showed. What arrives
  in one go (``*789*1*2#``, or after a lost session) is taken as far as the confirm screen, never
  past it.
* A session that Valkey lost begins anew; only a control number that was dialled is honoured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import hiredis

from kernel.clock import Clock
from kernel.config import ChannelConfig
from kernel.digits import to_western
from kernel.privacy import Keys
from kernel.valkey import Valkey, ValkeyDown, Value
from ussd import degraded
from ussd.facts import Call, load
from ussd.gateway import Gateway, WalletChoice
from ussd.hop import Hop, Reply
from ussd.menu import MENU
from ussd.page import BACK, Line, Nav, Profile, fit
from ussd.profiles import page_of
from ussd.screen import NOT_A_CHOICE, SAY, Goto, Screen, Stay, View
from ussd.screens.home import LOST, direct
from ussd.session import Place, Session, Vault, dump
from ussd.session import load as read_session

_MAX_REDIRECTS: Final = 4
_MAX_INPUTS: Final = 8
"""Inputs of one hop: more than one only after lost hops, or when somebody types ``*``."""


@dataclass(frozen=True, slots=True)
class Result:
    """A reply, and what the log says about it."""

    reply: Reply
    screen: str
    language: str
    outcome: str


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
    ) -> None:
        self._gateway = gateway
        self._valkey = valkey
        self._vault = Vault.of(keys)
        self._clock = clock
        self._wallets = wallets

    async def answer(self, hop: Hop, channel: ChannelConfig) -> Result:
        """Answer one hop; raises what the gateway raises, and has then changed no session."""
        call = Call(
            hop=hop,
            channel=channel,
            wallets=self._wallets_of(hop, channel),
            gateway=self._gateway,
            vault=self._vault,
            now=self._clock.now(),
        )
        key = self._vault.key(hop)
        try:
            stored = await self._valkey.call("GET", key)
        except (ValkeyDown, hiredis.HiredisError):
            reply, language = await degraded.answer(call)
            return Result(reply, "degraded", language, "degraded")
        session = _read(stored)
        if session is None:
            session, outcome = await _begin(call), "begun"
        else:
            place = self._vault.place(session, hop)
            if place is Place.NEXT and not session.ended:
                session, outcome = await _advance(call, session), "shown"
            else:
                return _replay(session, place, channel)
        session = self._vault.after(session, hop)
        self._valkey.post(("SET", key, dump(session), "EX", channel.session_ttl_s))
        outcome = "ended" if session.ended else outcome
        return Result(session.reply, session.screen, session.language, outcome)

    def _wallets_of(self, hop: Hop, channel: ChannelConfig) -> tuple[WalletChoice, ...]:
        known = channel.wallet_by_network.get(hop.network)
        codes = (known,) if known is not None else channel.wallets
        return tuple(self._wallets[code] for code in codes if code in self._wallets)


def _read(stored: Value) -> Session | None:
    return read_session(stored) if isinstance(stored, bytes) else None


def _replay(session: Session, place: Place, channel: ChannelConfig) -> Result:
    """What a hop gets that may not change anything."""
    if place in (Place.STRANGER, Place.CONFLICT):
        # A stranger learns nothing of the session, not even its language.
        own = place is Place.CONFLICT
        say = SAY[session.language if own else channel.default_language]
        return Result(Reply(say("end.conflict"), True), "conflict", say.language, place.value)
    return Result(session.reply, session.screen, session.language, place.value)


async def _begin(call: Call) -> Session:
    known = await call.gateway.language(call.hop.msisdn)
    language = known if known in SAY else None
    session = Session(
        subscriber=call.vault.subscriber(call.hop),
        language=language or call.channel.default_language,
    )
    transcript = to_western(call.hop.text)
    goto = direct(transcript.partition("*")[0].rstrip("#"))
    if goto is None and language is None:
        goto = Goto("language")
    return await _enter(call, session, goto or Goto("home", notice=LOST if transcript else None))


async def _advance(call: Call, session: Session) -> Session:
    new = to_western(call.hop.text[session.length :])
    inputs = (new[1:] if session.length else new).split("*")
    if len(inputs) > _MAX_INPUTS:
        return await _enter(call, session, Goto(session.screen, notice=NOT_A_CHOICE.notice))
    for at, key in enumerate(inputs):
        goto = _turn(session, key.strip(), page_of(call.channel))
        if isinstance(goto, Session):
            session = goto
        elif at and MENU[goto.screen].spends:
            # Nobody has seen this confirm screen yet: show it, and let the rest of the input go.
            return session
        else:
            session = await _enter(call, session, goto)
        if session.ended:
            break
    return session


def _turn(session: Session, key: str, keys: Profile) -> Session | Goto:
    """What one input means: another page, a way out, or the screen's own business."""
    screen = MENU[session.screen]
    forward = key == keys.more or (screen.whole and key not in (BACK, keys.home))
    if forward and not session.on_last_page:
        return replace(session, page=session.page + 1)
    if key == BACK and session.page > 0:
        return replace(session, page=session.page - 1)
    if key in (BACK, keys.home) and screen.nav is not Nav.NONE:
        return Goto(session.trail[-1] if key == BACK and session.trail else "home")
    step = screen.take(session, key)
    if isinstance(step, Stay):
        return Goto(session.screen, notice=step.notice)
    _check_edge(screen, step)
    return step


async def _enter(call: Call, session: Session, goto: Goto) -> Session:
    """Follow a move to the screen it ends on, and show that."""
    trail = (*session.trail, session.screen)
    for _ in range(_MAX_REDIRECTS):
        session = await _moved(call, session, goto, trail)
        screen = MENU[session.screen]
        say = SAY[session.language]
        seen = screen.show(session, await load(call, session), say)
        if isinstance(seen, View):
            return _shown(session, seen, goto, call.channel)
        _check_edge(screen, seen)
        goto = replace(seen, notice=seen.notice or goto.notice)
    raise RuntimeError(f"screens send each other in circles at {session.screen}")


def _check_edge(screen: Screen, goto: Goto) -> None:
    """The drawn menu and the walked one must be the same."""
    if goto.screen not in screen.leads_to:
        raise RuntimeError(f"screen {screen.name} does not lead to {goto.screen}")


async def _moved(call: Call, session: Session, goto: Goto, trail: tuple[str, ...]) -> Session:
    if goto.language is not None:
        await call.gateway.set_language(call.hop.msisdn, goto.language)
    if goto.screen == "home":
        trail, args = (), {}
    else:
        # A screen that was passed before is gone back to: what came after it is forgotten.
        before = trail.index(goto.screen) if goto.screen in trail else len(trail)
        trail, args = trail[:before], {**session.args, **goto.args}
    return replace(
        session,
        screen=goto.screen,
        args=args,
        trail=trail,
        language=goto.language or session.language,
    )


def _shown(session: Session, view: View, goto: Goto, channel: ChannelConfig) -> Session:
    screen, say = MENU[session.screen], SAY[session.language]
    first = say(goto.notice.key, **goto.notice.values) if goto.notice else view.title
    pages = fit(
        (Line(first), *view.lines) if first else view.lines,
        page_of(channel),
        nav=screen.nav,
        words=say.nav,
        ends=screen.ends,
    )
    return replace(
        session, args={**session.args, **view.remember}, pages=pages, page=0, ends=screen.ends
    )
