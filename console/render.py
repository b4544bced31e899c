"""Templates to pages: one environment, escaping on, the visitor's language and rights at hand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from console import show
from console.roles import Permission
from console.visit import Visit
from kernel.texts import LANGUAGES, RIGHT_TO_LEFT, package_texts

TEXTS = package_texts(__file__)

_HERE = Path(__file__).parent
STATIC: Final = _HERE / "static"
LANGUAGE_NAMES: Final = {"ar": "العربية", "en": "English", "fr": "Français"}


@dataclass(frozen=True, slots=True)
class NavItem:
    """A link of the main navigation; its text key is ``nav.<key>``."""

    key: str
    path: str
    needs: Permission


NAV: Final = (
    NavItem("home", "/console/", Permission.SEE_PAYMENTS),
    NavItem("payments", "/console/payments", Permission.SEE_PAYMENTS),
    NavItem("late_money", "/console/late-money", Permission.SEE_PAYMENTS),
    NavItem("messages", "/console/messages", Permission.SEE_PAYMENTS),
    NavItem("tickets", "/console/tickets", Permission.SEE_TICKETS),
    NavItem("ratings", "/console/ratings", Permission.SEE_TICKETS),
    NavItem("usage", "/console/usage", Permission.SEE_USAGE),
    NavItem("journal", "/console/journal", Permission.SEE_BOOKS),
    NavItem("accounts", "/console/accounts", Permission.SEE_BOOKS),
    NavItem("trial_balance", "/console/trial-balance", Permission.SEE_BOOKS),
    NavItem("closings", "/console/closings", Permission.SEE_BOOKS),
    NavItem("work", "/console/work", Permission.SEE_PAYMENTS),
    NavItem("staff", "/console/staff", Permission.MANAGE_STAFF),
    NavItem("audit", "/console/audit", Permission.SEE_AUDIT),
)

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(
    money=show.money,
    accounting=show.accounting,
    ref=show.ref,
    word=show.word,
    link=show.link,
    language_names=LANGUAGE_NAMES,
)


def text(language: str, key: str, **values: object) -> Markup:
    """A text of the catalogue as markup; values are escaped unless they are markup themselves."""
    plain = escape(TEXTS.get(language, key))
    return plain.format(**values) if values else plain


def page(visit: Visit, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """Render a template of ``console/templates``."""
    return HTMLResponse(markup(visit, template, **values), status)


def markup(visit: Visit, template: str, **values: Any) -> str:
    """The HTML of a page, with everything templates may call bound to the visit."""
    language, zone = visit.language, visit.desk.tzinfo

    def t(key: str, **places: object) -> Markup:
        return text(language, key, **places)

    return _ENVIRONMENT.get_template(template).render(
        t=t,
        has_text=lambda key: key in TEXTS.keys(language),
        visit=visit,
        language=language,
        direction="rtl" if language in RIGHT_TO_LEFT else "ltr",
        other_languages=[code for code in LANGUAGES if code != language],
        when=lambda at, seconds=False: show.moment(at, zone, seconds=seconds),
        zone=visit.desk.zone,
        offset=show.offset(visit.now, zone),
        asset=asset,
        nav=[item for item in NAV if visit.may(item.needs)],
        **values,
    )


def problem_page(visit: Visit, status: int) -> HTMLResponse:
    """A page that says what went wrong; statuses without words of their own speak as 500 does."""
    known = status if f"problem.{status}.title" in TEXTS.keys("ar") else 500
    return page(visit, "problem.html", status=status, code=known)


@cache
def asset(name: str) -> str:
    """URL of a static file; its version is its content, so browsers may keep it for ever."""
    version = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/console/static/{name}?v={version}"
