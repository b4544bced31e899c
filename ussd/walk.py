"""The walk through the menu: what an input means, which screen that leads to, what is shown there.

Works on a session that was read for this hop alone; if it raises, the session is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, TypeAlias

from kernel.digits import to_western
from kernel.errand import within
from kernel.log import event
from ussd.facts import LOADERS, Call
from ussd.hop import Hop, Phase
from ussd.menu import EDITIONS, MENU
from ussd.page import BACK, Line, Nav, Profile, fit
from ussd.screen import NOT_A_CHOICE, SAY, Goto, Notice, Resume, Screen, Stay, View
from ussd.screens.home import LOST, direct
from ussd.session import Args, Session

_MAX_REDIRECTS: Final = 4
_MAX_INPUTS: Final = 8
"""Inputs of one hop: more than one only after lost hops, or when somebody types ``*``."""

_UPDATED: Final = Notice("notice.updated")


async def begin(call: Call, before: Session | None) -> Session:
    """The session of a new dial; ``before``: the subscriber's last one, if it is still there."""
    hop = call.hop
    known = await within(call.deadline, call.gateway.language(hop.msisdn))
    # A language that this network cannot show is not asked for again: other networks show it.
    language = known if known in call.channel.languages else call.channel.default_language
    session = Session(language=language)
    text = to_western(hop.text)
    goto = direct(text.partition("*")[0].rstrip("#"))
    if goto is None and before is not None and (held := _held(before)):
        session.language = before.language
        goto = Goto("resume", {"held": held})
    if goto is None and known not in SAY:
        goto = Goto("language")
    is_lost = bool(text) and hop.phase is not Phase.START
    await _enter(call, session, goto or Goto("home", notice=LOST if is_lost else None))
    return session


async def advance(call: Call, session: Session) -> None:
    """Take the inputs of a hop."""
    screen = MENU.get(session.screen)
    if screen is None or session.edition != EDITIONS[session.screen]:
        # The keys of a page that another version of us has shown may mean something else by now.
        await _return(call, session)
        return
    typed = inputs(call.hop, session, screen)
    if len(typed) > _MAX_INPUTS:
        await _enter(call, session, Goto(session.screen, notice=NOT_A_CHOICE.notice))
        return
    keys = call.page
    for at, key in enumerate(typed):
        step = _turn(session, key.strip(), keys)
        if isinstance(step, Resume):
            await _resume(call, session)
        elif step is not None:
            if at and MENU[step.screen].spends:
                # Nobody has seen this confirm screen yet: show it, and let the rest of it go.
                return
            await _enter(call, session, step)
        if session.ended:
            return


def inputs(hop: Hop, session: Session, screen: Screen) -> list[str]:
    """What was typed since the last hop. A ``*`` parts inputs in cumulative protocols only, and
    not where the screen asks for words.
    """
    text = to_western(hop.text)
    if not hop.is_cumulative:
        return [text]
    new = text[session.length + 1 :] if session.length else text
    return [new] if screen.words else new.split("*")


def _turn(session: Session, key: str, keys: Profile) -> Goto | Resume | None:
    """What one input means: another page (None), a way out, or the screen's own business."""
    screen = MENU[session.screen]
    forward = key == keys.more or (screen.whole and key not in (BACK, keys.home))
    if forward and not session.on_last_page:
        session.page += 1
        return None
    if key == BACK and session.page > 0:
        session.page -= 1
        return None
    if key in (BACK, keys.home) and screen.nav is not Nav.NONE:
        return Goto(_before(session) if key == BACK else "home")
    step = screen.take(session, key)
    if isinstance(step, Stay):
        return Goto(session.screen, notice=step.notice)
    if isinstance(step, Goto):
        _check_edge(screen, step)
    return step


def _before(session: Session) -> str:
    """The screen that ``back`` leads to; one that this version of the menu has not is left out."""
    return next((name for name in reversed(session.trail) if name in MENU), "home")


