"""XML that strangers send: elements in order, no document types and so no entities, no depth.

A document type is where entities are declared; without one there is nothing to expand or to fetch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

XML: Final = ((b"content-type", b"text/xml; charset=utf-8"),)

_MAX_DEPTH: Final = 12
_MAX_ELEMENTS: Final = 200
_ESCAPED: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;"}
)


@dataclass(slots=True)
class Element:
    """One element, without its place: its attributes, its own text, the number of its parents."""

    tag: str
    attributes: dict[str, str]
    depth: int
    text: str = field(default="")


def elements(document: bytes) -> list[Element] | None:
    """All elements in the order they begin; None for what is no small XML document in UTF-8."""
    found: list[Element] = []
    opened: list[Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(found) >= _MAX_ELEMENTS or len(opened) >= _MAX_DEPTH:
            raise _NotOurs
        element = Element(tag, attributes, len(opened))
        found.append(element)
        opened.append(element)

    def end(_tag: str) -> None:
        opened.pop()

    def text(characters: str) -> None:
        opened[-1].text += characters

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, _NotOurs, ValueError):
        return None
    return found


def escaped(text: str) -> str:
    """Text for an attribute or an element; line breaks survive."""
    return text.translate(_ESCAPED)


class _NotOurs(Exception):
    """The document has what no operator sends."""


def _refuse_doctype(*_declared: object) -> None:
    raise _NotOurs
