"""./mizan worker: only a worker, the sweeper and the sealer."""

import argparse
import asyncio

from launch import programs
from launch.parts import run_part
from launch.terminal import explained


def main(argv: list[str]) -> int:
    """Work until Ctrl-C."""
    argparse.ArgumentParser(prog="./mizan worker", description=__doc__).parse_args(argv)
    greeting = "worker, sweeper and sealer are running"
    return explained(lambda: run_part(programs.work, _settled, greeting))


async def _settled() -> None:
    """They have no port to ask: surviving their own start-up checks is the sign."""
    await asyncio.sleep(2)
