"""Starts what Mizan needs on one machine: embedded servers, processes, developer commands."""
