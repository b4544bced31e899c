"""The public receipt check, ``/verify`` and ``/verify/{code}``: anybody, any phone, no script.

A wrong code, a code of the wrong length and a forged one get the same page. Guessing is slowed per
client (kernel/limits.py).
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.desk import ApiDesk
from api.pages import HEADERS, page
from api.problems import AWAY
from kernel.digits import grouped, only_digits
from kernel.limits import Limit
from kernel.log import event, fault
from kernel.texts import RIGHT_TO_LEFT, package_texts
from payments import receipt
from payments.receipt import CODE_DIGITS, CODE_GROUP, ReceiptCheck

TEXTS = package_texts(__file__)

LANGUAGE_NAMES: Final = {"ar": "العربية", "en": "English", "fr": "Français"}

_WINDOW_S: Final = 60


async def verify_form(desk: ApiDesk, request: Request) -> Response:
    """The form; what was typed in it moves to an address of its own."""
    del desk
    language = _language(request)
    typed = request.query_params.get("code", "").strip()
    digits = only_digits(typed) if typed else None
    if digits:
        query = urlencode({"lang": language})
        return RedirectResponse(f"/verify/{digits[:40]}?{query}", 303, HEADERS)
    return _page(language, "form", "/verify", typed=typed[:40])


async def verify_code(desk: ApiDesk, request: Request) -> Response:
    """Whether a receipt is genuine, and what it is for."""
    language = _language(request)
    path = request.url.path
    if not await _may_check(desk, request):
        event("limit.reached", limit="receipt_checks", channel="web")
        retry = {"retry-after": str(_WINDOW_S)}
        return _page(language, "slowed", path, status=429, headers=retry)
    code = only_digits(request.path_params["code"]) or ""
    try:
        found = await receipt.check(desk.desk, code)
    except AWAY:
        fault("verify.unavailable")
        retry = {"retry-after": "5"}
        return _page(language, "unavailable", path, status=503, headers=retry)
    event("verify.checked", genuine=found is not None)
    if found is None:
        return _page(language, "unknown", path, status=404)
    return _page(language, "genuine", path, receipt=_shown(language, code, found))


def _page(
    language: str,
    result: str,
    path: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    typed: str = "",
    receipt: dict[str, str] | None = None,
) -> Response:
    values: dict[str, Any] = {
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
        "languages": LANGUAGE_NAMES,
        "t": lambda key: TEXTS.get(language, key, length=CODE_DIGITS),
        "path": path,
        "result": result,
        "receipt": receipt,
        "typed": typed,
        "length": CODE_DIGITS,
    }
    return page("verify.html", values, status, headers)


def _shown(language: str, code: str, found: ReceiptCheck) -> dict[str, str]:
    at = found.paid_at.astimezone(ZoneInfo(found.zone))
    return {
        "number": grouped(found.number, 4),
        "code": grouped(code, CODE_GROUP),
        "agency": found.agency_names.get(language) or found.agency_names["ar"],
        "service": found.service_names.get(language) or found.service_names["ar"],
        "amount": found.amount.grouped(),
        "currency": TEXTS.get(language, f"currency.{found.amount.currency}"),
        "date": f"{at:%d/%m/%Y}",
        "time": f"{at:%H:%M}",
        "datetime": at.isoformat(timespec="minutes"),
    }


def _language(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    return asked if asked in TEXTS.languages else TEXTS.languages[0]


async def _may_check(desk: ApiDesk, request: Request) -> bool:
    """Count this client's checks."""
    network = _network(request.client.host if request.client else "")
    limit = Limit("receipt_checks", desk.checks_a_minute, _WINDOW_S)
    turn, _ = await desk.limits.take(limit, network)
    if not turn.within:
        turn.give_back()
    return turn.within


def _network(host: str) -> str:
    """An IPv4 address, or the /64 that one IPv6 household owns."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return host if address.version == 4 else str(ip_network(f"{address}/64", strict=False))
