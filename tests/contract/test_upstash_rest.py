"""The REST client on a bad day: every failure is StoreUnavailable, in time, without a secret, one retry at most."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from collections.abc import AsyncIterator

import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.rest import Deadlines, RestClient
from gateway_core.adapters.upstash.scripts import Script
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.telemetry.telemetry import Telemetry
from tests.contract.desk import Desk, candidate, settled
from tests.contract.raw_server import busy
from tests.contract.scripted_store import TOKEN, Server, failure, hangs, resets, says, trickles, value
from tests.loop_time import ends_after

PATIENT, HURRIED = Deadlines(connect_s=30, read_s=30), Deadlines(connect_s=0.2, read_s=0.2)


@pytest.fixture
async def client(host: Server) -> AsyncIterator[RestClient]:
    patient = RestClient(host.url, TOKEN, PATIENT)
    yield patient
    await patient.close()


@pytest.mark.parametrize(("behaviour", "seconds"), [(hangs, 30), (trickles, 30)])
async def test_a_server_that_does_not_finish_is_left_in_time(host, client, behaviour, seconds):
    """One try within the deadline, also where single bytes keep coming: who is slow is not asked again."""
    host.will(behaviour)
    error = await ends_after(seconds, failure(client), host.hears(1), steps=40)
    assert (error.code, error.status, error.retryable, error.retry_after_s) == ("store_unavailable", 503, True, 5)
    assert len(host.requests) == 1


@pytest.mark.parametrize(
    "behaviour",
    [
        resets,
        says("<html>502 Bad Gateway</html>", "502 Bad Gateway", "text/html"),
        says({"message": "Internal Server Error"}, "500 Internal Server Error"),
        says("<html>captive portal</html>", kind="text/html"),
    ],
    ids=["reset", "html 502", "json 500", "html 200"],
)
async def test_a_lost_answer_is_asked_for_once_more(host, client, behaviour):
    """The second answer counts; a second loss is the end."""
    host.will(behaviour, says(value("v")))
    assert await client.execute("GET", "k") == "v"
    host.will(behaviour)
    await failure(client)
    assert len(host.requests) == 4


@pytest.mark.parametrize(
    ("behaviour", "detail"),
    [
        (says({"error": "WRONGPASS invalid or missing auth token"}, "401 Unauthorized"), "WRONGPASS"),
        (says({"error": "NOPERM this user has no permissions"}, "400 Bad Request"), "NOPERM"),
        (says({"error": "ERR max requests limit exceeded"}, "400 Bad Request"), "max requests"),
        (says({"error": f"ERR unknown token {TOKEN}"}, "400 Bad Request"), "***"),
        (says("", "302 Found"), "HTTP 302"),
        (says("<html>no such page</html>", "404 Not Found", "text/html"), "HTTP 404"),
        (says([1]), "not Upstash's"),
        (says({"message": "hello"}), "not Upstash's"),
        (says({"result": "not base64!"}), "not base64"),
        (says({"result": 1.5}), "not base64"),
    ],
)
async def test_what_a_retry_cannot_heal_is_not_sent_again(host, client, behaviour, detail):
    """Bad credentials, a spent quota, a redirect, a foreign server: once, and the operator's text says which."""
    host.will(behaviour)
    assert detail in (await failure(client)).detail
    assert len(host.requests) == 1


