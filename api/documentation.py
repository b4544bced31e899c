"""The docs page: what the tables say, for people."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import HTMLResponse

from api.endpoints import ENDPOINTS, PREFIX
from api.openapi import problems_by_status
from api.pages import page
from api.problems import KINDS
from api.shapes import SHAPES, Schema


def docs_page(public_url: str) -> HTMLResponse:
    """Everything an agency's programmer needs on one page."""
    return page(
        "docs.html",
        {
            "base": public_url + PREFIX,
            "endpoints": ENDPOINTS,
            "problems_by_status": problems_by_status,
            "kinds": KINDS,
            "shapes": {
                name: [_row(field, rule, shape) for field, rule in shape["properties"].items()]
                for name, shape in SHAPES.items()
            },
            "order": json.dumps(
                {"service": "PASSPORT", "payer": "+962790000000", "reference": "case-2026-17"},
                indent=2,
            ),
        },
    )


def _row(name: str, rule: Schema, shape: Schema) -> dict[str, Any]:
    return {
        "name": name,
        "kind": _kind(rule),
        "required": name in shape["required"],
        "about": rule.get("description", ""),
    }


def _kind(rule: Schema) -> str:
    """A schema in a few words: ``^[A-Z]{3}$``, ``whole number 1 to 10000``, ``date or null``."""
    if "anyOf" in rule:
        return " or ".join(_kind(one) for one in rule["anyOf"])
    if "enum" in rule:
        return ", ".join(rule["enum"])
    match rule["type"]:
        case "integer":
            low, high = rule.get("minimum"), rule.get("maximum")
            return f"whole number {low} to {high}" if high else "whole number"
        case "array":
            return "list"
        case "string":
            return str(rule.get("format") or rule.get("pattern") or "text")
        case other:
            return str(other)
