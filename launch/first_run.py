"""What a new installation gets: demo bills to try and one console login."""

from dataclasses import dataclass

from launch.embedded import Urls


@dataclass(frozen=True)
class Login:
    """A console login, shown once and stored only as a hash."""

    name: str
    password: str


@dataclass(frozen=True)
class FirstRun:
    """What the banner tells; `login` only when it was made just now."""

    control_numbers: tuple[str, ...]
    login: Login | None


async def prepare(urls: Urls) -> FirstRun:
    """Load the demo catalogue and make the first login, each once in the life of a database."""
    return FirstRun(await load_demo(urls), await make_login(urls))


async def load_demo(urls: Urls) -> tuple[str, ...]:
    """Control numbers of demo bills that can be paid now."""
    del urls
    return ()


async def make_login(urls: Urls) -> Login | None:
    """The console's first user, or None when there is one."""
    del urls
    return None
