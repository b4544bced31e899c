"""How the menu is used: stages of paying, day by day, where dialogues stop, how long it takes."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from console import audit, export, names, plots, usage
from console.audit import Action
from console.names import Names
from console.period import PRESETS
from console.render import TEXTS, page
from console.show import link
from console.statements import SQL
from console.usage import BY, STAGES, Usage, UsageFilter
from console.visit import Visit
from kernel.clock import business_date
from kernel.database import Row
from kernel.texts import LANGUAGES, RIGHT_TO_LEFT

USAGE = "/console/usage"
DRAWN = (0, 2, 3)
"""Stages that have a line: opened, confirmed, collected."""
MOST_BARS = 10


async def show(visit: Visit) -> Response:
    """The page; all of it for one filter."""
    chosen = usage.of(visit)
    async with visit.snapshot() as connection:
        found = await usage.load(connection, chosen)
        called = await names.load(connection, visit)
    return page(
        visit,
        "usage.html",
        filter=chosen,
        periods=PRESETS,
        found=found,
        names=called,
        stages=STAGES,
        drawn=[STAGES[at] for at in DRAWN],
        whose=lambda value: _whose(visit, called, chosen.by, value),
        screen=lambda name: screen_name(visit, name),
        piece=lambda day: _piece(chosen, day),
        duration=lambda seconds: duration(visit, seconds),
        funnel=_funnel(visit, found),
        days=_days(visit, chosen, found),
        stops=_stops(visit, found),
        by=BY,
        languages=LANGUAGES,
        csv=link(f"{USAGE}.csv", **chosen.query),
        screens_csv=link(f"{USAGE}-screens.csv", **chosen.query),
    )


async def download(visit: Visit) -> Response:
    """The stages by day, channel, service and language as CSV."""
    chosen = usage.of(visit)
    async with visit.snapshot() as connection:
        rows = await connection.fetch(SQL["usage_file"], *chosen.parameters())
    header = ("day", "channel", "service", "language", *STAGES)
    return await _file(visit, "usage", chosen, (header, rows))


async def download_screens(visit: Visit) -> Response:
    """Screens as CSV; milliseconds are those of all hops together."""
    chosen = usage.of(visit)
    async with visit.snapshot() as connection:
        rows = await connection.fetch(SQL["usage_screens"], *chosen.screen_parameters())
    told = ("timed_out", "cancelled", "dropped")
    header = ("screen", "entered", "moved_on", "ended", "abandoned", *told, "hops", "failed", "ms")
    return await _file(visit, "usage-screens", chosen, (header, rows))


async def _file(
    visit: Visit, name: str, chosen: UsageFilter, table: tuple[tuple[str, ...], list[Row]]
) -> Response:
    header, rows = table
    async with visit.desk.database.transaction() as connection:
        await audit.record(
            connection,
            visit.actor,
            Action.DOWNLOADED,
            at=visit.now,
            subject=link(f"{name}.csv", **chosen.query),
            reason=f"{len(rows)} rows",
        )
    day = business_date(visit.now, visit.desk.zone).isoformat()
    return export.download(f"{name}-{day}.csv", header, ([*row] for row in rows))


def duration(visit: Visit, seconds: float | None) -> str:
    """Seconds for people: ``48 s``, ``3 min 20 s``; a dash for none."""
    if seconds is None:
        return "–"
    minutes, rest = divmod(round(seconds), 60)
    key = "usage.minutes" if minutes else "usage.seconds"
    return TEXTS.get(visit.language, key, minutes=minutes, seconds=rest)


def _whose(visit: Visit, called: Names, by: str, value: str) -> str:
    """What a line of the split table is about."""
    if by == "language":
        return TEXTS.get(visit.language, f"usage.language.{value}") if value in LANGUAGES else value
    if by == "service" and "/" in value:
        agency, _, service = value.partition("/")
        return f"{called.short_agency(agency)} – {called.short_service(agency, service)}"
    return value


def _piece(chosen: UsageFilter, day: date) -> str:
    return day.isoformat()[: 10 if chosen.piece == "day" else 7]


def _is_rtl(visit: Visit) -> bool:
    return visit.language in RIGHT_TO_LEFT


def _funnel(visit: Visit, found: Usage) -> object:
    rows = []
    for at, (stage, count) in enumerate(found.whole.steps):
        share = found.whole.share(at)
        words = f"{count:,}" if share is None or at == 0 else f"{count:,} ({share}%)"
        rows.append((TEXTS.get(visit.language, f"usage.stage.{stage}"), count, words))
    named = ", ".join(f"{label} {words}" for label, _, words in rows)
    title = TEXTS.get(visit.language, "usage.funnel")
    return plots.bars(f"{title}: {named}", rows, is_rtl=_is_rtl(visit))


def _days(visit: Visit, chosen: UsageFilter, found: Usage) -> object:
    labels = [_piece(chosen, day) for day, _ in found.pieces]
    series = [[funnel.counts[at] for _, funnel in found.pieces] for at in DRAWN]
    title = TEXTS.get(visit.language, f"usage.over.{chosen.piece}")
    return plots.lines(title, labels, series, is_rtl=_is_rtl(visit))


def _stops(visit: Visit, found: Usage) -> object:
    rows = [
        (
            screen_name(visit, row["screen"]),
            row["abandoned"],
            f"{row['abandoned']:,} ({round(100 * row['abandoned'] / row['entered'])}%)",
        )
        for row in found.screens
        if row["abandoned"]
    ][:MOST_BARS]
    return plots.bars(TEXTS.get(visit.language, "usage.stops"), rows, is_rtl=_is_rtl(visit))


def screen_name(visit: Visit, screen: str) -> str:
    """A screen as people call it; one without words is called by its name in the menu."""
    key = f"screen.{screen}"
    return TEXTS.get(visit.language, key) if key in TEXTS.keys(visit.language) else screen
