"""The OpenAPI document of GSMA Mobile Money API 1.2: its requests, and whether one is a valid one.

``gsma_requests.json`` is what this project needs of the published file, made by ``extract``. Where
the published file lies next to the project, a test compares the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import FormatChecker
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

HERE: Final = Path(__file__).parent
EXTRACT: Final = HERE / "gsma_requests.json"
OPERATIONS: Final = (
    ("post", "/transactions/type/{transactionType}"),
    ("post", "/transactions/{transactionReference}/reversals"),
    ("get", "/transactions/{transactionReference}"),
    ("get", "/requeststates/{serverCorrelationId}"),
    ("get", "/responses/{clientCorrelationId}"),
    ("get", "/heartbeat"),
)
"""What we ask operators for."""

_PROSE = ("description", "example", "summary", "tags", "operationId")
_ANSWERS = ("callbacks", "responses")
_HERE_URI = "urn:gsma"


def load(file: Path) -> dict[str, Any]:
    """A document, from JSON or YAML."""
    text = file.read_text("utf-8")
    loaded: dict[str, Any] = (
        json.loads(text) if file.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
    )
    return loaded


def extract(document: Mapping[str, Any]) -> dict[str, Any]:
    """The requests of ``OPERATIONS`` with everything they refer to, without prose and answers."""
    paths: dict[str, Any] = {}
    for method, path in OPERATIONS:
        item = document["paths"][path]
        paths.setdefault(path, {"parameters": _plain(item.get("parameters", []))})
        paths[path][method] = _plain(item[method])
    kept: dict[str, Any] = {"openapi": document["openapi"], "paths": paths, "components": {}}
    open_ends = list(_references(paths))
    while open_ends:
        kind, name = open_ends.pop()
        shelf = kept["components"].setdefault(kind, {})
        if name not in shelf:
            shelf[name] = _plain(document["components"][kind][name])
            open_ends += _references(shelf[name])
    return kept


class Requests:
    """Judges requests against a document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        resource = DRAFT4.create_resource(document)
        self._registry: Registry[Any] = Registry().with_resource(_HERE_URI, resource)
        self._formats = FormatChecker()
        self._formats.checks("date-time", raises=ValueError)(_is_moment)

    def complaints(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> list[str]:
        """What is wrong with a request; nothing if it is a valid one."""
        for template, item in self._document["paths"].items():
            names = re.findall(r"\{(\w+)\}", template)
            found = re.fullmatch(re.sub(r"\{\w+\}", "([^/]+)", template), path)
            if found and method.lower() in item:
                told = dict(zip(names, found.groups(), strict=True))
                return self._judge(item, item[method.lower()], {**headers, **told}, body)
        return [f"no operation {method} {path}"]

    def _judge(
        self, item: dict[str, Any], operation: dict[str, Any], told: Mapping[str, str], body: bytes
    ) -> list[str]:
        complaints = []
        known = set()
        for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
            parameter = self._resolve(parameter)
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            known.add(name)
            if name in told:
                complaints += self._errors(parameter["schema"], told[name], name)
            elif parameter["required"]:
                complaints.append(f"{name} is missing")
        complaints += [
            f"{name} is not a header of this operation"
            for name in told
            if name.startswith("x-") and name not in known
        ]
        return complaints + self._judge_body(operation, told, body)

    def _judge_body(
        self, operation: dict[str, Any], told: Mapping[str, str], body: bytes
    ) -> list[str]:
        if "requestBody" not in operation:
            return ["a body where none belongs"] if body else []
        if told.get("content-type") != "application/json":
            return ["content-type is not application/json"]
        schema = self._resolve(operation["requestBody"])["content"]["application/json"]["schema"]
        return self._errors(schema, json.loads(body), "body")

    def _errors(self, schema: dict[str, Any], value: Any, where: str) -> list[str]:
        if "$ref" in schema:
            schema = {"$ref": _HERE_URI + schema["$ref"]}
        validator = OAS30Validator(schema, registry=self._registry, format_checker=self._formats)
        return [f"{where}: {error.message}" for error in validator.iter_errors(value)]

    def _resolve(self, item: dict[str, Any]) -> dict[str, Any]:
        reference = item.get("$ref")
        if reference is None:
            return item
        found: Any = self._document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return dict(found)


def _plain(value: Any) -> Any:
    """Without prose and answers; a property called ``description`` is an object and stays."""
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _plain(inner)
        for key, inner in value.items()
        if key not in _ANSWERS and (key not in _PROSE or isinstance(inner, dict))
    }


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
    elif isinstance(value, dict):
        if "$ref" in value:
            kind, name = value["$ref"].removeprefix("#/components/").split("/")
            yield kind, name
        for inner in value.values():
            yield from _references(inner)


def _is_moment(text: object) -> bool:
    """RFC 3339 date-time: a moment with its offset."""
    return isinstance(text, str) and datetime.fromisoformat(text).tzinfo is not None
