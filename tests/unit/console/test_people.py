"""Staff, the audit trail and the command line."""

from __future__ import annotations

import asyncio
import re
from io import StringIO

import asyncpg
import pytest

from console import staff
from console.cli import main
from console.roles import Role
from kernel.database import Database
from tests.unit.console.conftest import PASSWORD, Hire, Visitor, logged, one_row
from tests.unit.console.story import Story


async def test_the_first_user_is_made_once_and_can_sign_in(
    database: Database, visitor: Visitor
) -> None:
    async with database.transaction() as connection:
        password = await staff.ensure_first_user(connection)
        assert await staff.ensure_first_user(connection) is None
    assert password is not None
    assert (await visitor.sign_in("admin", password)).status_code == 303
    assert (await visitor.get("/staff")).status_code == 200


async def test_of_processes_that_start_together_one_makes_the_first_user(
    database: Database,
) -> None:
    async def begin() -> str | None:
        async with database.transaction() as connection:
            return await staff.ensure_first_user(connection)

    passwords = await asyncio.gather(*(begin() for _ in range(4)))
    assert len([each for each in passwords if each]) == 1


async def test_somebody_added_on_the_page_signs_in_with_the_password_shown_once(
    admin: Visitor, visitor: Visitor
) -> None:
    answer = await admin.post("/staff", page="/staff", do="add", name="Ziad.K", role="auditor")
    shown = re.search(r'class="secret"><bdi[^>]*>([^<]+)<', answer.text)
    assert shown
    assert shown[1] not in (await admin.get("/staff")).text
    assert (await visitor.sign_in("ziad.k", shown[1])).status_code == 303
    assert (await visitor.get("/audit")).status_code == 200


async def test_names_that_will_not_do_or_are_taken_are_refused(admin: Visitor) -> None:
    for name in ("", "x", "9lives", "has space", "عمر", "a" * 41, "amal"):
        answer = await admin.post("/staff", page="/staff", do="add", name=name, role="viewer")
        assert answer.status_code == 422, name
        assert 'class="secret"' not in answer.text


async def test_an_agencys_people_are_added_with_an_agency_that_exists_and_others_without(
    admin: Visitor, story: Story, database: Database
) -> None:
    del story  # its catalogue has the agency
    for role, agency in (("agency", ""), ("agency", "JO-NONE"), ("finance", "JO-CSPD")):
        refused = await admin.post(
            "/staff", page="/staff", do="add", name="lina", role=role, agency=agency
        )
        assert refused.status_code == 422
        assert "The agency role needs an agency" in refused.text
    await admin.post(
        "/staff", page="/staff", do="add", name="lina", role="agency", agency="JO-CSPD"
    )
    assert ">Civil Status and Passports Department</small>" in (await admin.get("/staff")).text
    row = await one_row(
        database, "SELECT reason FROM console.audit WHERE action = 'staff_added' AND reason <> ''"
    )
    assert row["reason"] == "agency JO-CSPD"


async def test_an_administrator_cannot_lock_everybody_out(admin: Visitor) -> None:
    answer = await admin.post("/staff", page="/staff", do="disable", name="amal")
    assert answer.status_code == 422
    assert (await admin.get("/staff")).status_code == 200


async def test_a_disabled_person_comes_back_when_enabled(
    admin: Visitor, visitor: Visitor, hire: Hire
) -> None:
    await hire("rana", Role.VIEWER)
    await admin.post("/staff", page="/staff", do="disable", name="rana")
    assert (await visitor.sign_in("rana")).status_code == 401
    await admin.post("/staff", page="/staff", do="enable", name="rana")
    assert (await visitor.sign_in("rana")).status_code == 303


async def test_unlocking_ends_the_wait(admin: Visitor, visitor: Visitor, hire: Hire) -> None:
    await hire("rana", Role.VIEWER)
    for _ in range(6):
        last = await visitor.sign_in("rana", "wrong wrong wrong")
    assert last.status_code == 429
    await admin.post("/staff", page="/staff", do="unlock", name="rana")
    assert (await visitor.sign_in("rana")).status_code == 303


