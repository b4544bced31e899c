"""./mizan migrate: bring the database up to date and say what was done."""

import argparse
import asyncio
import os


def main(argv: list[str]) -> int:
    """Apply pending migrations to MIZAN_DATABASE_URL, or to the embedded database."""
    argparse.ArgumentParser(prog="./mizan migrate", description=__doc__).parse_args(argv)
    from launch.on_database import run_on_database

    return run_on_database(_migrate, needs_tables=False)


def _migrate() -> int:
    from kernel.migrations import migrate

    applied = asyncio.run(migrate(os.environ["MIZAN_DATABASE_URL"]))
    for migration in applied:
        print(f"{migration.package} {migration.number:04} {migration.name}")
    print(f"{len(applied)} applied" if applied else "up to date")
    return 0
