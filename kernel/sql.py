"""SQL lives in ``<package>/sql/*.sql`` as named blocks; this reads them.

A block starts with ``-- name: insert_bill`` and ends at the next one. Lines of ``--`` right after
the name say what it does. A house test fails on a block nobody uses and on a name nobody wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\s*$", re.MULTILINE)


def named_blocks(folder: Path) -> Mapping[str, str]:
    """All named blocks of the ``.sql`` files directly in a folder, by name."""
    blocks: dict[str, str] = {}
    for file in sorted(folder.glob("*.sql")):
        text = file.read_text(encoding="utf-8")
        marks = list(_NAME.finditer(text))
        ends = [mark.start() for mark in marks[1:]] + [len(text)]
        for mark, end in zip(marks, ends, strict=True):
            if mark["name"] in blocks:
                raise ValueError(f"SQL block {mark['name']} is written twice, again in {file.name}")
            blocks[mark["name"]] = text[mark.end() : end].strip()
    return MappingProxyType(blocks)


def package_sql(module_file: str) -> Mapping[str, str]:
    """The named blocks of the package a module belongs to: ``SQL = package_sql(__file__)``."""
    return named_blocks(Path(module_file).parent / "sql")
