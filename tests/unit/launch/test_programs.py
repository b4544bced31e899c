"""Who is told what: each program gets the settings that are its business."""

from __future__ import annotations

import socket

from launch import programs
from launch.supervisor import Program

COMMON = {
    "MIZAN_DATABASE_URL": "postgresql://app@db/mizan",
    "MIZAN_REDIS_URL": "redis://cache/0",
    "MIZAN_SECRET_KEY": "k" * 40,
    "MIZAN_PUBLIC_URL": "https://pay.example",
}
OWN = COMMON | {"MIZAN_SEALER_DATABASE_URL": "postgresql://sealer@db/mizan"}


def all_programs(env: dict[str, str]) -> dict[str, Program]:
    with socket.socket() as listener:
        made = [
            *programs.sandbox(listener, env),
            *programs.work(env),
            *programs.web(2, listener, env),
        ]
    return {program.name: program for program in made}


def test_only_the_sealer_signs_in_as_one_who_may_seal() -> None:
    made = all_programs(OWN)
    signs_in = {name: each.env.get("MIZAN_DATABASE_URL") for name, each in made.items()}
    app = COMMON["MIZAN_DATABASE_URL"]
    assert signs_in == {
        "sandbox": None,
        "worker": app,
        "sweeper": app,
        "sealer": OWN["MIZAN_SEALER_DATABASE_URL"],
        "web-1": app,
        "web-2": app,
    }
    assert not any("MIZAN_SEALER_DATABASE_URL" in each.env for each in made.values())


def test_without_an_address_of_its_own_the_sealer_signs_in_like_the_others() -> None:
    for env in (COMMON, COMMON | {"MIZAN_SEALER_DATABASE_URL": ""}):
        assert all_programs(env)["sealer"].env == COMMON


def test_the_operator_of_the_sandbox_holds_no_key_to_the_gateway() -> None:
    assert all_programs(OWN)["sandbox"].env == {"MIZAN_PUBLIC_URL": "https://pay.example"}
