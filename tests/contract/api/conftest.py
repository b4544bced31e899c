"""The town of the API tests, for the contract too."""

from tests.unit.api.conftest import town

__all__ = ["town"]
