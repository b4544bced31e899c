"""What a new installation gets: demo bills to try and one console login."""

from dataclasses import dataclass

from console import staff
from fees import catalogue
from kernel.database import Database
from launch.embedded import Urls


@dataclass(frozen=True)
class Login:
    """A console login, shown once and stored only as a hash."""

    name: str
    password: str


@dataclass(frozen=True)
class FirstRun:
    """What the banner tells; `login` only when it was made just now."""

    bills: tuple[str, ...]
    login: Login | None


async def prepare(urls: Urls) -> FirstRun:
    """Load the demo catalogue and make the first login, each once in the life of a database."""
    database = await Database.connect(urls.database_url, size=1)
    try:
        async with database.transaction() as connection:
            await catalogue.load_demo(connection)
            bills = await catalogue.demo_bills(connection)
            password = await staff.ensure_first_user(connection)
    finally:
        await database.close()
    login = Login(staff.FIRST_NAME, password) if password else None
    return FirstRun(tuple(f"{bill.control_number}  {bill.description}" for bill in bills), login)