async def test_the_audit_trail_says_who_did_what_and_is_read_by_person_and_action(
    admin: Visitor, visitor: Visitor, hire: Hire
) -> None:
    await hire("rana", Role.VIEWER)
    await visitor.sign_in("rana", "wrong wrong wrong")
    await visitor.sign_in("rana")
    await visitor.post("/sign-out")
    await admin.post("/staff", page="/staff", do="disable", name="rana")
    everything = (await admin.get("/audit")).text
    for words in ("failed to sign in", "signed in", "signed out", "disabled somebody"):
        assert words in everything, words
    only = (await admin.get("/audit", staff="rana", action="sign_in_failed")).text
    body = only.partition("<tbody")[2].partition("</tbody>")[0]
    assert "failed to sign in" in body
    assert "signed out" not in body
    assert "amal" not in body


async def test_a_password_typed_as_a_name_is_kept_nowhere(
    visitor: Visitor, hire: Hire, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await hire("rana", Role.VIEWER)
    typed = "my canary passphrase"
    await visitor.sign_in(typed, "anything at all")
    async with database.read() as connection:
        for table in ("audit", "sign_in_failure", "session"):
            rows = await connection.fetch(f"SELECT * FROM console.{table}")
            assert typed not in str([dict(row) for row in rows])
    assert "console.sign_in" in logged(caplog)
    assert typed not in logged(caplog)


async def test_the_audit_trail_can_only_grow(owner: Database, hire: Hire) -> None:
    await hire("rana", Role.VIEWER)
    for statement in (
        "UPDATE console.audit SET reason = 'nothing to see'",
        "DELETE FROM console.audit",
        "TRUNCATE console.audit",
    ):
        async with owner.read() as connection:
            with pytest.raises(asyncpg.CheckViolationError, match="append-only"):
                await connection.execute(statement)


class Terminal:
    """Runs ``./mizan user`` commands, in a thread because each has an event loop of its own."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    async def __call__(self, *arguments: str, typed: str = "") -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        self._capture.readouterr()
        try:
            code = await asyncio.to_thread(main, list(arguments), stdin=StringIO(typed))
        except SystemExit as left:
            code = int(str(left.code))
        said = self._capture.readouterr()
        return code, said.out, said.err


@pytest.fixture
def terminal(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A terminal on the test's database."""
    monkeypatch.setenv("MIZAN_DATABASE_URL", database_url)
    return Terminal(capsys)


async def test_the_command_line_adds_lists_disables_enables_and_unlocks(
    terminal: Terminal, visitor: Visitor
) -> None:
    code, out, _ = await terminal("add", "rana", "--role", "finance")
    assert code == 0
    password = re.search(r"Password \(shown only now\): (\S+)", out)
    assert password
    assert (await visitor.sign_in("rana", password[1])).status_code == 303
    _, out, _ = await terminal("list")
    assert re.search(r"rana\s+finance\s+active\s+last sign-in: 2026-11-21", out)
    assert password[1] not in out
    assert (await terminal("disable", "rana"))[0] == 0
    assert (await visitor.get("/")).status_code == 303
    assert (await terminal("enable", "rana"))[0] == 0
    assert (await terminal("unlock", "rana"))[0] == 0
    assert (await visitor.sign_in("rana", password[1])).status_code == 303


async def test_a_password_from_standard_input_follows_the_rules_and_is_not_repeated(
    terminal: Terminal, visitor: Visitor
) -> None:
    code, _, err = await terminal(
        "add", "rana", "--role", "viewer", "--password-stdin", typed="password1234\n"
    )
    assert (code, "first passwords" in err) == (1, True)
    code, out, _ = await terminal(
        "add", "rana", "--role", "viewer", "--password-stdin", typed=f"{PASSWORD}\n"
    )
    assert code == 0
    assert PASSWORD not in out
    assert (await visitor.sign_in("rana")).status_code == 303


async def test_commands_that_cannot_be_done_say_why_on_stderr(terminal: Terminal) -> None:
    for arguments, expected, words in (
        (("disable", "nobody"), 1, "Nobody with this name"),
        (("add", "Rana", "--role", "viewer"), 1, "This name will not do"),
        (("add", "rana", "--role", "king"), 2, "invalid choice"),
        ((), 2, "COMMAND"),
    ):
        code, out, err = await terminal(*arguments)
        assert (code, out) == (expected, "")
        assert words in err


async def test_without_a_database_the_command_line_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MIZAN_DATABASE_URL", raising=False)
    assert await asyncio.to_thread(main, ["list"]) == 2
    assert "MIZAN_DATABASE_URL is not set" in capsys.readouterr().err
