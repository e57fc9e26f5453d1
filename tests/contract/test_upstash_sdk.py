"""Upstash's SDK under the command line: it fails as the store does, in our time, and nobody else hears of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from upstash_redis.asyncio import Redis

from gateway_core.adapters.upstash.scripts import Script
from gateway_core.adapters.upstash.sdk import SdkClient, SdkKeyStore
from gateway_core.domain.errors import ConfigError, StoreUnavailable
from tests.contract.desk import MONTH, Desk, candidate
from tests.contract.scripted_store import TOKEN, Server, failure, hangs, resets, says, trickles
from tests.loop_time import ends_after, loop_time

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


@pytest.fixture
async def client(host: Server) -> AsyncIterator[SdkClient]:
    patient = SdkClient(host.url, TOKEN, timeout_s=30, pause_s=0)
    yield patient
    await patient.close()


@pytest.mark.parametrize("behaviour", [hangs, trickles])
async def test_a_server_that_does_not_finish_is_left_in_time(host, client, behaviour):
    """The SDK would wait for ever; the deadline is ours."""
    host.will(behaviour)
    error = await ends_after(30, failure(client), host.hears(1), steps=20)
    assert (error.code, error.detail, error.retry_after_s) == ("store_unavailable", "TimeoutError", 5)
    assert len(host.requests) == 1


async def test_the_deadline_is_that_of_all_tries_and_pauses(host):
    """However often it is asked again."""
    patient = SdkClient(host.url, TOKEN, timeout_s=0.4, pause_s=0.3)
    host.will(resets)
    with loop_time() as time:
        failing = asyncio.create_task(failure(patient))
        await host.hears(1)
        await time.passes(0)
        await time.passes(0.3)
        await host.hears(2)
        await time.passes(0.09)
        assert not failing.done()
        await time.passes(0.02)
        assert (await failing).detail == "TimeoutError"
    assert len(host.requests) == 2
    await patient.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        resets,
        says("<html>502 Bad Gateway</html>", "502 Bad Gateway", "text/html"),
        says("<html>captive portal</html>", kind="text/html"),
    ],
    ids=["reset", "html 502", "html 200"],
)
async def test_a_lost_answer_is_asked_for_twice_more(host, client, behaviour):
    """The third answer counts; a third loss is the end."""
    host.will(behaviour, behaviour, says({"result": "v"}))
    assert await client.execute("GET", "k") == "v"
    host.will(behaviour)
    await failure(client)
    assert len(host.requests) == 6


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (says({"error": "WRONGPASS invalid or missing auth token"}, "401 Unauthorized"), "WRONGPASS"),
        (says({"error": "NOPERM this user has no permissions"}, "400 Bad Request"), "NOPERM"),
        (says({"error": f"ERR unknown token {TOKEN}"}, "400 Bad Request"), "***"),
        (says([1]), "not Upstash's"),
        (says(None), "not Upstash's"),
        (says({"message": "hello"}, "500 Internal Server Error"), "not Upstash's"),
        (says({"result": 1.5}), "not Upstash's"),
    ],
)
async def test_an_answer_is_not_asked_for_again(host, client, behaviour, detail):
    """Whatever it says, and whoever gives it: the operator's text says which."""
    host.will(behaviour)
    assert detail in (await failure(client)).detail
    assert len(host.requests) == 1


async def test_a_hash_of_another_form_is_not_upstashs(host, client):
    """The SDK makes a mapping of it, and stumbles."""
    host.will(says({"result": ["field"]}))
    with pytest.raises(StoreUnavailable):
        await client.execute("HGETALL", "h")


async def test_a_redirect_is_not_followed(host, client):
    """The token stays with its host."""
    host.will(says("", "302 Found"))
    assert "not Upstash's" in (await failure(client)).detail
    assert {head.split("\r\n")[1] for head in host.heads} == {host.url.replace("http://", "host: ")}


async def test_a_port_where_nobody_listens_is_told():
    """By what went wrong last."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = SdkClient(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN, timeout_s=5, pause_s=0)
        assert (await failure(client)).detail == "ConnectError"
    await client.close()


async def test_an_https_address_is_never_spoken_to_in_plain(host):
    """A server that knows no TLS gets no request, and so no token."""
    client = SdkClient(host.url.replace("http:", "https:"), TOKEN, timeout_s=0.8, pause_s=0)
    await failure(client)
    assert host.requests == []
    await client.close()


async def test_no_proxy_sees_the_token(host, monkeypatch):
    """Whatever the environment names: this guards the seam at which the SDK gets our connections."""
    for name in PROXIES:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    client = SdkClient(host.url, TOKEN, timeout_s=5, pause_s=0)
    host.will(says({"result": 1}))
    assert await client.execute("X") == 1
    await client.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("HTTP_PROXY", "http://[::1"), ("SSL_CERT_FILE", "/nowhere/ca.pem")],
)
def test_what_the_sdk_cannot_abide_in_the_environment_is_named(monkeypatch, name, value):
    """It looks at proxies before we can take them away."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=name):
        SdkClient("https://store.example", TOKEN, timeout_s=5)


async def test_upstash_is_told_nothing_about_us(host, client):
    """The token and what every HTTP client says; no telemetry, not of retries either."""
    host.will(resets, says({"result": 1}))
    await client.execute("X")
    headers = {line.partition(":")[0] for head in host.heads for line in head.split("\r\n")[1:] if line}
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent", "content-length", "content-type"}
    assert headers == usual | {"authorization", "upstash-sync-token"}


