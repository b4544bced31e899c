"""./mizan bench: measure this machine, each figure beside its floor."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from benchmarks import ledger, payments, ussd
from benchmarks.machine import shape

BENCHMARKS: dict[str, Callable[[argparse.Namespace], dict[str, object]]] = {
    "ledger": lambda options: ledger.run(_say, is_quick=options.quick),
    "payments": lambda _: payments.run(),
    "ussd": lambda _: ussd.run(),
}


def main(argv: list[str]) -> int:
    """Run one benchmark and print its figures."""
    parser = argparse.ArgumentParser(prog="./mizan bench", description=__doc__)
    parser.add_argument("what", choices=sorted(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="ledger only: smaller, in minutes")
    options = parser.parse_args(argv)
    if options.quick and options.what != "ledger":
        parser.error("--quick is of the ledger's benchmark only")
    figures = {"benchmark": options.what, "machine": shape(), **BENCHMARKS[options.what](options)}
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
