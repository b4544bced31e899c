"""What GSMA Mobile Money API 1.2 says an operator's answers look like, and whether one does.

``gsma_answers.json`` is what this project needs of the published file, made by ``extract``. Where
the published file lies next to the project, a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jsonschema import FormatChecker
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

HERE: Final = Path(__file__).parent
EXTRACT: Final = HERE / "gsma_answers.json"
ANSWERS: Final = (
    "requestStateObject",
    "errorObject",
    "responseTransaction",
    "responseTransactionType",
    "responseReversal",
    "responseHeartbeat",
    "responseResponse",
    "responseAccountStatus",
    "responseAccountBalance",
)
_PROSE = ("description", "example")
_URI = "urn:gsma-answers"


def extract(document: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas of ``ANSWERS`` with everything they refer to, without prose."""
    schemas = document["components"]["schemas"]
    kept: dict[str, Any] = {}
    open_ends = list(ANSWERS)
    while open_ends:
        name = open_ends.pop()
        if name not in kept:
            kept[name] = _plain(schemas[name])
            open_ends += _references(kept[name])
    return {"components": {"schemas": kept}}


class Answers:
    """Judges answers against the extract."""

    def __init__(self) -> None:
        document = json.loads(EXTRACT.read_text("utf-8"))
        resource = DRAFT4.create_resource(document)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self._formats = FormatChecker()
        self._formats.checks("date-time", raises=ValueError)(_is_moment)

    def complaints(self, name: str, answer: object) -> list[str]:
        """What is wrong with an answer of a kind; nothing if it is a valid one."""
        schema = {"$ref": f"{_URI}#/components/schemas/{name}"}
        validator = OAS30Validator(schema, registry=self._registry, format_checker=self._formats)
        return [error.message for error in validator.iter_errors(answer)]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _plain(inner)
        for key, inner in value.items()
        if key not in _PROSE or isinstance(inner, dict)
    }


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
    elif isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"].removeprefix("#/components/schemas/")
        for inner in value.values():
            yield from _references(inner)


def _is_moment(text: object) -> bool:
    """RFC 3339 date-time: a moment with its offset."""
    return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