async def test_replies_of_every_kind(host, client):
    """Text at any depth, numbers, nothing, and a hash as it is on the wire."""
    reply = ["ключ", 7, None, "OK", [""]]
    host.will(says({"result": reply}))
    assert await client.execute("X") == reply
    host.will(says({"result": ["a", "1", "b", "2"]}))
    assert await client.execute("HGETALL", "h") == ["a", "1", "b", "2"]


async def test_several_commands_take_one_trip(host, client):
    """In order; none at all needs no trip."""
    host.will(says([{"result": "a"}, {"result": ["f", "2"]}]), says([{"result": 3}]))
    assert await client.pipeline([["GET", "a"], ["HGETALL", "b"]]) == ["a", ["f", "2"]]
    assert await client.pipeline([["GET", "c"]]) == [3]
    assert await client.pipeline([]) == []
    assert host.requests == [[["GET", "a"], ["HGETALL", "b"]], [["GET", "c"]]]
    assert [head.split()[1] for head in host.heads] == ["/pipeline", "/pipeline"]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        ({"error": "WRONGPASS invalid or missing auth token"}, "WRONGPASS invalid or missing auth token"),
        ([{"result": "a"}, {"error": "WRONGTYPE it is a hash"}, {"error": "ERR another"}], "WRONGTYPE it is a hash"),
        ([{"result": 1}], "not Upstash's"),
        ([{"result": 1}, {"result": 2}, None], "not Upstash's"),
        ({"message": "hello"}, "not Upstash's"),
        ({"result": [1, 2, 3]}, "not Upstash's"),
        ([1, 2, 3], "not Upstash's"),
        ([], "not Upstash's"),
        (None, "not Upstash's"),
    ],
)
async def test_a_pipeline_that_is_not_answered_whole(host, client, answer, detail):
    """An error of all is told as that of one is, and so is the first of several; half of it is no answer."""
    host.will(says(answer))
    with pytest.raises(StoreUnavailable) as refused:
        await client.pipeline([["GET", "a"], ["GET", "b"], ["GET", "c"]])
    assert detail in refused.value.detail
    assert len(host.requests) == 1


async def test_what_a_pipeline_wrote_is_seen_by_the_next_command(host, client):
    """Upstash says up to where a replica has to be; the SDK sends it on."""

    async def synced(writer: asyncio.StreamWriter) -> None:
        body = b'[{"result": 1}]'
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nupstash-sync-token: the-moment\r\n\r\n"
        writer.write(head.encode() + body)

    host.will(synced, says({"result": 1}))
    await client.pipeline([["HSET", "h", "f", "v"]])
    await client.execute("HGET", "h", "f")
    assert "upstash-sync-token: the-moment" in host.heads[1].lower()


@pytest.mark.parametrize("behaviour", [resets, says("<html>502 Bad Gateway</html>", "502 Bad Gateway", "text/html")])
async def test_a_lost_pipeline_is_asked_for_twice_more(host, client, behaviour):
    """As a command is; a third loss is the end."""
    host.will(behaviour, behaviour, says([{"result": "v"}]))
    assert await client.pipeline([["GET", "k"]]) == ["v"]
    host.will(behaviour)
    with pytest.raises(StoreUnavailable):
        await client.pipeline([["GET", "k"]])
    assert len(host.requests) == 6


@pytest.mark.parametrize("behaviour", [hangs, trickles])
async def test_a_pipeline_has_the_time_of_one_trip(host, client, behaviour):
    """Its retries included."""
    host.will(behaviour)
    with pytest.raises(StoreUnavailable) as late:
        await ends_after(30, client.pipeline([["GET", "a"], ["GET", "b"]]), host.hears(1), steps=20)
    assert late.value.detail == "TimeoutError"


async def test_what_the_sdk_makes_of_a_pipeline(host):
    """It loses the reason of a refusal, and takes half an answer for a whole one: our connections make up for it."""
    async with Redis(host.url, TOKEN, rest_retries=0) as sdk:
        host.will(says({"error": "WRONGPASS"}, "401 Unauthorized"))
        with pytest.raises(AttributeError):
            await sdk.pipeline().get("a").get("b").exec()
        host.will(says([{"result": None}]))
        assert await sdk.pipeline().get("a").get("b").exec() == [None]


async def test_a_script_is_sent_whole_only_to_a_server_that_does_not_know_it(host, client):
    """EVALSHA first; EVAL on NOSCRIPT; never SCRIPT LOAD."""
    host.will(says({"error": "NOSCRIPT No matching script."}, "400 Bad Request"), says({"result": 1}))
    assert await client.run(Script("return 1", "e0e1"), ["k"], ["a"]) == 1
    assert host.requests == [["EVALSHA", "e0e1", 1, "k", "a"], ["EVAL", "return 1", 1, "k", "a"]]


@pytest.mark.parametrize("kind", ["drop", "html"])
async def test_money_is_released_once_when_an_answer_gets_lost(redis, upstash, kind):
    """Whether the lost call ran (`drop`) or not (`html`), the SDK's own retry spends once."""
    desk = await Desk(upstash).open()
    await desk.admitted("r1", candidate())
    keys = SdkKeyStore(redis.url, redis.token, timeout_s=30)
    holds = await keys.open_holds("alpha", month=MONTH)
    assert [hold.request_id for hold in holds] == ["r1"]
    redis.fail(kind)
    await keys.resolve_hold(
        "alpha", month=MONTH, request_id="r1", attempt=1, charge_nano=70, charge_tokens=7, now_ms=desk.now
    )
    assert await desk.money() == (70, 0)
    assert len(await desk.records()) == 1
    await keys.close()
