"""./mizan bench: measure this machine, each figure beside its floor."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

from benchmarks import payments, ussd
from benchmarks.machine import shape

BENCHMARKS: dict[str, Callable[[], dict[str, object]]] = {
    "ussd": ussd.run,
    "payments": payments.run,
}


def main(argv: list[str]) -> int:
    """Run one benchmark and print its figures."""
    parser = argparse.ArgumentParser(prog="./mizan bench", description=__doc__)
    parser.add_argument("what", choices=sorted(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(argv)
    figures = {"benchmark": options.what, "machine": shape(), **BENCHMARKS[options.what]()}
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name:24} {value}")
    return 0
