"""A new dial after a dropped session: one question, after the news of a payment if there is any."""

from __future__ import annotations

from typing import Final

from ussd.gateway import Recent
from ussd.page import Line, Nav
from ussd.screen import NOT_A_CHOICE, Goto, Resume, Say, Screen, Stay, View, choices
from ussd.session import Session


def _show_resume(_session: Session, news: Recent | None, say: Say) -> View:
    told = (Line(say(f"home.{news.state}", amount=say.money(news.total))),) if news else ()
    labels = choices([("1", say("resume.go_on")), ("2", say("resume.anew"))])
    return View(lines=(*told, Line(say("resume.ask")), *labels))


def _take_resume(_session: Session, key: str) -> Goto | Stay | Resume:
    if key == "1":
        return Resume()
    return Goto("home") if key == "2" else NOT_A_CHOICE


SCREENS: Final = (
    Screen(name="resume", show=_show_resume, take=_take_resume, leads_to=("home",), nav=Nav.NONE),
)
