"""Pages of the sandbox: templates, the language of a page, and headers that keep it to itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from kernel.msisdn import Msisdn
from kernel.texts import LANGUAGES, RIGHT_TO_LEFT, package_texts

TEXTS: Final = package_texts(__file__)
LANGUAGE_NAMES: Final = {"ar": "العربية", "en": "English", "fr": "Français"}
ZONES: Final = {
    "+962": "Asia/Amman",
    "+961": "Asia/Beirut",
    "+973": "Asia/Bahrain",
    "+970": "Asia/Hebron",
    "+963": "Asia/Damascus",
}
_FOLDER = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader(_FOLDER / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
STATIC: Final = _FOLDER / "static"
SAFETY: Final = {
    "content-security-policy": (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def language_of(values: Mapping[str, Any]) -> str:
    """The language a query string or a form asks for; Arabic unless it names another."""
    asked = values.get("lang")
    return asked if isinstance(asked, str) and asked in LANGUAGES else "ar"


def zone_of(msisdn: str) -> ZoneInfo:
    """The time zone where a number is at home; Amman for all others."""
    return ZoneInfo(ZONES.get(msisdn[:4], ZONES["+962"]))


def page(template: str, language: str, *, status: int = 200, **values: Any) -> Response:
    """Render one page; templates get ``t`` (texts), ``lang``, ``dir``, ``local`` and ``masked``."""
    text = _TEMPLATES.get_template(template).render(
        t=partial(TEXTS.get, language),
        lang=language,
        dir="rtl" if language in RIGHT_TO_LEFT else "ltr",
        languages=LANGUAGE_NAMES,
        local=_local,
        masked=_masked,
        **values,
    )
    return HTMLResponse(text, status, SAFETY)


def _local(at: str | datetime, zone: ZoneInfo, form: str = "%H:%M") -> str:
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return moment.astimezone(zone).strftime(form)


def _masked(party: str) -> str:
    return Msisdn(party).masked() if party.startswith("+") else party
