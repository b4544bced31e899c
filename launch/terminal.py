"""What commands tell the person who started them, and how they are stopped."""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator

from kernel.config import ConfigError
from launch.account import AccountError
from launch.database import DatabaseError
from launch.home import HomeError
from launch.listening import PortError
from launch.server import ServerError
from launch.supervisor import StartFailed


def say(text: str) -> None:
    """One line for the person, on standard error."""
    print(f"mizan: {text}", file=sys.stderr, flush=True)


def explained(work: Callable[[], int]) -> int:
    """Turn expected failures into a line and a code: 2 cannot as asked, 1 went wrong."""
    try:
        return work()
    except (HomeError, PortError, ConfigError, DatabaseError) as problem:
        say(str(problem))
        return 2
    except (ServerError, AccountError, StartFailed) as problem:
        say(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130


@contextlib.contextmanager
def signals_raise() -> Iterator[None]:
    """Outside an event loop, TERM and HUP unwind like Ctrl-C, so that servers are stopped."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # ignored under nohup
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
