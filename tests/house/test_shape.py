"""Sizes, names and habits that keep the code readable. A failure names the place and what to do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.house.source import PACKAGES, ROOT, functions, place, production, tree

MAX_FILE = 400
MAX_FUNCTION = 60
MAX_POSITIONAL = 4
BANNED_FILES = {"utils", "util", "helpers", "common", "core", "services", "managers", "models"}

BANNED_CALLS = {
    "datetime.now": "take a Clock (kernel.clock)",
    "datetime.utcnow": "take a Clock (kernel.clock)",
    "datetime.today": "take a Clock (kernel.clock)",
    "uuid.uuid4": "take Ids (kernel.ids)",
    "uuid4": "take Ids (kernel.ids)",
    "time.time": "take a Clock, or time.monotonic for durations",
    "pickle.loads": "JSON only: a pickle is code",
}
MAY_TELL_TIME = {"kernel/clock.py", "kernel/ids.py", "kernel/log.py"}

BANNED_WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|mock\.patch|time\.sleep\(")
MAY_SLEEP = {"launch/embedded.py", "launch/rehearsal.py", "launch/server.py", "launch/process.py"}

MONEY_PACKAGES = ("ledger", "fees", "payments")


def test_files_are_short() -> None:
    long = [
        f"{place(file)} has {count} lines"
        for file in production()
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > MAX_FILE
    ]
    assert not long, f"split by noun, {MAX_FILE} lines at most: {long}"


def test_functions_are_short() -> None:
    long = [
        f"{place(file, node.lineno)} {node.name} has {_length(node)} lines"
        for file in production()
        for node in functions(file)
        if _length(node) > MAX_FUNCTION
    ]
    assert not long, f"take a step out, {MAX_FUNCTION} lines at most: {long}"


def test_positional_parameters_are_few() -> None:
    many = []
    for file in production():
        for node in functions(file):
            names = [argument.arg for argument in node.args.posonlyargs + node.args.args]
            count = len([name for name in names if name not in ("self", "cls")])
            if count > MAX_POSITIONAL + 1:
                many.append(f"{place(file, node.lineno)} {node.name} takes {count}")
    assert not many, f"make them keyword-only: {many}"


def test_no_file_has_a_name_that_says_nothing() -> None:
    vague = [place(file) for file in production() if file.stem in BANNED_FILES]
    assert not vague, f"name the noun inside: {vague}"


def test_every_module_says_what_it_is() -> None:
    silent = [place(file) for file in production() if not ast.get_docstring(tree(file))]
    assert not silent, f"one to five lines at the top: {silent}"


def test_public_things_are_described() -> None:
    silent = []
    for file in production():
        for node in tree(file).body:
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
                and not node.name.startswith("_")
                and not ast.get_docstring(node)
            ):
                silent.append(f"{place(file, node.lineno)} {node.name}")
    assert not silent, f"shapes, units, errors in a line: {silent}"


def test_time_ids_and_chance_come_in_through_the_door() -> None:
    found = []
    for file in production():
        if str(file.relative_to(ROOT)) in MAY_TELL_TIME or file.parts[-2] == "benchmarks":
            continue
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Call) and (why := BANNED_CALLS.get(ast.unparse(node.func))):
                found.append(f"{place(file, node.lineno)} {ast.unparse(node.func)}: {why}")
    assert not found, found


def test_no_float_touches_money() -> None:
    found = [
        f"{place(file, node.lineno)} {ast.unparse(node)}"
        for package in MONEY_PACKAGES
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(tree(file))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in ("float", "round"))
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not _joins_paths(node))
    ]
    assert not found, f"kernel.money.allocate divides, Money.parse reads: {found}"


def test_nothing_is_left_for_later() -> None:
    found = []
    for file in production():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            hit = BANNED_WORDS.search(line)
            if hit and not (
                hit[0].startswith("time.sleep") and str(file.relative_to(ROOT)) in MAY_SLEEP
            ):
                found.append(f"{place(file, number)} {hit[0]}")
    assert not found, found


def test_no_test_is_skipped_and_none_reaches_inside() -> None:
    banned = re.compile(r"pytest\.skip|mark\.skip|mark\.xfail|unittest\.mock|monkeypatch\.setattr")
    allowed = re.compile(r'setattr\("tempfile\.tempdir"|skipif\(os\.geteuid\(\) != 0')
    found = [
        f"{place(file, number)} {line.strip()}"
        for file in sorted((ROOT / "tests").rglob("*.py"))
        if file.parent != Path(__file__).parent
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if banned.search(line) and not allowed.search(line)
    ]
    assert not found, f"use a fake at our own port: {found}"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_one_that_the_layers_know(package: str) -> None:
    assert (ROOT / package / "__init__.py").exists()
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"{package}"' in settings or package == "benchmarks"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    doc = node.body[0] if ast.get_docstring(node) else None
    spent = (doc.end_lineno or 0) - doc.lineno + 1 if doc is not None else 0
    return (node.end_lineno or 0) - node.lineno + 1 - spent


def _joins_paths(node: ast.BinOp) -> bool:
    """``folder / "file"`` is no division."""
    text = ast.unparse(node)
    return "'" in text or '"' in text or "path" in text.lower()
