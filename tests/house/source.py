"""The project's own source, read once for the house rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

PACKAGES = (
    "kernel", "ledger", "fees", "wallets", "payments", "ussd", "sms", "console", "api", "ops",
    "jobs", "launch", "sandbox", "benchmarks",
)  # fmt: skip


@lru_cache
def production() -> tuple[Path, ...]:
    """Every Python file of the product."""
    files = [ROOT / "app.py", ROOT / "manage.py"]
    for package in PACKAGES:
        files += sorted((ROOT / package).rglob("*.py"))
    return tuple(files)


@lru_cache
def tree(file: Path) -> ast.Module:
    """A parsed file."""
    text = file.read_text(encoding="utf-8")
    try:
        return ast.parse(text, str(file))
    except SystemError:
        # CPython 3.11 miscounts its recursion when it collects garbage in the middle (gh-106905).
        return ast.parse(text, str(file))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, inner ones too."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def place(file: Path, line: int = 1) -> str:
    """``package/module.py:12`` for a failure message."""
    return f"{file.relative_to(ROOT)}:{line}"
