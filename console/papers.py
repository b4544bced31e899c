"""The books as files for people: which forms there are, who makes them, where their links lead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final

from starlette.responses import Response

from console import audit, export
from console.audit import Action
from console.export import Amount
from console.names import Names
from console.render import TEXTS
from console.show import link
from console.visit import Problem, Visit
from kernel.money import Money
from ledger.documents.compose import Maker
from ledger.documents.document import Document
from ledger.documents.files import MEDIA_TYPES, Form, render

CSV: Final = "csv"
FORMS: Final = (*(str(form) for form in Form), CSV)
"""Ends of file names, in the order of their links."""

_ONE_AT_A_TIME: Final = ThreadPoolExecutor(1, thread_name_prefix="papers")
"""Thousands of lines take seconds: citizens' requests go on beside one file, not beside ten."""


def form_of(visit: Visit) -> str:
    """The form that the address asks for; there is no page for any other."""
    form: str = visit.request.path_params["form"]
    if form not in FORMS:
        raise Problem(404)
    return form


def links(path: str, **parameters: object) -> list[tuple[str, str]]:
    """Form and address of each file of a page."""
    return [(form, link(f"{path}.{form}", **parameters)) for form in FORMS]


def maker(visit: Visit, called: Names) -> Maker:
    """Documents in the visitor's language, zone and name."""
    staff = visit.signed_in.staff_name
    return named(
        Maker(language=visit.language, at=visit.now, zone=visit.desk.zone, by=staff), called
    )


def named(maker: Maker, called: Names) -> Maker:
    """A maker with words for accounts, rules and currencies."""
    language = maker.language

    def said(key: str, code: str) -> str:
        return TEXTS.get(language, key) if key in TEXTS.keys(language) else code

    return replace(
        maker,
        account=called.account,
        rule=lambda code: said(f"rule.{code}", code),
        currency=lambda code: said(f"currency.{code}", code),
    )


async def record(visit: Visit, subject: str) -> None:
    """Write down who takes which file away."""
    async with visit.desk.database.transaction() as connection:
        await audit.record(
            connection, visit.actor, Action.DOWNLOADED, at=visit.now, subject=subject
        )


async def send(name: str, form: str, document: Document) -> Response:
    """A document as PDF or XLSX; other requests are answered while it is made."""
    known = Form(form)
    loop = asyncio.get_running_loop()
    content = await loop.run_in_executor(_ONE_AT_A_TIME, render, document, known)
    return export.file(f"{name}.{form}", MEDIA_TYPES[known], content)


def send_rows(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """Rows as CSV."""
    return export.download(f"{name}.{CSV}", header, rows)


def plain(amount: Money | None) -> Amount:
    """An amount in a CSV: digits, a point, a minus; nothing for none."""
    return Amount("" if amount is None else amount.plain())
