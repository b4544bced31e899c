"""Says it aloud when a program that should check the exports is missing."""

from __future__ import annotations

import shutil

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line at the end of the run."""
    if not shutil.which("hledger"):
        terminalreporter.write_line("hledger is not installed: only beancount checked the exports")
