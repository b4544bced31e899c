"""``./mizan dial --script``: plays dialogue files one after the other and tells how they went."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kernel.clock import SystemClock
from kernel.http import HttpClient
from kernel.ids import RandomIds
from sandbox.hop import Line
from sandbox.networks import NETWORKS
from sandbox.operator_phone import Unhappy
from sandbox.player import Player, Report
from sandbox.script import BadScript, Step, read_script

_MANAGE: Final = Path(__file__).resolve().parent.parent / "manage.py"


async def rehearse(options: argparse.Namespace) -> int:
    """0: every file went as written; 1: one did not; 2: one cannot be read."""
    try:
        scripts = {name: _script(name) for name in options.script}
    except BadScript as problem:
        print(f"dial: {problem}", file=sys.stderr)
        return 2
    networks = list(NETWORKS) if options.channel == "all" else [options.channel]
    http, ids, told = HttpClient(), RandomIds(), []
    line = Line(http, options.gateway, SystemClock(), ids)
    try:
        for name, steps in scripts.items():
            for network in networks:
                player = Player(
                    http,
                    line,
                    ids,
                    operator=options.operator,
                    issue=issue_by_command,
                    network=network,
                    values=options.values,
                    wait_s=options.wait,
                )
                began = time.monotonic()
                report = await player.play(steps)
                told.append(_told(name, network, report))
                if not options.json:
                    print(in_words(name, network, report, time.monotonic() - began), flush=True)
    finally:
        await http.close()
    ok = all(one["ok"] for one in told)
    if options.json:
        print(json.dumps({"ok": ok, "dialogues": told}, ensure_ascii=False, indent=2))
    return 0 if ok else 1


async def issue_by_command(agency: str, service: str, options: Mapping[str, str]) -> str:
    """A bill as an agency's clerk issues it, with ``./mizan bill issue``; raises Unhappy."""
    chosen = [part for name, value in options.items() for part in (f"--{name}", value)]
    command = ["bill", "issue", "--agency", agency, "--service", service, *chosen, "--json"]
    pipe = asyncio.subprocess.PIPE
    program = await asyncio.create_subprocess_exec(
        sys.executable, str(_MANAGE), *command, stdout=pipe, stderr=pipe
    )
    out, err = await program.communicate()
    if program.returncode:
        raise Unhappy(f"./mizan {' '.join(command)}: {(err or out).decode().strip()}")
    number: str = json.loads(out)["control_number"]
    return number


def in_words(name: str, network: str, report: Report, seconds: float) -> str:
    """What a person reads of one file: a line, or where it went another way."""
    if report.failure is None:
        return f"ok    {name} on {network}: {len(report.steps)} steps, {seconds:.1f} s"
    failure = report.failure
    lines = [f"WRONG {name}:{failure['line']} on {network}: {failure['step']}"]
    for word in ("expected", "seen"):
        if failure[word]:
            lines += [f"  {word}:", *(f"    {line}" for line in failure[word].splitlines())]
    return "\n".join(lines)


def _told(name: str, network: str, report: Report) -> dict[str, Any]:
    told = {"file": name, "network": network, "ok": report.ok}
    return told | {"failure": report.failure, "steps": report.steps}


def _script(name: str) -> list[Step]:
    try:
        return read_script(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise BadScript(f"cannot read {name}: {problem}") from None
    except BadScript as problem:
        raise BadScript(f"{name}, {problem}") from None
