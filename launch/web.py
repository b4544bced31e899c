"""./mizan web: only the web processes."""

import argparse

from launch import programs
from launch.listening import add_options, listen, until_answering, url_of
from launch.parts import run_part
from launch.terminal import explained, say


def main(argv: list[str]) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="./mizan web", description=__doc__)
    add_options(parser)
    options = parser.parse_args(argv)
    return explained(lambda: _serve(options))


def _serve(options: argparse.Namespace) -> int:
    with listen(options.host, options.port, "--port") as listener:
        return run_part(
            lambda env: programs.web(options.workers, listener, env),
            lambda: until_answering(listener, "/readyz", say),
            f"web processes are ready at {url_of(listener)}",
            public_url=url_of(listener),
        )