async def _enter(call: Call, session: Session, goto: Goto) -> None:
    """Follow a move to the screen it ends on, and show that."""
    trail = (*session.trail, session.screen)
    for _ in range(_MAX_REDIRECTS):
        if goto.language is not None:
            await _speak(call, session, goto.language)
        _move(session, goto, trail)
        screen = MENU[session.screen]
        loader = LOADERS.get(screen.name)
        if loader is not None:
            facts = await within(call.deadline, loader(call, session))
            seen = _rendered(screen, session, facts, goto.notice, call.page)
        elif session.args:
            seen = _rendered(screen, session, None, goto.notice, call.page)
        else:
            seen = _plain(screen.name, session.language, call.page, _told(goto.notice))
        if not isinstance(seen, Goto):
            session.pages, remember = seen
            session.args = {**session.args, **remember} if remember else session.args
            session.page = 0
            session.ends = screen.ends
            session.edition = EDITIONS[screen.name]
            return
        _check_edge(screen, seen)
        goto = seen if seen.notice else Goto(seen.screen, seen.args, goto.notice, seen.language)
    raise RuntimeError(f"screens send each other in circles at {session.screen}")


def _check_edge(screen: Screen, goto: Goto) -> None:
    """The drawn menu and the walked one must be the same."""
    if goto.screen not in screen.leads_to:
        raise RuntimeError(f"screen {screen.name} does not lead to {goto.screen}")


async def _speak(call: Call, session: Session, language: str) -> None:
    await within(call.deadline, call.gateway.set_language(call.hop.msisdn, language))
    session.language = language


def _move(session: Session, goto: Goto, trail: tuple[str, ...]) -> None:
    if goto.screen == "home":
        session.trail, session.args = (), {}
    elif goto.screen != session.screen or goto.args:  # else it asks again
        # A screen that was passed before is gone back to: what came after it is forgotten.
        before = trail.index(goto.screen) if goto.screen in trail else len(trail)
        session.trail = trail[:before]
        session.args = {**session.args, **goto.args} if goto.args else session.args
    session.screen = goto.screen


_Told: TypeAlias = tuple[Any, ...]
"""A notice as something to look up: its key, and the values of its places."""


def _told(notice: Notice | None) -> _Told:
    return (notice.key, *notice.values.items()) if notice else ()


@lru_cache(maxsize=1024)
def _plain(
    screen: str, language: str, profile: Profile, told: _Told
) -> tuple[tuple[str, ...], Mapping[str, Any]] | Goto:
    """What a screen shows that knows nothing of anybody: the same for everyone."""
    blank = Session(language=language, screen=screen)
    notice = Notice(told[0], dict(told[1:])) if told else None
    return _rendered(MENU[screen], blank, None, notice, profile)


def _rendered(
    screen: Screen, session: Session, facts: Any, notice: Notice | None, profile: Profile
) -> tuple[tuple[str, ...], Mapping[str, Any]] | Goto:
    say = SAY[session.language]
    seen = screen.show(session, facts, say)
    if not isinstance(seen, View):
        return seen
    first = say(notice.key, **notice.values) if notice else seen.title
    lines = (Line(first), *seen.lines) if first else seen.lines
    pages = fit(lines, profile, nav=screen.nav, words=say.nav, ends=screen.ends)
    return pages, seen.remember


def _held(before: Session) -> Args | None:
    """What a dropped session is resumed from; None if there is nothing to go on with."""
    if before.screen == "resume":
        held: Args | None = before.args.get("held")
        return held
    screen = MENU.get(before.screen)
    if before.ended or before.screen in _LOOKING or (screen is not None and screen.spends):
        return None
    if not set(before.args) - {"options"}:
        return None  # nothing was chosen yet
    return {
        "screen": before.screen,
        "args": before.args,
        "trail": list(before.trail),
        "identity": before.identity,
    }


_LOOKING: Final = frozenset(
    {"home", "language", "help", "payments", "payment", "receipt", "ticket"}
)
"""Screens that nobody would be asked back to."""


async def _resume(call: Call, session: Session) -> None:
    """Go on where the subscriber was: the screen is shown anew, so nothing is agreed to unseen."""
    held = session.args["held"]
    session.screen, session.args, session.trail = held["screen"], held["args"], tuple(held["trail"])
    # The same session to its payments: what it has paid is not paid once more.
    session.identity = call.identity = held["identity"]
    await _return(call, session, notice=None)


async def _return(call: Call, session: Session, notice: Notice | None = _UPDATED) -> None:
    """Show the session's screen anew; if this version of the menu cannot, say so and begin."""
    if session.screen in MENU and not MENU[session.screen].spends:
        try:
            await _enter(call, session, Goto(session.screen, notice=notice))
            return
        except (KeyError, TypeError, ValueError):
            event("ussd.not_resumed", screen=session.screen)
    session.screen, session.trail, session.args = "home", (), {}
    await _enter(call, session, Goto("home", notice=_UPDATED))
