"""The ledger as a process uses it: ``submit`` one transaction, share a commit with all others."""

from __future__ import annotations

from kernel.database import Database
from kernel.group_commit import GroupCommit
from ledger import journal
from ledger.journal import Result, Transaction

_AT_ONCE = 500
"""Transactions in one commit: with more, a thousand callers would wait in step for one lane."""


class Ledger:
    """Books transactions of concurrent callers in common commits; any number of processes may.

    Only callers that use the same ids again under other keys can make two sessions wait for each
    other: the database ends one after a second, and its batch is written again (id_taken).
    """

    def __init__(self, database: Database, *, waiting: int = 10_000, lanes: int = 3) -> None:
        self.commits = GroupCommit[Transaction, Result](
            database,
            journal.submit,
            recall=journal.recall,
            name="ledger",
            one_statement=True,
            limit=_AT_ONCE,
            waiting=waiting,
            lanes=lanes,
        )

    async def submit(self, transaction: Transaction) -> Result:
        """Book it; returns when that is committed. Giving up the wait does not undo it.

        Raises kernel.group_commit.Busy (nothing booked: come again later) or Lost (ask again with
        the same key), and what the database raised for this transaction.
        """
        return await self.commits.submit(transaction)

    async def close(self) -> None:
        """Take nothing more, finish what was accepted."""
        await self.commits.close()
