"""Processes that act without being asked: the rq worker, the sweeper, the ledger's sealer."""
