"""./mizan ledger: the ledger's commands, where closing also asks what the payments left open."""

from ledger import cli
from ledger.checklist import CHECKS
from ledger.period_commands import ClosingDesk
from payments import closing


def main(argv: list[str]) -> int:
    """Run one command of the ledger with every check there is."""
    return cli.main(argv, ClosingDesk(checks={**CHECKS, **closing.CHECKS}, zones=closing.zones))
