"""A store that lies over its real wire, on every route and to every tool: 503, never a fault of ours."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_core.adapters.memory import MemoryStore
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.api import ask, chat, complete, embeddings, health, models, stream, tokens, usage
from gateway_core.api.app import create_app as create_gateway
from gateway_core.domain.chat import Deployment
from local.serving import serve
from local.upstash.app import create_app
from tests.conftest import World, catalog_of, model, settings_for
from tests.contract.conftest import Redis
from tests.functions.mcp_front.conftest import McpWorld

HELLO = [{"role": "user", "content": "one two three"}]
SPENDING: dict[str, dict[str, Any]] = {
    "/v1/complete": {"messages": HELLO},
    "/v1/stream": {"messages": HELLO},
    "/v1/chat/completions": {"messages": HELLO, "model": "first"},
    "/v1/embeddings": {"input": "one", "model": "embedding"},
}
READS = ["/v1/usage", "/v1/usage/records", "/v1/budgets", "/v1/models", "/health/providers"]
TOOLS: dict[str, dict[str, Any]] = {
    "complete": {"messages": HELLO},
    "stream_complete": {"messages": HELLO},
    "embed": {"input": "one"},
    "get_usage": {},
    "health_check": {},
    "list_models": {},
}
DEEP = b"[" * 200_000 + b"]" * 200_000

VALUES: dict[str, Any] = {
    "null": None, "seven": 7, "list": [1, 2], "empty": "", "stale": "!", "plus": "+x", "minus": "-;0,what,..",
    "index": "+99,1,1,0,0,1", "negative": "+0,1,-1,0,-5,0", "refused": "-", "bar": "|", "change": "1|o,x",
    "number": "7", "float": 1.5, "true": True, "object": {"a": 1}, "nothing": [], "nested": [[[["x"]]]],
    "huge": 2**70, "nulls": [None, None, None],
}  # fmt: skip
"""Results that are not what was asked for."""
BODIES: dict[str, bytes] = {
    "no body": b"", "no object": b"null", "empty object": b"{}", "page": b"<html>busy</html>", "deep": DEEP,
    "deep result": b'{"result":' + DEEP + b"}", "no base64": b'{"result":"not base64!"}',
    "no text": b'{"result":"/w=="}', "cut": b'{"result":"', "odd error": b'{"error":7}',
}  # fmt: skip
"""Answers that are not Upstash's."""
KNOWN = {"null", "seven", "list", "empty", "stale", "plus", "minus", "index", "negative", "refused", "deep"}
"""Those that no script ever gives, whatever it is asked."""


def encoded(value: Any) -> Any:
    if isinstance(value, list):
        return [encoded(item) for item in value]
    return b64encode(value.encode()).decode() if isinstance(value, str) else value


@dataclass
class Liar:
    """The stand-in, until it is told to lie: then that is the answer to whatever is asked."""

    app: ASGIApp
    lie: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.lie:
            await self.app(scope, receive, send)
            return
        asked = json.loads(await Request(scope, receive).body())
        await Response(self.body(asked), media_type="application/json")(scope, receive, send)

    def body(self, asked: list[Any]) -> bytes:
        if self.lie in BODIES:
            return BODIES[self.lie]
        result = {"result": encoded(VALUES[self.lie])}
        return json.dumps([result] * len(asked) if isinstance(asked[0], list) else result).encode()


@pytest.fixture(scope="module")
def lying(redis_server: Redis) -> Iterator[tuple[Liar, str]]:
    liar = Liar(create_app(redis_port=redis_server.port, token=redis_server.token))
    with serve(liar) as url:
        yield liar, url


@pytest.fixture
async def world(redis: Redis, lying: tuple[Liar, str]) -> AsyncIterator[World]:
    """The gateway over that store, which tells the truth to begin with."""
    liar, url = lying
    liar.lie = ""
    vectors = Deployment("vectors-provider", "vectors", "https://vectors.example", "embedding")
    catalog = catalog_of(
        model("first"),
        model("vectors", deployment=vectors, capabilities=frozenset({"embeddings"}), max_output_tokens=0),
        groups={"reasoning": ("first",), "embedding": ("vectors",)},
    )
    store = UpstashStore(url, redis.token, connect_timeout_s=30, timeout_s=30)
    yield World(catalog, settings_for(catalog), cast("MemoryStore", store))
    liar.lie = ""
    await store.close()


@dataclass
class Asker:
    """Asks with one key. Before each lie the truth is told once, so that the key and its freedom are known."""

    world: World
    liar: Liar
    http: httpx.AsyncClient

    async def told(self, lie: str, path: str) -> httpx.Response:
        self.liar.lie = ""
        self.world.clock.advance(60)
        assert (await self.ask(path)).status_code == 200
        self.liar.lie = lie
        answer = await self.ask(path)
        self.liar.lie = ""
        return answer

    async def ask(self, path: str) -> httpx.Response:
        return await (self.http.post(path, json=SPENDING[path]) if path in SPENDING else self.http.get(path))


