"""Callbacks that come together: one commit, one row each, and nobody pays for a neighbour."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from kernel.clock import ManualClock
from kernel.group_commit import Busy
from kernel.ids import RandomIds
from kernel.money import Money
from kernel.privacy import Keys
from tests.unit.commit_gate import CuttableDatabase, gate_at_commit
from wallets import collections
from wallets.callbacks import routes
from wallets.inbox import Inbox, StoredCallback
from wallets.port import Evidence
from wallets.tokens import callback_token, digest


@dataclass
class Post:
    """An inbox, and collections whose callbacks it takes."""

    inbox: Inbox
    database: CuttableDatabase
    keys: Keys
    clock: ManualClock
    collections: list[UUID]

    def evidence(self, body: bytes = b"{}") -> Evidence:
        return Evidence(
            kind="callback", at=self.clock.now(), method="PUT", url_path="/callbacks/…", body=body
        )

    async def comes(self, to: UUID, evidence: Evidence | None = None) -> StoredCallback | None:
        told = evidence or self.evidence()
        token = digest(callback_token(self.keys, to))
        return await self.inbox.store(token, told, size=len(told.body))

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        async with self.database.transaction() as connection:
            return await connection.fetch(sql)

    async def stored(self) -> list[tuple[UUID, bytes, int]]:
        found = await self.rows(
            "SELECT collection, body, repeats FROM wallets.evidence ORDER BY position"
        )
        return [tuple(row) for row in found]

    async def work(self) -> set[str]:
        return {row["key"] for row in await self.rows("SELECT key FROM kernel.work")}


@pytest.fixture
async def post(
    database_url: str, keys: Keys, ids: RandomIds, clock: ManualClock
) -> AsyncIterator[Post]:
    database = CuttableDatabase(database_url)
    await database.open()
    made = [ids.new() for _ in range(200)]
    async with database.transaction() as connection:
        for one in made:
            await collections.create_many(
                connection,
                [
                    collections.NewCollection(
                        id=one,
                        wallet="sandbox",
                        payer=b"p" * 16,
                        amount=Money(5_000, "JOD"),
                        callback_digest=digest(callback_token(keys, one)),
                        at=clock.now(),
                    )
                ],
            )
    inbox = Inbox(database, ids)
    yield Post(inbox, database, keys, clock, made)
    await inbox.close()
    await database.close()


async def test_two_hundred_callbacks_at_once_are_few_commits_and_each_is_stored(
    post: Post,
) -> None:
    told = await asyncio.gather(*(post.comes(one) for one in post.collections))
    assert [one.collection for one in told if one and not one.is_repeat] == post.collections
    assert {row[0] for row in await post.stored()} == set(post.collections)
    assert await post.work() == {str(one.evidence) for one in told if one}
    commits = await post.rows("SELECT count(DISTINCT xmin::text) FROM wallets.evidence")
    assert commits[0][0] <= 4


async def test_callbacks_about_one_collection_keep_the_order_in_which_they_came(
    post: Post,
) -> None:
    bodies = [f"{n}".encode() for n in range(40)]
    one = post.collections[0]
    await asyncio.gather(*(post.comes(one, post.evidence(body)) for body in bodies))
    assert [body for _, body, _ in await post.stored()] == bodies


async def test_identical_ones_in_one_batch_are_a_row_with_its_count(post: Post) -> None:
    one, other = post.collections[:2]
    told = await asyncio.gather(*(post.comes(each) for each in (one, other, one, one)))
    assert [each.is_repeat for each in told if each] == [False, False, True, True]
    assert len({each.evidence for each in told if each}) == 2
    again = await post.comes(other)
    assert again is not None
    assert (again.evidence, again.is_repeat) == (told[1] and told[1].evidence, True)
    assert {row[0]: row[2] for row in await post.stored()} == {one: 2, other: 1}


async def test_a_token_that_nobody_has_writes_nothing_and_disturbs_nobody(
    post: Post, ids: RandomIds
) -> None:
    one, stranger = post.collections[0], ids.new()
    told = await asyncio.gather(*(post.comes(each) for each in (stranger, one, stranger)))
    assert [each is None for each in told] == [True, False, True]
    assert len(await post.stored()) == len(await post.work()) == 1


async def test_a_callback_that_cannot_be_stored_fails_alone(post: Post) -> None:
    poison = replace(post.evidence(), headers={"x-name": "\0"})
    told = await asyncio.gather(
        *(
            post.comes(one, poison if at == 3 else None)
            for at, one in enumerate(post.collections[:10])
        ),
        return_exceptions=True,
    )
    assert [at for at, each in enumerate(told) if isinstance(each, asyncpg.PostgresError)] == [3]
    assert len(await post.stored()) == len(await post.work()) == 9


async def test_one_whose_connection_died_in_commit_is_stored_once(
    post: Post, database_url: str
) -> None:
    async with gate_at_commit(database_url, "wallets.evidence") as gate:
        calls = [asyncio.create_task(post.comes(one)) for one in post.collections[:3]]
        await gate.stand()
        await gate.kill()
        await gate.let()
        told = await asyncio.gather(*calls)
    assert all(each is not None and not each.is_repeat for each in told)
    assert [repeats for _, _, repeats in await post.stored()] == [0, 0, 0]
    assert post.inbox.commits.in_doubt == 3


async def test_a_commit_that_nobody_heard_of_is_found_and_acknowledged_as_the_first(
    post: Post, database_url: str
) -> None:
    async with gate_at_commit(database_url, "wallets.evidence") as gate:
        call = asyncio.create_task(post.comes(post.collections[0]))
        await gate.stand()
        post.database.cut()
        await gate.stand(1)
        await gate.let()
        told = await call
    assert told is not None
    assert not told.is_repeat
    assert [repeats for _, _, repeats in await post.stored()] == [0]
    assert post.inbox.commits.in_doubt == 1


async def test_an_inbox_that_takes_no_more_is_503_and_come_again(
    post: Post, clock: ManualClock
) -> None:
    await post.inbox.close()
    with pytest.raises(Busy):
        await post.comes(post.collections[0])
    path = f"/callbacks/{callback_token(post.keys, post.collections[0])}"
    app = Starlette(routes=routes(post.inbox, lambda: None, clock=clock))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        answer = await http.put(path, content=b"{}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert await post.stored() == []


async def test_a_caller_that_hung_up_is_stored_all_the_same_and_once(
    post: Post, database_url: str
) -> None:
    async with gate_at_commit(database_url, "wallets.evidence") as gate:
        call = asyncio.create_task(post.comes(post.collections[0]))
        await gate.stand()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await gate.let()
        await post.inbox.close()
    assert [repeats for _, _, repeats in await post.stored()] == [0]
