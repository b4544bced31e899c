"""./mizan ledger: the ledger's commands, with what only the payments know: what they left open when
a day is closed, and which entry a receipt stands for.
"""

from ledger import cli
from ledger.checklist import CHECKS
from ledger.period_commands import ClosingDesk
from payments import closing, receipt


def main(argv: list[str]) -> int:
    """Run one command of the ledger with every check there is."""
    desk = ClosingDesk(checks={**CHECKS, **closing.CHECKS}, zones=closing.zones)
    return cli.main(argv, desk, receipt.ledger_key)
