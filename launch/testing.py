"""./mizan test: pytest on everything; arguments go to pytest."""

import os
import shutil
import subprocess
import sys

from launch.home import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(argv: list[str]) -> int:
    """Run the tests and say which kind could not run."""
    code = subprocess.run([sys.executable, "-m", "pytest", *argv], cwd=ROOT, check=False).returncode
    if not has_chromium():
        print(
            "mizan: no Chromium on this machine, so the browser tests did not run"
            " (Debian, Ubuntu: apt install chromium)",
            file=sys.stderr,
        )
    return code


def has_chromium() -> bool:
    """Whether the browser tests can run."""
    named = os.environ.get("MIZAN_CHROMIUM")
    return any(shutil.which(name) for name in ([named] if named else BROWSERS))
