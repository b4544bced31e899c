"""The console's named SQL blocks, for the modules in ``console/pages``."""

from __future__ import annotations

from kernel.sql import package_sql

SQL = package_sql(__file__)
