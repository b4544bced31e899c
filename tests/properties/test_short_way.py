"""Whatever a peer sends, in whatever pieces: with the short way it gets byte for byte what uvicorn
alone would answer.
"""

from __future__ import annotations

import asyncio
import os
from itertools import pairwise

import uvicorn
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from kernel.short_way import ShortWay, same_head
from tests.peer import Peer, Said

CASES = int(os.environ.get("MIZAN_FUZZ_CASES", "0"))

HEADERS = ((b"content-type", b"text/plain"),)
LATER = b"later"
TOLD = "told"
SHORT, BROKEN_OFF = "short", "broken off"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers what it understood of a request."""
    head = _head(scope)

    def again(body: bytes, asker: ShortWay) -> None:
        loop = asyncio.get_running_loop()
        answer = Said(head + body, HEADERS)
        scope["state"][TOLD].append(SHORT)
        if body.startswith(LATER):
            loop.call_soon(loop.call_soon, asker.respond, answer)
        else:
            asker.respond(answer)

    if scope["path"] == "/known":
        same_head(scope, again)
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            scope["state"][TOLD].append(BROKEN_OFF)
            return
        body, more = body + message["body"], message["more_body"]
    if body.startswith(LATER):
        await asyncio.sleep(0)
    answer = head + body
    headers = [*HEADERS, (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _head(scope: Scope) -> bytes:
    headers = [pair for pair in scope["headers"] if pair[0] != b"content-length"]
    return repr((scope["method"], scope["path"], scope["query_string"], headers)).encode()


Chunks = list[tuple[bytes, int]]
"""What a peer sends, and how many turns of the event loop pass before the next."""


async def converse(kind: type[HttpToolsProtocol], chunks: Chunks) -> tuple[bytes, list[str]]:
    """What a peer is told that sends these chunks and goes; what the application noted."""
    config = uvicorn.Config(echo, http=kind, log_config=None, ws="none")
    state, told = ServerState(), list[str]()
    state.default_headers = [(b"date", b"today")]
    peer = Peer(kind(config, state, {TOLD: told}, asyncio.get_running_loop()))
    for chunk, turns in chunks:
        peer.send(chunk)
        await peer.wait(turns)
    await peer.hang_up()
    return peer.told, told


lengths = st.sampled_from(["%d"] * 12 + ["0%d", " %d", "%d ", "1%d", "-%d", "+%d", "%d, %d", ""])
rare = st.lists(
    st.sampled_from(
        [
            b"X-One: 1", b"x-one: 1", b"X-One:  2", b"Connection: keep-alive", b"Connection: close",
            b"Expect: 100-continue", b"Transfer-Encoding: chunked", b"Content-Length: 4",
            b"Connection: Upgrade\r\nUpgrade: websocket", b"X-Long: " + b"y" * 5000, b" folded",
        ]
    ),
    max_size=2,
)  # fmt: skip
lines = st.integers(0, 3).flatmap(lambda turn: rare if turn == 3 else st.just([]))
starts = st.sampled_from(
    [b"POST /known HTTP/1.1"] * 12
    + [b"POST /known?a=1 HTTP/1.1", b"POST /other HTTP/1.1", b"PUT /known HTTP/1.1"]
    + [b"GET /known HTTP/1.1", b"HEAD /known HTTP/1.1", b"POST /known HTTP/1.0"]
    + [b"POST /kno%77n HTTP/1.1", b"nonsense"]
)
ends = st.lists(st.sampled_from([b"\r\n"] * 60 + [b"\n"]), min_size=8, max_size=8)
halves = st.sampled_from([b"POST /known?b HTTP/1.1\r\nX-Two: ", b"POST ", b"\r\n"])
bodies = st.sampled_from(
    [b"", b"a=1", b"a=12", LATER, LATER + b" on", b"a\r\n\r\nb", b"\n\n", b"4\r\nabcd\r\n0\r\n\r\n"]
)
heads = st.tuples(starts, lines, lengths, lines, ends)


@st.composite
def conversations(draw: st.DrawFn) -> Chunks:
    """A few heads, used again and again, cut anywhere, or each request by itself."""
    known = [(b"X-Head: %d" % at, draw(heads)) for at in range(draw(st.integers(1, 2)))]
    asked = st.tuples(st.sampled_from(known), bodies)
    said = draw(st.lists(asked, min_size=1, max_size=6))
    chunks = [_request(name, *head, body) for (name, head), body in said]
    if draw(st.integers(0, 4)) == 4:
        chunks.insert(draw(st.integers(0, len(chunks))), draw(halves))
    if draw(st.booleans()):
        joined = b"".join(chunks)
        cuts = draw(st.lists(st.integers(0, len(joined)), max_size=8))
        edges = sorted({0, *cuts, len(joined)})
        chunks = [joined[start:end] for start, end in pairwise(edges)]
    if draw(st.booleans()):
        chunks[-1] = chunks[-1][: draw(st.integers(-3, -1))]
    return [(chunk, draw(st.sampled_from([0, 1, 2, 20]))) for chunk in chunks]


def _request(
    name: bytes,
    start: bytes,
    before: list[bytes],
    length: str,
    after: list[bytes],
    ends: list[bytes],
    body: bytes,
) -> bytes:
    told = length.replace("%d", str(len(body))).encode()
    named = [b"Content-Length: " + told] if length else []
    head = [start, name, *before, *named, *after, b""]
    return b"".join([line + end for line, end in zip(head, ends, strict=False)]) + body


async def _answered(chunks: Chunks) -> list[tuple[bytes, int]]:
    """What uvicorn alone would tell, and how often the application heard of half a request; also to
    a peer that waits for each answer, for it tells of an error before it has answered what was
    asked before.
    """
    patient = [(chunk, 20) for chunk, _ in chunks]
    plain = [await converse(HttpToolsProtocol, each) for each in (chunks, patient)]
    return [(told, noted.count(BROKEN_OFF)) for told, noted in plain]


def _post(body: bytes, *, length: str = "%d", name: bytes = b"X-Head: 1") -> bytes:
    return _request(name, b"POST /known HTTP/1.1", [], length, [b"X-Last: 1"], [b"\r\n"] * 8, body)


def test_the_second_request_with_a_head_goes_the_short_way() -> None:
    post = _post(b"a=1")
    pieces = [(post, 20), (_post(b"a=12"), 20), (post[:-2], 20), (post[-2:], 20), (post[:-2], 0)]
    told, noted = asyncio.run(converse(ShortWay, pieces))
    assert noted == [SHORT, SHORT, BROKEN_OFF]
    assert told.count(b"HTTP/1.1 200 OK") == 3


# Another head after the length; a length that is none; two heads in one piece, then the first; two
# requests with a known head in one piece.
@example([(_post(b"a=1"), 20), (_post(b"a=1").replace(b"Last: 1", b"Last: 2"), 20)])
@example([(_post(b"a=1"), 20), (_post(b"a=1", length="+%d"), 20)])
@example([(_post(b"a=1", name=b"X: 1") + _post(b"a=2"), 20), (_post(b"a=3", name=b"X: 1"), 20)])
@example([(_post(b"a=1"), 20), (_post(b"a=1") * 2, 20)])
@settings(max_examples=max(300, CASES))
@given(conversations())
def test_a_peer_is_told_what_uvicorn_alone_would_tell(chunks: Chunks) -> None:
    told, noted = asyncio.run(converse(ShortWay, chunks))
    assert (told, noted.count(BROKEN_OFF)) in asyncio.run(_answered(chunks))
