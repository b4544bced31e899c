"""./mizan ledger: the ledger's commands, with what the ledger alone does not know: what payments
left open when a day is closed, which entry a receipt stands for, what accounts are called.
"""

from kernel import config
from kernel.database import Connection
from ledger import cli
from ledger.checklist import CHECKS
from ledger.documents.compose import Maker
from ledger.period_commands import ClosingDesk
from payments import closing, receipt


def main(argv: list[str]) -> int:
    """Run one command of the ledger with every check and every name there is."""
    desk = ClosingDesk(checks={**CHECKS, **closing.CHECKS}, zones=closing.zones)
    return cli.main(argv, desk, receipt.ledger_key, _named)


async def _named(connection: Connection, maker: Maker) -> Maker:
    """What the console calls things; it takes long to load, and only files need it."""
    from console import names, papers

    return papers.named(maker, await names.read(connection, maker.language, _operators()))


def _operators() -> dict[str, dict[str, str]]:
    """Names of wallet operators; none where there is no more than the database's address."""
    try:
        return {code: each.names for code, each in config.load().wallets.items()}
    except config.ConfigError:
        return {}