async def test_a_port_where_nobody_listens_fails_at_once():
    """A refused connection takes no deadline."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = RestClient(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN, PATIENT)
        assert "ConnectError" in (await failure(client)).detail
    await client.close()


async def test_an_https_address_is_never_spoken_to_in_plain(host):
    """A server that knows no TLS gets no request, and so no token."""
    client = RestClient(host.url.replace("http:", "https:"), TOKEN, HURRIED)
    await failure(client)
    assert host.requests == []
    await client.close()


async def test_our_own_lateness_is_not_the_stores(redis):
    """At each turn the event loop is busy for longer than the store has, which answers: nobody is refused."""
    hurried = UpstashStore(redis.url, redis.token, connect_timeout_s=0.02, timeout_s=0.02)
    ledger = ResilientLedger(hurried, SystemClock(), LogBacklog(Telemetry()), degrade=False)
    async with busy(0.05):
        found = await asyncio.gather(*(ledger.find_key("alpha", f"{number:064}") for number in range(100)))
    assert found == [None] * 100
    await hurried.close()


async def test_a_crowd_waits_in_order_for_a_store_that_answers(host, client):
    """No more than 64 connections, and no deadline for who waits for one of them."""
    host.will(says(value("v")))
    assert await asyncio.gather(*(client.execute("GET", str(number)) for number in range(300))) == ["v"] * 300
    assert host.connections <= 64
    first = [int(request[1]) for request in host.requests[:64]]
    assert sorted(first) == list(range(64))


async def test_replies_of_every_kind_are_decoded(host, client):
    """Text at any depth, numbers, nothing, and the bare OK."""
    reply = {"result": [value("ключ")["result"], 7, None, "OK", [value("")["result"]]]}
    host.will(says(reply))
    assert await client.execute("X") == ["ключ", 7, None, "OK", [""]]


async def test_a_pipeline_is_one_trip(host, client):
    """One answer a command, in order."""
    host.will(says([value("a"), {"result": 2}]))
    assert await client.pipeline([["GET", "a"], ["GET", "b"]]) == ["a", 2]
    assert host.requests == [[["GET", "a"], ["GET", "b"]]]


@pytest.mark.parametrize(
    "answer", [{"error": "WRONGPASS"}, [{"result": None}], [{"error": "ERR"}, {"result": 1}], {}, 7]
)
async def test_a_pipeline_fails_as_a_whole(host, client, answer):
    """One error object, too few answers, an error among them, or something else."""
    host.will(says(answer))
    with pytest.raises(StoreUnavailable):
        await client.pipeline([["GET", "a"], ["GET", "b"]])


async def test_a_script_is_sent_whole_only_to_a_server_that_does_not_know_it(host, client):
    """EVALSHA first; EVAL on NOSCRIPT; never SCRIPT LOAD."""
    script = Script("return 1", "e0e1")
    host.will(says({"error": "NOSCRIPT No matching script."}, "400 Bad Request"), says({"result": 1}))
    assert await client.run(script, ["k"], ["a"]) == 1
    assert host.requests == [["EVALSHA", "e0e1", 1, "k", "a"], ["EVAL", "return 1", 1, "k", "a"]]


async def test_an_error_inside_a_script_is_the_stores_fault(host, client):
    """It is not sent again as a whole."""
    host.will(says({"error": "ERR user_script:3: attempt to index nil"}, "400 Bad Request"))
    with pytest.raises(StoreUnavailable):
        await client.run(Script("return x.y", "e0e1"), [], [])
    assert len(host.requests) == 1


async def test_connections_are_kept(host, client):
    """A handshake costs more than a command."""
    host.will(says(value("v")))
    for _ in range(3):
        await client.execute("GET", "k")
    assert host.connections == 1


def test_each_event_loop_gets_connections_of_its_own(redis):
    """Lambda adapters may run one loop after another: the store follows without an error or a stall."""
    store = redis.connect()

    async def admit(*, last: bool = False):
        answer = await (await Desk(store).open()).admitted("r1", candidate())
        if last:
            await store.close()
        return answer

    with warnings.catch_warnings():
        # Nobody can close the connections of a loop that is gone; Python says so whenever it collects them.
        warnings.simplefilter("ignore", ResourceWarning)
        first, second = asyncio.run(admit()), asyncio.run(admit(last=True))
        gc.collect()
    assert first == second


async def test_a_closed_store_opens_again(upstash):
    """Closing releases connections, nothing more; closing twice is harmless."""
    await upstash.close()
    await upstash.close()
    assert await upstash.find_key("alpha", "0" * 64) is None


@pytest.mark.parametrize("kind", ["drop", "html"])
async def test_money_is_counted_once_when_answers_get_lost(redis, upstash, kind):
    """Whether the lost call ran (`drop`) or not (`html`): the client's own retry holds and spends once."""
    desk = await Desk(upstash).open()
    redis.fail(kind)
    answer = await desk.admitted("r1")
    assert await desk.money() == (0, 100)
    redis.fail(kind)
    await desk.settle("r1", settled(answer, candidate(), charge_nano=70))
    assert await desk.money() == (70, 0)
    assert len(await desk.records()) == 1


async def test_a_store_that_is_away_says_so(redis):
    """The store's own methods raise what the client raises."""
    store = UpstashStore(redis.url, "wrong-token", connect_timeout_s=30, timeout_s=30)
    with pytest.raises(StoreUnavailable):
        await store.find_key("alpha", "0" * 64)
    await store.close()
