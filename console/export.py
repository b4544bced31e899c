"""CSV for people (RFC 4180): opens in a spreadsheet with Arabic intact, and nothing in it runs
(OWASP ASVS 5.0 §1.2.10).
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Final

from starlette.responses import Response, StreamingResponse

BOM: Final = "\ufeff"
"""Without it spreadsheets take UTF-8 for the local code page."""
PIECE: Final = 64 * 1024
_STARTS_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file as an answer. Cells that are ``Amount`` stay as they are; texts are made inert."""
    return file(name, "text/csv", (BOM + text(header, rows)).encode())


def file(name: str, media_type: str, content: bytes) -> Response:
    """A file as an answer, sent in pieces so that none of them holds up another request."""
    parts = (content[at : at + PIECE] for at in range(0, len(content), PIECE))
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "content-length": str(len(content)),
    }
    return StreamingResponse(_each(parts), media_type=media_type, headers=headers)


async def _each(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The file's text, lines ending in CR LF."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return lines.getvalue()


class Amount(str):
    """Plain digits of our own making (``-5.000``): a leading minus is a number, not a formula."""

    __slots__ = ()


def iso(at: datetime | None, zone: tzinfo) -> str:
    """A moment with its offset: ``2026-11-21T12:00:00+03:00``; empty for none."""
    return "" if at is None else at.astimezone(zone).isoformat(timespec="seconds")


def _cell(value: object) -> str:
    if value is None:
        return ""
    content = str(value)
    if isinstance(value, Amount):
        return content
    return f"'{content}" if content.lstrip(" ").startswith(_STARTS_FORMULA) else content
