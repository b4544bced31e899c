"""docs/add-an-operator.md, followed word for word in a copy of the project, and dialled through."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.house.source import PACKAGES, ROOT

PAGE = ROOT / "docs" / "add-an-operator.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECRETS = {"TELLUS_SECRET": "the-secret-of-tellus", "TELLUS_TOKEN": "the-token-of-tellus"}

DIAL = """
import asyncio, json, os, sys
import httpx
from pathlib import Path
from starlette.applications import Starlette
from kernel.clock import ManualClock
from kernel.config import load
from kernel.privacy import Keys
from kernel.valkey import Valkey
from ussd.fake_gateway import FakeGateway
from ussd.routes import routes
from datetime import UTC, datetime


async def dial():
    settings = load()
    clock = ManualClock(datetime(2026, 11, 21, 9, tzinfo=UTC))
    valkey = Valkey(settings.redis_url)
    door = Starlette(routes=routes(channels=settings.channels, wallets=settings.wallets,
        gateway=FakeGateway(clock), valkey=valkey, keys=Keys(settings.secret_key), clock=clock))
    transport = httpx.ASGITransport(door, client=("192.0.2.7", 1))
    async with httpx.AsyncClient(transport=transport) as line:
        for url, headers, body in json.loads(sys.stdin.read()):
            answer = await line.post(url, headers=headers, content=body.encode())
            print(json.dumps(answer.text))
    await valkey.close()


asyncio.run(dial())
"""


@dataclass(frozen=True)
class Page:
    """The page's blocks, by language and in their order."""

    python: list[str]
    toml: list[str]
    calls: list[str]
    answers: list[str]


def page() -> Page:
    blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    by = {kind: [text for one, text in blocks if one == kind] for kind in ("python", "toml")}
    shell = [text for one, text in blocks if one == "sh" and text.startswith("curl ")]
    shown = [text.strip() for one, text in blocks if one == "text"]
    return Page(by["python"], by["toml"], shell, shown)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is after steps 2, 3 and 4 of the page."""
    home = tmp_path_factory.mktemp("project")
    for name in (*PACKAGES, "config"):
        if name != "ussd":
            (home / name).symlink_to(ROOT / name)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "ussd", home / "ussd", ignore=ignore)
    shutil.copytree(ROOT / "tests" / "contract" / "ussd", home / "tests/contract/ussd")
    shutil.copy(ROOT / "pyproject.toml", home)
    module, imported, row = page().python
    (home / "ussd/dialects/tellus.py").write_text(module, encoding="utf-8")
    (home / "tests/contract/ussd/tellus.toml").write_text(page().toml[0], encoding="utf-8")
    table = home / "ussd/dialects/__init__.py"
    text = table.read_text(encoding="utf-8")
    text = text.replace("\nDIALECTS: ", f"{imported}\nDIALECTS: ", 1)
    table.write_text(text.replace("\n    }\n)", f"\n{row}    }}\n)", 1), encoding="utf-8")
    return home


def run(project: Path, *arguments: str, stdin: str = "", **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project), **environ},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_table_on_the_page_is_proved_and_the_dialect_is_fuzzed(project: Path) -> None:
    tests = [f"tests/contract/ussd/{name}.py" for name in ("test_dialects", "test_dialect_fuzz")]
    chosen = "tellus or tables_and_dialects"
    out = run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", chosen)
    assert " passed" in out


def test_the_module_on_the_page_is_as_strict_as_ours(project: Path) -> None:
    run(project, "-m", "ruff", "check", "--no-cache", "ussd/dialects/tellus.py")
    run(project, "-m", "ruff", "format", "--no-cache", "--check", "ussd/dialects/tellus.py")


async def test_the_calls_on_the_page_get_the_answers_on_the_page(
    project: Path, redis_url: str
) -> None:
    steps = page()
    config = project / "tellus.toml"
    sandbox = (ROOT / "config" / "sandbox.toml").read_text(encoding="utf-8")
    config.write_text(f"{sandbox}\n{steps.toml[1]}", encoding="utf-8")
    calls = []
    for call in steps.calls:
        for name, value in SECRETS.items():
            call = call.replace(f"${name}", value)
        _, _, url, _, header, _, body = shlex.split(call)
        name, _, value = header.partition(": ")
        calls.append([url, {name: value}, body])
    out = run(
        project,
        "-c",
        DIAL,
        stdin=json.dumps(calls),
        **SECRETS,
        MIZAN_CONFIG=str(config),
        MIZAN_DATABASE_URL="postgresql://nobody",
        MIZAN_REDIS_URL=redis_url,
        MIZAN_PUBLIC_URL="http://127.0.0.1:8000",
        MIZAN_SANDBOX_URL="http://127.0.0.1:8001",
        MIZAN_SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyz",
    )
    said = [json.loads(line) for line in out.splitlines()]
    assert len(said) == len(steps.answers) == 4
    for text, expected in zip(said, steps.answers, strict=True):
        pattern = ".*".join(map(re.escape, expected.split("…")))
        assert re.fullmatch(pattern, text, re.DOTALL), f"{text} is not {expected}"
