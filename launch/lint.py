"""./mizan lint: style, formatting, types and layers; all of them, even when the first one fails."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from launch.home import ROOT

SKIPPED = {"var", "tests"}


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
        "types": ["-m", "mypy", *typed_paths()],
        "layers": [
            "-c",
            "import sys; from importlinter.cli import lint_imports_command; "
            "sys.exit(lint_imports_command())",
        ],
    }


def typed_paths() -> list[str]:
    """Our packages and top-level modules, whatever they are called."""
    packages = [path.parent.name for path in ROOT.glob("*/__init__.py")]
    modules = [path.name for path in ROOT.glob("*.py")]
    return sorted({*packages, *modules} - SKIPPED) + [
        name for name in ("tests",) if Path(ROOT, name).is_dir()
    ]


def _passes(name: str, arguments: list[str]) -> bool:
    print(f"lint: {name}", file=sys.stderr, flush=True)
    # import-linter imports our packages by name and is no `python -m` module.
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return (
        subprocess.run([sys.executable, *arguments], cwd=ROOT, env=env, check=False).returncode == 0
    )
