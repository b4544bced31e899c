"""What passwords are taken, and how they are kept."""

from __future__ import annotations

import time

import pytest

from console import passwords
from console.passwords import PasswordProblem


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "قهوة الصباح في عمّان",
        "only lower case words here",
        "84920175633918",
        "θάλασσα και ήλιος",
        "p4ssw0rd is what my cat typed",
    ],
)
def test_long_passwords_are_taken_whatever_characters_they_are_made_of(password: str) -> None:
    assert passwords.problem(password, name="rana") is None


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd2026!",
        "123456789012",
        "qwertyqwerty",
        "aaaaaaaaaaaaaaa",
        "abcdefghijklmnop",
        "admin-admin-admin",
        "Welcome Welcome 1",
        "mizanmizanmizan",
        "rana.rana.rana",
    ],
)
def test_passwords_made_of_what_everybody_tries_are_refused(password: str) -> None:
    assert passwords.problem(password, name="rana") is PasswordProblem.GUESSABLE


@pytest.mark.parametrize(
    ("password", "expected"),
    [("elevenchars", PasswordProblem.TOO_SHORT), ("long enough " * 11, PasswordProblem.TOO_LONG)],
)
def test_length_is_the_only_form_that_is_asked_for(
    password: str, expected: PasswordProblem
) -> None:
    assert passwords.problem(password) is expected


async def test_a_password_is_kept_as_argon2id_with_the_agreed_cost() -> None:
    stored = await passwords.hashed("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.matches(stored, "correct horse battery")
    assert not await passwords.matches(stored, "correct horse batterz")
    assert not passwords.is_outdated(stored)


async def test_the_same_characters_from_another_keyboard_are_the_same_password() -> None:
    stored = await passwords.hashed("café ﬁnance 2026 amman")
    assert await passwords.matches(stored, "cafe\u0301 finance 2026 amman")


async def test_refusing_somebody_unknown_is_as_much_work_as_refusing_a_wrong_password() -> None:
    stored = await passwords.hashed("correct horse battery")
    await passwords.matches(None, "warm up")
    known = await _fastest(stored)
    unknown = await _fastest(None)
    assert unknown > known / 2


async def _fastest(stored: str | None) -> float:
    durations = []
    for _ in range(5):
        began = time.process_time()
        assert not await passwords.matches(stored, "not this one at all")
        durations.append(time.process_time() - began)
    return min(durations)


def test_generated_passwords_pass_the_rules_and_never_repeat() -> None:
    made = {passwords.generated() for _ in range(50)}
    assert len(made) == 50
    assert all(passwords.problem(each) is None for each in made)
