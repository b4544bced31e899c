"""Processes that act without being asked: the rq worker and the sweeper, over the work table."""
