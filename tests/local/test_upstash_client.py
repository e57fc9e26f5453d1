"""The official Python client as an oracle: what it sends, it gets back."""

from __future__ import annotations

import hashlib

import pytest
from upstash_redis import Redis
from upstash_redis.asyncio import Redis as AsyncRedis
from upstash_redis.errors import UpstashError

from local.upstash.faults import Fault, FaultKind

SCRIPT = "#!lua flags=allow-key-locking\nredis.call('SET', KEYS[1], ARGV[1]) return {redis.call('GET', KEYS[1]), 7}"
SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(params=["base64", None])
def client(api, request):
    with Redis(api.url, api.token, rest_encoding=request.param, rest_retries=0) as redis:
        yield redis


@pytest.fixture(params=["base64", None])
async def async_client(api, request):
    async with AsyncRedis(api.url, api.token, rest_encoding=request.param, rest_retries=0) as redis:
        yield redis


def test_strings_survive_the_round_trip(client):
    """Text, emptiness, a stored OK, numbers and expiry."""
    for value in ("plain", "äöü €", "", "OK", "line\nbreak", '{"a": 1}'):
        assert client.set("k", value) is True
        assert client.get("k") == value
    assert client.set("n", 41, ex=2592000) is True
    assert client.incr("n") == 42
    assert client.ttl("n") == 2592000
    assert client.get("missing") is None
    assert client.mget("k", "missing") == ['{"a": 1}', None]
    assert client.client_setinfo("LIB-NAME", "oracle")


def test_hashes_survive_the_round_trip(client):
    """Fields, counters and per-field expiry."""
    assert client.hset("h", values={"a": 1, "b": "zwei"}) == 2
    assert client.hgetall("h") == {"a": "1", "b": "zwei"}
    assert client.hmget("h", "a", "none") == ["1", None]
    assert client.hincrby("h", "a", 2**40) == 2**40 + 1
    assert client.hexpire("h", "b", 100) == [1]
    assert client.hdel("h", "a", "b") == 2


def test_sorted_sets_and_streams_survive_the_round_trip(client):
    """Scores are floats, entries keep their order."""
    assert client.zadd("z", {"a": 1.5, "b": 2}) == 2
    assert client.zrange("z", 0, -1, withscores=True) == [("a", 1.5), ("b", 2.0)]
    assert client.xadd("s", "1-1", {"f": "v"}) == "1-1"
    assert client.xlen("s") == 1


def test_a_pipeline_gives_results_in_order(client):
    """Commands are sent together and cast one by one."""
    pipeline = client.pipeline()
    pipeline.set("k", "v").get("k").hset("h", "f", 1).exists("k", "h")
    assert pipeline.exec() == [True, "v", 1, 2]


def test_a_transaction_gives_results_in_order(client):
    """The same through /multi-exec."""
    transaction = client.multi()
    transaction.set("k", 1).incrby("k", 4).get("k")
    assert transaction.exec() == [True, 5, "5"]


def test_scripts_run_by_text_and_by_digest(client):
    """EVAL, EVALSHA and SCRIPT LOAD with the flag of the service."""
    with pytest.raises(UpstashError, match="NOSCRIPT"):
        client.evalsha(SHA, keys=["k"], args=["v"])
    assert client.eval(SCRIPT, keys=["k"], args=["v"]) == ["v", 7]
    assert client.evalsha(SHA, keys=["k"], args=["w"]) == ["w", 7]
    assert client.script_load(SCRIPT) == SHA
    assert client.script_exists(SHA, "0" * 40) == [True, False]


def test_errors_and_bad_tokens_reach_the_caller(api, client):
    """The client raises the text of the server."""
    client.set("k", "v")
    with pytest.raises(UpstashError, match=r"^WRONGTYPE"):
        client.lpush("k", 1)
    with Redis(api.url, "wrong", rest_retries=0) as stranger, pytest.raises(UpstashError, match=r"^WRONGPASS"):
        stranger.get("k")


def test_the_client_takes_the_sync_token_over(client):
    """Read-your-writes needs a new token with each answer."""
    client.set("k", "v")
    first = client._sync_token
    client.get("k")
    assert first
    assert client._sync_token not in ("", first)


def test_the_client_sends_a_write_again_when_the_answer_is_lost(api, upstash_faults):
    """One retry after a dropped answer runs INCR twice: why the gateway's scripts are idempotent."""
    upstash_faults.plan(Fault(FaultKind.DROP))
    with Redis(api.url, api.token, rest_retries=1, rest_retry_interval=0) as redis:
        assert redis.incr("k") == 2


async def test_the_asyncio_client_agrees(async_client):
    """Strings, hashes, pipelines, transactions and scripts through the asynchronous client."""
    assert await async_client.set("k", "ä") is True
    assert await async_client.get("k") == "ä"
    assert await async_client.hset("h", "f", "v") == 1
    assert await async_client.hgetall("h") == {"f": "v"}
    assert await async_client.pipeline().incr("n").get("n").exec() == [1, "1"]
    assert await async_client.multi().incr("n").get("n").exec() == [2, "2"]
    assert await async_client.eval(SCRIPT, keys=["k"], args=["v"]) == ["v", 7]
    assert await async_client.evalsha(SHA, keys=["k"], args=["w"]) == ["w", 7]
    with pytest.raises(UpstashError, match=r"^WRONGTYPE"):
        await async_client.lpush("k", 1)
