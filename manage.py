"""The command line behind ./mizan: finds the command's module and hands over."""

import difflib
import importlib
import os
import sys
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True)
class Command:
    """A line of the help, and where the command lives; imported only when it is called."""

    summary: str
    target: str
    on_database: bool = False
    """Runs against MIZAN_DATABASE_URL, or the embedded servers, started if they are down."""
    offline: frozenset[str] = frozenset()
    """First arguments with which it needs no database all the same."""


COMMANDS = {
    "run": Command("start everything on this machine, sandbox included", "launch.run:main"),
    "test": Command("run the tests; arguments go to pytest; --nightly", "launch.testing:main"),
    "web": Command("only the web processes", "launch.web:main"),
    "worker": Command("only a worker, the sweeper and the sealer", "launch.worker:main"),
    "migrate": Command("only bring the database up to date", "launch.migrate:main"),
    "dial": Command("dial a USSD code from this terminal", "sandbox.dial:main"),
    "bill": Command("issue, show and import bills", "fees.cli:main", True),
    "ledger": Command(
        "trial balance, statements, checks, exports",
        "launch.books:main",
        True,
        offline=frozenset({"rules"}),
    ),
    "payments": Command("look up payments and what waits for a person", "payments.cli:main", True),
    "menu": Command("check and draw the USSD menus", "ussd.cli:main"),
    "user": Command("console staff: add, list, disable, enable, unlock", "console.cli:main", True),
    "api-key": Command("keys for agencies and portals", "api.cli:main", True),
    "bench": Command("measure this machine", "benchmarks.cli:main"),
    "lint": Command("check style, types and layers", "launch.lint:main"),
}
HELP_WORDS = {"help", "-h", "--help"}


def main(argv: list[str]) -> int:
    """Run one command; 2 means the command line was not understood."""
    if not argv or argv[0] in HELP_WORDS:
        print(overview())
        return 0
    name, arguments = argv[0], argv[1:]
    command = COMMANDS.get(name)
    if command is None:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {close[0]}?" if close else "./mizan help lists the commands"
        print(f"mizan: no command {name!r}; {hint}", file=sys.stderr)
        return 2
    return call(command, arguments)


def overview() -> str:
    """One line a command."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(["usage: ./mizan COMMAND [arguments]", "", *lines])


def call(command: Command, arguments: list[str]) -> int:
    """Import the module and run it, with servers up for as long as it needs them."""
    module, _, function = command.target.partition(":")
    run = getattr(importlib.import_module(module), function)
    # Asking a command for its own help must not start a database.
    idle = not arguments or arguments[0] in command.offline or HELP_WORDS & set(arguments)
    if command.on_database and not idle:
        from launch.on_database import run_on_database

        return run_on_database(lambda: cast(int, run(arguments)))
    return cast(int, run(arguments))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of a pipe (head, less) has left; Python must not complain while flushing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
