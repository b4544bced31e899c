"""The console's route table: every page with its method and the permission it asks for."""

from __future__ import annotations

from typing import Final

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from console.desk import Desk
from console.guard import Page, endpoint
from console.pages import (
    account,
    ageing,
    closings,
    files,
    home,
    ledger,
    payment,
    payments,
    people,
    queues,
    tickets,
    usage,
)
from console.render import STATIC
from console.roles import Permission as P
from console.shield import Shield
from console.visit import Problem, Visit

ASSETS: Final = {"console.css": "text/css", "mark.svg": "image/svg+xml"}


async def static_file(request: Request) -> Response:
    """A stylesheet or picture; its URL changes with its content."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise Problem(404)
    keep = {"cache-control": "public, max-age=31536000, immutable"}
    return FileResponse(STATIC / name, headers=keep, media_type=ASSETS[name])


async def nowhere(visit: Visit) -> Response:
    """Any other address."""
    del visit
    raise Problem(404)


PAGES: Final = (
    Page("GET", "/sign-in", None, account.show_sign_in),
    Page("POST", "/sign-in", None, account.post_sign_in),
    Page("POST", "/sign-out", P.OWN_ACCOUNT, account.sign_out),
    Page("POST", "/language", P.OWN_ACCOUNT, account.set_language),
    Page("GET", "/password", P.OWN_ACCOUNT, account.show_password),
    Page("POST", "/password", P.OWN_ACCOUNT, account.post_password),
    Page("GET", "/", P.OWN_ACCOUNT, home.show),
    Page("GET", "/payments", P.SEE_PAYMENTS, payments.show_list),
    Page("POST", "/payments", P.SEE_PAYMENTS, payments.find_number),
    Page("GET", "/payments.csv", P.DOWNLOAD, payments.download),
    Page("GET", "/payments/{id:uuid}", P.SEE_PAYMENTS, payment.show_one),
    Page("POST", "/payments/{id:uuid}", P.REVEAL_NUMBER, payment.reveal),
    Page("GET", "/late-money", P.SEE_PAYMENTS, queues.show_late_money),
    Page("GET", "/messages", P.SEE_PAYMENTS, queues.show_messages),
    Page("GET", "/work", P.SEE_PAYMENTS, queues.show_work),
    Page("GET", "/tickets", P.SEE_TICKETS, tickets.show_list),
    Page("GET", "/tickets/{id:uuid}", P.SEE_TICKETS, tickets.show_one),
    Page("POST", "/tickets/{id:uuid}", P.ANSWER_TICKETS, tickets.end),
    Page("GET", "/ratings", P.SEE_TICKETS, tickets.show_ratings),
    Page("GET", "/usage", P.SEE_USAGE, usage.show),
    Page("GET", "/usage.csv", P.DOWNLOAD, usage.download),
    Page("GET", "/usage-screens.csv", P.DOWNLOAD, usage.download_screens),
    Page("GET", "/journal", P.SEE_BOOKS, ledger.show_journal),
    Page("GET", "/journal/{id:uuid}", P.SEE_BOOKS, ledger.show_transaction),
    Page("GET", "/journal/{id:uuid}/proof.json", P.DOWNLOAD, files.proof),
    Page("GET", "/accounts", P.SEE_BOOKS, ledger.show_accounts),
    Page("GET", "/accounts/{path}.{form}", P.DOWNLOAD, files.statement),
    Page("GET", "/accounts/{path}/ageing", P.SEE_BOOKS, ageing.show),
    Page("GET", "/accounts/{path}", P.SEE_BOOKS, ledger.show_statement),
    Page("GET", "/trial-balance", P.SEE_BOOKS, ledger.show_trial_balance),
    Page("GET", "/trial-balance.{form}", P.DOWNLOAD, files.trial_balance),
    Page("GET", "/closings", P.SEE_BOOKS, closings.show_list),
    Page("POST", "/closings", P.CLOSE_BOOKS, closings.change),
    Page("GET", "/closings/{number:int}", P.SEE_BOOKS, closings.show_one),
    Page("GET", "/staff", P.MANAGE_STAFF, people.show_staff),
    Page("POST", "/staff", P.MANAGE_STAFF, people.change_staff),
    Page("GET", "/audit", P.SEE_AUDIT, people.show_audit),
    Page("GET", "/{rest:path}", P.OWN_ACCOUNT, nowhere),
)


def routes(desk: Desk) -> list[BaseRoute]:
    """Everything under ``/console/``."""
    guarded = [Route(page.path, endpoint(desk, page), methods=[page.method]) for page in PAGES]
    static = Route("/static/{name}", static_file, methods=["GET"])
    return [
        Mount("/console", routes=[static, *guarded], middleware=[Middleware(Shield, desk=desk)])
    ]
