"""Honest figures: each beside its floor, measured in the same run, printed as JSON."""
