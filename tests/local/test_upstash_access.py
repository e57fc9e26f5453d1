"""Tokens and addresses: who gets an answer."""

from __future__ import annotations

import httpx
import pytest

from local.upstash.app import create_app
from tests.patience import patience

DENIED = {"error": "WRONGPASS invalid or missing auth token"}
ENDPOINTS = ["/", "/pipeline", "/multi-exec", "/get/k", "/monitor", "/subscribe/c", "/__faults"]


@pytest.fixture(scope="module")
def anonymous(upstash_url):
    with httpx.Client(base_url=upstash_url, timeout=patience(30)) as client:
        yield client


# 7. tokens


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer wrong", "Basic full-token", "full-token", "Bearer full-token\xe9"]
)
def test_every_endpoint_needs_a_token(anonymous, path, header):
    """A missing, wrong or mistyped token is 401 with the API's own text."""
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    response = anonymous.post(path, headers=headers, json=["PING"])
    assert (response.status_code, response.json()) == (401, DENIED)


def test_a_refused_request_does_not_run(api, anonymous):
    """Nothing is written before the token is checked."""
    assert anonymous.post("/set/k/v", params={"_token": "wrong"}).status_code == 401
    assert api.run("EXISTS", "k") == 0


@pytest.mark.parametrize("path", ["/?_token=full-token", "/?x=1&_token=full-token"])
def test_the_token_may_be_a_query_parameter(anonymous, path):
    """`_token` works on its own."""
    assert anonymous.post(path, json=["PING"]).json() == {"result": "PONG"}


def test_the_scheme_is_case_insensitive_and_the_header_wins(anonymous):
    """A wrong bearer token is not saved by a right query parameter."""
    good, bad = {"Authorization": "bearer full-token"}, {"Authorization": "Bearer wrong"}
    assert anonymous.post("/", headers=good, json=["PING"]).status_code == 200
    assert anonymous.post("/?_token=full-token", headers=bad, json=["PING"]).status_code == 401


def test_the_read_only_token_reads(api):
    """Reading commands are served."""
    api.run("SET", "k", "v")
    assert api.read_only("GET", "k").json() == {"result": "v"}
    assert api.read_only("EVAL_RO", "return redis.call('GET', KEYS[1])", 1, "k").json() == {"result": "v"}


@pytest.mark.parametrize(
    "command", [["SET", "k", "v"], ["set", "k", "v"], ["KEYS", "*"], ["SCAN", 0], ["EVAL", "return 1", 0], ["FLUSHALL"]]
)
def test_the_read_only_token_does_not_write_or_scan(api, command):
    """NOPERM, alone, as an item of a pipeline, and for a whole transaction."""
    text = f"NOPERM this user has no permissions to run the '{command[0].lower()}' command or its subcommand"
    headers = {"authorization": f"Bearer {api.read_only_token}"}
    alone = api.read_only(*command)
    assert (alone.status_code, alone.json()) == (400, {"error": text})
    pipeline = api.post([command, ["PING"]], "/pipeline", **headers)
    assert pipeline.json() == [{"error": text}, {"result": "PONG"}]
    transaction = api.post([["PING"], command], "/multi-exec", **headers)
    assert (transaction.status_code, transaction.json()) == (400, {"error": text})
    assert api.run("DBSIZE") == 0


def test_the_read_only_token_does_not_monitor(api):
    """MONITOR would show what others write."""
    response = api.http.post("/monitor", headers={"Authorization": f"Bearer {api.read_only_token}"})
    assert response.status_code == 400
    assert response.json()["error"].startswith("NOPERM ")


def test_an_empty_token_is_refused_when_the_app_is_made():
    """It would let everybody in."""
    with pytest.raises(ValueError, match="token"):
        create_app(redis_port=1, token="")


async def test_without_a_read_only_token_an_empty_one_is_wrong():
    """An unset second token matches nothing."""
    async with _client("http://127.0.0.1") as http:
        response = await http.post("/", headers={"Authorization": "Bearer "}, json=["PING"])
    assert response.status_code == 401


# addresses


@pytest.mark.parametrize("host", ["10.0.0.5", "0.0.0.0", "192.168.1.2", "example.com", "[2001:db8::1]"])
async def test_an_address_of_the_network_gets_no_answer(host):
    """Even the right token is answered 403 on an address that is not this machine's own."""
    async with _client(f"http://{host}") as http:
        response = await http.post("/", json=["PING"])
    assert (response.status_code, response.json()) == (
        403,
        {"error": "ERR the local stand-in answers on loopback addresses only"},
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "[::1]", "localhost"])
async def test_loopback_addresses_are_served(host):
    """The request gets as far as the token check."""
    async with _client(f"http://{host}") as http:
        response = await http.post("/", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == 401


@pytest.mark.parametrize(("host", "status"), [("172.17.0.1", 401), ("127.0.0.1", 401), ("172.17.0.2", 403)])
async def test_one_more_address_may_be_named(host, status):
    """That of a network of containers, say; no other then."""
    transport = httpx.ASGITransport(app=create_app(redis_port=1, token="t", address="172.17.0.1"))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
        response = await http.post("/", headers={"Authorization": "Bearer wrong"})
    assert response.status_code == status


async def test_an_unknown_address_gets_no_answer():
    """A server that does not say where it listens is not trusted."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "headers": [], "query_string": b"", "raw_path": b"/", "server": None}
    await create_app(redis_port=1, token="t")(scope, None, send)
    assert sent[0]["status"] == 403


def _client(base_url: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_app(redis_port=1, token="t"))
    return httpx.AsyncClient(transport=transport, base_url=base_url, headers={"Authorization": "Bearer t"})
