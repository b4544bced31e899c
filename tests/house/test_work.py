"""Every kind of work that is asked for has somebody who does it."""

from __future__ import annotations

import ast

from jobs.handlers import KINDS
from tests.house.source import place, production, tree


def test_every_kind_that_is_enqueued_is_handled() -> None:
    asked = {}
    for file in production():
        for node in ast.walk(tree(file)):
            if not isinstance(node, ast.Call):
                continue
            if (called := ast.unparse(node.func)).endswith("work.enqueue"):
                asked[ast.unparse(node.args[1])] = place(file, node.lineno)
            elif called.endswith(".want"):
                asked[ast.unparse(node.args[0])] = place(file, node.lineno)
    asked["WORK_KIND"] = "wallets.store_callbacks_v1"
    names = {"COLLECT", "QUERY", "TELL", "TELL_TICKET", "SEND", "ANSWER", "WORK_KIND"}
    assert set(asked) == names, f"add its handler in jobs/handlers.py, then here: {asked}"
    assert len(KINDS) == len(names)
