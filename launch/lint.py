"""./mizan lint: style, formatting, types and layers; all of them, even when the first one fails."""

import argparse
import subprocess
import sys

from launch.home import ROOT

IMPORT_LINTER = "from importlinter.cli import lint_imports; sys.exit(lint_imports(no_logo=True))"


def main(argv: list[str]) -> int:
    """0 when every check passes."""
    argparse.ArgumentParser(prog="./mizan lint", description=__doc__).parse_args(argv)
    failed = [name for name, arguments in checks().items() if not _passes(name, arguments)]
    print(f"lint: {', '.join(failed)} failed" if failed else "lint: all good", file=sys.stderr)
    return 1 if failed else 0


def checks() -> dict[str, list[str]]:
    """Each check and its command line behind `python`."""
    return {
        "style": ["-m", "ruff", "check", "."],
        "formatting": ["-m", "ruff", "format", "--check", "."],
        "types": ["-m", "mypy", "."],
        # No `python -m` module; -c also puts the working directory on the path, as it needs.
        "layers": ["-c", f"import sys; {IMPORT_LINTER}"],
    }


def _passes(name: str, arguments: list[str]) -> bool:
    print(f"lint: {name}", file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode == 0
