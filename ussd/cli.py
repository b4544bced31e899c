"""``./mizan menu``: prove that every page fits, and draw the menu."""

from __future__ import annotations

import argparse

from ussd.graph import PICTURES
from ussd.lint import lint
from ussd.menu import MENU


def main(argv: list[str]) -> int:
    """Run a menu command; 1 when something is wrong, 2 when the command line was not understood."""
    parser = argparse.ArgumentParser(prog="./mizan menu", description="The USSD menu.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("lint", help="prove every screen in every language and profile")
    graph = commands.add_parser(
        "graph", help="draw the menu to docs/menu.mmd (Mermaid) and docs/menu.svg"
    )
    graph.add_argument("--check", action="store_true", help="only compare it")
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as usage:
        return int(usage.code or 0)
    return _lint() if arguments.command == "lint" else _graph(check=arguments.check)


def _lint() -> int:
    report = lint()
    for line in report.lines():
        print(line)
    return 1 if report.problems else 0


def _graph(*, check: bool) -> int:
    is_old = False
    for picture, draw in PICTURES.items():
        name, current = f"docs/{picture.name}", draw()
        if not check:
            picture.write_text(current, encoding="utf-8")
            print(f"{len(MENU)} screens drawn to {name}")
        elif picture.is_file() and picture.read_text(encoding="utf-8") == current:
            print(f"{name} is current")
        else:
            is_old = True
            print(f"{name} is old: ./mizan menu graph")
    return 1 if is_old else 0