@pytest.fixture
async def asker(world: World, lying: tuple[Liar, str]) -> AsyncIterator[Asker]:
    parts = (ask, chat, complete, embeddings, health, models, stream, tokens, usage)
    app = create_gateway(world.services, *(part.router for part in parts))
    headers = {"authorization": f"Bearer {await world.key()}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield Asker(world, lying[0], http)


def is_store_unavailable(answer: httpx.Response) -> bool:
    if answer.status_code != 503:
        return False
    assert answer.json()["error"]["code"] == "store_unavailable"
    assert int(answer.headers["retry-after"]) >= 1
    return True


@pytest.mark.parametrize("lie", [*VALUES, *BODIES])
async def test_no_lie_is_a_fault_of_ours(asker, lie):
    """503 where the answer is needed, and in the log a detail that says what was wrong.

    Nobody spends on a lie, and a caller without limits does not either: nobody knows whether that is still so.
    """
    for path in [*SPENDING, *READS]:
        answer = await asker.told(lie, path)
        refused = is_store_unavailable(answer)
        assert refused or answer.status_code == 200, (path, answer.text)
        assert refused or lie not in KNOWN or path not in SPENDING, path
    lines = asker.world.lines()
    assert [line for line in lines if line["message"] == "internal error"] == []
    assert not any("not base64!" in json.dumps(line) or "what,.." in json.dumps(line) for line in lines)


@pytest.mark.parametrize("lie", [*VALUES, *BODIES])
async def test_the_truth_heals_at_once(asker, lie):
    """An unreadable answer does not keep others from the store."""
    for _ in range(4):
        await asker.told(lie, "/v1/complete")
    if lie in KNOWN:
        assert (await asker.ask("/v1/complete")).status_code == 200


@pytest.mark.parametrize("lie", [*VALUES, *BODIES])
async def test_no_lie_is_a_fault_to_a_tool(world, lying, lie):
    """Tools say that the store is not to be used, where they need it."""
    mcp = McpWorld(world)
    key = await world.key()
    for tool, arguments in TOOLS.items():
        lying[0].lie = ""
        world.clock.advance(60)
        told = await mcp.call(tool, key, **arguments)
        assert not told.get("isError"), told
        lying[0].lie = lie
        told = await mcp.call(tool, key, **arguments)
        text = told["content"][0]["text"]
        assert not told.get("isError") or "store" in text, (tool, text)
        assert not (lie in KNOWN and tool in {"complete", "embed"}) or told["isError"], (tool, text)
    lying[0].lie = ""
    assert [line for line in world.lines() if line["message"] == "internal error"] == []


async def test_one_bad_record_is_left_out_of_its_page_and_counted(asker, redis):
    """Over HTTP: the others are there, and the operator is told."""
    assert (await asker.ask("/v1/complete")).status_code == 200
    (key,) = redis.run("KEYS", "use:*")
    redis.run("XADD", key, "*", "d", '[1,"garbage"]')
    body = (await asker.ask("/v1/usage/records")).json()
    assert (len(body["records"]), body["unreadable"]) == (1, 1)
    report = (await asker.ask("/v1/usage?group_by=session")).json()
    assert (report["totals"]["requests"], report["unreadable"]) == (1, 1)
    told = [line for line in asker.world.lines() if line["message"] == "store unreadable"]
    for line in told:
        assert (line["level"], line["detail"], line["project_id"]) == ("ERROR", "unreadable: 1 usage records", "alpha")
    assert len(told) == 2


GARBAGE = [
    ("/v1/budgets", ["bud:alpha:{month}", "p|M", "garbage"]),
    ("/v1/budgets", ["bud:alpha:{month}", "p|EM", "garbage"]),
    ("/v1/usage", ["bud:alpha:{month}", "c|{day}", "garbage"]),
    ("/v1/usage", ["agg:alpha:{month}{day}", "t", "garbage"]),
]


@pytest.mark.parametrize(("path", "written"), GARBAGE)
async def test_a_garbage_field_is_named_to_the_operator_alone(asker, redis, path, written):
    """The caller learns whom to ask."""
    assert (await asker.ask("/v1/complete")).status_code == 200
    (records,) = redis.run("KEYS", "use:*")
    date = records.split(":")[2]
    redis.run("HSET", *(word.format(month=date[:6], day=date[6:]) for word in written))
    answer = await asker.ask(path)
    assert is_store_unavailable(answer)
    assert answer.json()["error"]["message"].startswith("The gateway's store holds something that cannot be read.")
    (line,) = [line for line in asker.world.lines() if line["message"] == "store unreadable"]
    assert line["detail"].startswith("unreadable: ")
    assert "garbage" not in json.dumps(line)


async def test_garbage_that_only_health_reads_leaves_it_degraded(asker, redis):
    """As when the store is away: liveness and lists go on without what cannot be read."""
    deployment = asker.world.catalog.models["first"].deployment.id
    for field in (f"{kind}|first-provider|{deployment}" for kind in ("cb", "ew", "ft", "rl")):
        redis.run("HSET", "pv", field, "garbage")
        assert (await asker.ask("/health/providers")).json()["store"] == "unavailable"
        assert (await asker.ask("/v1/models")).headers["x-gateway-degraded"] == "store"
        redis.run("HDEL", "pv", field)
    told = [line["detail"] for line in asker.world.lines() if line["message"] == "store unreadable"]
    assert told == [f"unreadable: state of {deployment} of first-provider in pv"] * 8
    redis.run("SET", "probes", '[1,["one","fine",true,"x",{},7]]')
    assert (await asker.ask("/health/providers")).json()["store"] == "unavailable"
