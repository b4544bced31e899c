"""The town every test of the API starts from."""

from __future__ import annotations

import pytest

from kernel.clock import ManualClock
from kernel.database import Database
from kernel.privacy import Keys
from kernel.valkey import Valkey
from tests.unit.api.agencies import Town, found


@pytest.fixture
async def town(database: Database, valkey: Valkey, keys: Keys, clock: ManualClock) -> Town:
    """Two agencies with keys and the demo catalogue."""
    return await found(database, valkey, keys, clock)
