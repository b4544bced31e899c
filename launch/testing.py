"""./mizan test: pytest on everything, side by side on the cores; arguments go to pytest."""

import os
import shutil
import subprocess
import sys

from launch.home import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FEWEST, MOST = 2, 4
"""Processes. Tests also wait, so even one core gains by two; each has servers of its own."""

NOT_KEPT = "PYTHONDONTWRITEBYTECODE"

# Who says how to run, or chooses tests, gets pytest as it is; a debugger needs the terminal.
ONE_S_OWN_WAY = (
    *("-k", "-m", "--lf", "--last-failed", "--sw", "--stepwise"),
    *("-n", "--numprocesses", "--dist", "--tx", "-p"),
    *("--pdb", "--trace", "-s", "--capture"),
)


def main(argv: list[str]) -> int:
    """Run the tests and say which kind could not run."""
    command = [sys.executable, "-m", "pytest", *shared_out(argv, cores())]
    code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
    if not has_chromium():
        print(
            "mizan: no Chromium on this machine, so the browser tests did not run"
            " (Debian, Ubuntu: apt install chromium)",
            file=sys.stderr,
        )
    return code


def shared_out(argv: list[str], cores: int) -> list[str]:
    """Arguments for pytest: the whole suite goes to several processes, a file to one of them."""
    if any(not word.startswith("-") or word.startswith(ONE_S_OWN_WAY) for word in argv):
        return argv
    processes = min(max(cores, FEWEST), MOST)
    # In the order of folders the long ones (browser, faults, journeys) come before the many short
    # ones, which then fill the gaps.
    return [f"--numprocesses={processes}", "--dist=loadfile", "--no-loadscope-reorder", *argv]


def environment() -> dict[str, str]:
    """Ours, but what is compiled is kept: the programs that tests start are a hundred and more."""
    return {name: value for name, value in os.environ.items() if name != NOT_KEPT}


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_chromium() -> bool:
    """Whether the browser tests can run."""
    named = os.environ.get("MIZAN_CHROMIUM")
    return any(shutil.which(name) for name in ([named] if named else BROWSERS))
