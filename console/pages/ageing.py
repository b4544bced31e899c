"""The age of what stands on an account: by bucket, then item by item, the oldest first."""

from __future__ import annotations

from starlette.responses import Response

from console import as_of, names
from console.render import page
from console.visit import Problem, Visit
from kernel.clock import business_date
from ledger.ageing import ageing

MOST_ITEMS = 500


async def show(visit: Visit) -> Response:
    """The ageing of an account at the end of a day, today's if none is given."""
    asked = as_of.of({"as_of": visit.query.get("as_of", "")})
    day = asked.day or business_date(visit.now, visit.desk.zone)
    async with visit.snapshot() as connection:
        found = await ageing(connection, visit.request.path_params["path"], at=day)
        called = await names.load(connection, visit)
    if found is None:
        raise Problem(404)
    return page(
        visit,
        "ageing.html",
        status=422 if asked.is_bad else 200,
        names=called,
        found=found,
        items=found.items[:MOST_ITEMS],
        total_items=len(found.items),
        is_bad=asked.is_bad,
    )
