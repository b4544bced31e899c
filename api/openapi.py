"""The API's description, OpenAPI 3.1, made from the tables it runs on."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from api.endpoints import ENDPOINTS, KEY_PROBLEMS, PREFIX, Endpoint, Parameter
from api.problems import KINDS, MEDIA_TYPE
from api.shapes import SHAPES

VERSION: Final = "1.0.0"


def document(public_url: str) -> dict[str, Any]:
    """The whole description of the API served at an address."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for endpoint in ENDPOINTS:
        paths[endpoint.path][endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mizan for agencies",
            "version": VERSION,
            "description": "Issue bills for government fees, follow their payment, check receipts.",
        },
        "servers": [{"url": f"{public_url}{PREFIX}"}],
        "security": [{"key": []}],
        "paths": dict(paths),
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(SHAPES),
        },
    }


def problems_by_status(endpoint: Endpoint) -> dict[int, list[str]]:
    """Codes of everything that can go wrong, by HTTP status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in (*endpoint.problems, *KEY_PROBLEMS):
        by_status[KINDS[code].status].append(code)
    return dict(sorted(by_status.items()))


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    answers: dict[str, Any] = {
        str(status): {
            "description": "Done." if status == 200 else "Made.",
            "content": {"application/json": {"schema": _ref(shape)}},
        }
        for status, shape in endpoint.answers.items()
    }
    for status, codes in problems_by_status(endpoint).items():
        answers[str(status)] = {
            "description": "; ".join(f"{code}: {KINDS[code].advice}" for code in codes),
            "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
        }
    operation: dict[str, Any] = {
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "description": endpoint.about,
        "parameters": [_parameter(parameter) for parameter in endpoint.parameters],
        "responses": answers,
    }
    if endpoint.body:
        content = {"application/json": {"schema": _ref(endpoint.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.about,
        "schema": parameter.schema,
    }


def _ref(shape: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{shape}"}
