"""./mizan test: pytest on everything, side by side on the cores; arguments go to pytest.

``--nightly``: only those that find more the longer they run, with 100,000 cases each.
"""

import os
import shutil
import subprocess
import sys

from launch.home import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MOST = 4
"""Processes: one more than there are cores, for tests also wait; each has servers of its own."""

NOT_KEPT = "PYTHONDONTWRITEBYTECODE"

# Who says how to run, or chooses tests, gets pytest as it is; a debugger needs the terminal.
ONE_S_OWN_WAY = (
    *("-k", "-m", "--lf", "--last-failed", "--sw", "--stepwise"),
    *("-n", "--numprocesses", "--dist", "--tx", "-p"),
    *("--pdb", "--trace", "-s", "--capture"),
)

NIGHTLY = "--nightly"
AT_NIGHT = (
    "tests/properties/test_ledger_machine.py",
    "tests/properties/test_short_way.py",
    "tests/contract/ussd/test_dialect_fuzz.py",
    "tests/unit/ussd/test_fuzz.py",
)
CASES = {"MIZAN_LEDGER_OPERATIONS": "100000", "MIZAN_FUZZ_CASES": "100000"}
"""How many operations and cases they do then; who has set another number gets that."""


def main(argv: list[str]) -> int:
    """Run the tests and say which kind could not run."""
    command = [sys.executable, "-m", "pytest", *shared_out(argv, cores())]
    code = subprocess.run(command, cwd=ROOT, env=environment(argv), check=False).returncode
    if not has_chromium():
        print(
            "mizan: no Chromium on this machine, so the browser tests did not run"
            " (Debian, Ubuntu: apt install chromium)",
            file=sys.stderr,
        )
    return code


def shared_out(argv: list[str], cores: int) -> list[str]:
    """Arguments for pytest: the whole suite goes to several processes, a file to one of them."""
    if NIGHTLY in argv:
        return [*_spread(cores), *(word for word in argv if word != NIGHTLY), *AT_NIGHT]
    if any(not word.startswith("-") or word.startswith(ONE_S_OWN_WAY) for word in argv):
        return argv
    # In the order of folders the long ones (browser, faults, journeys) come before the many short
    # ones, which then fill the gaps.
    return [*_spread(cores), "--no-loadscope-reorder", *argv]


def _spread(cores: int) -> list[str]:
    """Arguments for pytest: several processes, each of which takes a file at a time."""
    return [f"--numprocesses={min(cores + 1, MOST)}", "--dist=loadfile"]


def environment(argv: list[str]) -> dict[str, str]:
    """Ours, but what is compiled is kept: the programs that tests start are a hundred and more. At
    night with many cases, unless somebody says how many.
    """
    kept = {name: value for name, value in os.environ.items() if name != NOT_KEPT}
    return CASES | kept if NIGHTLY in argv else kept


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_chromium() -> bool:
    """Whether the browser tests can run."""
    named = os.environ.get("MIZAN_CHROMIUM")
    return any(shutil.which(name) for name in ([named] if named else BROWSERS))
