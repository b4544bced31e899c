"""Documents as files: which forms there are, and who makes each.

The library behind PDF takes a second and 30 MB to load. Only a process that makes one pays that.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from ledger.documents.document import Document


class Form(StrEnum):
    """A form of file, named by the end of its file's name."""

    PDF = "pdf"
    XLSX = "xlsx"


MEDIA_TYPES: Final = {
    Form.PDF: "application/pdf",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def render(document: Document, form: Form) -> bytes:
    """The file; the same document gives the same bytes. Takes seconds for thousands of rows."""
    if form is Form.PDF:
        from ledger.documents import pdf

        return pdf.render(document)
    from ledger.documents import xlsx

    return xlsx.render(document)
