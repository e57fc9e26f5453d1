"""Faults of the connection itself, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from local.providers import create_app
from local.providers.control import Control
from local.serving import serve
from tests.patience import patience
from tests.virtual_time import run

PROVIDERS = ("anthropic", "deepseek", "gemini", "openai")
MOMENT_S = 0.1
LONG_MS = 60_000


def raw(sim, *, stream=False, text="[[words=5]]", send_all=True):
    """A connection that has sent a request to OpenAI's chat; without `send_all` its body is half missing."""
    address = urlsplit(sim.root)
    connection = socket.create_connection((address.hostname, address.port), timeout=patience(10))
    flag = "true" if stream else "false"
    body = f'{{"model":"gpt-5.1","stream":{flag},"messages":[{{"role":"user","content":"{text}"}}]}}'.encode()
    head = "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + (body if send_all else body[:9]))
    return connection


def received(connection):
    """Everything until the server closes properly."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def read_until(connection, mark):
    """What comes up to and with the mark."""
    data = b""
    while mark not in data:
        part = connection.recv(65536)
        assert part, data
        data += part
    return data


def is_silent(connection):
    """True if the connection stays open and empty for a moment."""
    connection.settimeout(MOMENT_S)
    try:
        return connection.recv(1) is None
    except TimeoutError:
        return True


def open_stream(sim, provider, text="[[words=5]]"):
    path, body = sim.request(provider, text, stream=True)
    headers = {"anthropic-version": "2023-06-01", "x-api-key": "k", "authorization": "Bearer k", "x-goog-api-key": "k"}
    return httpx.stream("POST", sim.base(provider) + path, json=body, headers=headers, timeout=patience(10))


def test_a_reset_is_a_tcp_reset(sim):
    """The kernel says connection reset, not end of file, before any byte."""
    sim.control.fault("openai", "reset")
    with raw(sim) as connection, pytest.raises(ConnectionResetError):
        connection.recv(1)
    assert sim.control.counts("openai", "gpt-5.1")["unfinished"] == 1


def test_a_stream_may_be_reset_midway(sim):
    """With after_chunks the reset comes within the stream."""
    sim.control.fault("openai", "reset", after_chunks=1)
    with raw(sim, stream=True) as connection, pytest.raises(ConnectionResetError):
        received(connection)
    assert sim.control.counts("openai", "gpt-5.1")["unfinished_output_tokens"] == 1


def test_a_cut_stream_is_closed_without_a_terminator(sim):
    """What was sent arrives, then the connection closes: no last chunk, no [DONE]."""
    sim.control.fault("openai", "cut", after_chunks=2)
    with raw(sim, stream=True) as connection:
        data = received(connection)
    assert data.count(b'"content":') == 3
    assert b"[DONE]" not in data
    assert not data.endswith(b"0\r\n\r\n")
    assert sim.control.counts("openai", "gpt-5.1")["unfinished_output_tokens"] == 2


@pytest.mark.parametrize("provider", PROVIDERS)
def test_clients_notice_a_cut_stream(sim, provider):
    """An HTTP client sees an incomplete body, after the chunks that were promised."""
    sim.control.fault(provider, "cut", after_chunks=4)
    lines = []
    with open_stream(sim, provider) as response, pytest.raises(httpx.RemoteProtocolError):
        lines.extend(response.iter_lines())
    text = "\n".join(lines)
    assert "delta" in text
    assert "epsilon" not in text


def test_a_cut_body_is_half_a_body(sim):
    """A whole answer is cut in the middle of its JSON; the model had said all of it."""
    sim.control.fault("openai", "cut")
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection without sending complete message body"):
        sim.chat("openai", "[[words=5]]")
    counts = sim.control.counts("openai", "gpt-5.1")
    assert (counts["unfinished"], counts["unfinished_output_tokens"], counts["output_tokens"]) == (1, 5, 0)


def test_a_cut_comes_before_the_end_of_a_short_stream(sim):
    """A stream with fewer chunks than after_chunks still breaks before its finish reason."""
    sim.control.fault("openai", "cut", after_chunks=99)
    with raw(sim, stream=True) as connection:
        data = received(connection)
    assert b"epsilon" in data
    assert b'"stop"' not in data


def test_a_stalled_stream_stays_open(sim):
    """After its chunks nothing comes, and nothing closes; the client's leaving is seen."""
    sim.control.fault("openai", "stall", after_chunks=1)
    with raw(sim, stream=True) as connection:
        read_until(connection, b"alpha")
        assert is_silent(connection)
    counts = sim.control.counts("openai", "gpt-5.1")
    assert (counts["disconnects"], counts["unfinished_output_tokens"]) == (1, 1)


def test_a_stalled_body_stays_open(sim):
    """Half a JSON body, then nothing."""
    sim.control.fault("openai", "stall")
    with raw(sim) as connection:
        read_until(connection, b"chat.completion")
        assert is_silent(connection)
    assert sim.control.counts("openai", "gpt-5.1")["disconnects"] == 1


def test_a_stall_may_keep_the_connection_alive(sim):
    """With keep_alive_ms comments come, as DeepSeek sends under load; no client's read timeout would notice."""
    sim.control.fault("deepseek", "stall", after_chunks=0, keep_alive_ms=5)
    with open_stream(sim, "deepseek") as response:
        lines = response.iter_lines()
        while next(lines) != ": keep-alive":
            pass
        assert next(line for line in lines if line) == ": keep-alive"
    assert sim.control.counts("deepseek", "deepseek-chat")["disconnects"] == 1


def test_a_timeout_never_answers(sim):
    """Not even headers come."""
    sim.control.fault("openai", "timeout")
    with raw(sim) as connection:
        assert is_silent(connection)
    counts = sim.control.counts("openai", "gpt-5.1")
    assert (counts["calls"], counts["disconnects"], counts["unfinished_output_tokens"]) == (1, 1, 0)


async def seconds_for_an_answer(app, text="hi", *, stream, **fault):
    """How long it takes, in the time of a loop that has nothing else to wait for."""
    headers = {"authorization": "Bearer k"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim", headers=headers) as client:
        if fault:
            await client.post("/__faults", json={"provider": "openai", "times": 1, **fault})
        answer = await client.post("/openai/v1/chat/completions", json=request_for(text, stream=stream))
    assert answer.status_code == 200
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("stream", [False, True])
def test_a_slow_answer_comes_late(sim, stream):
    """The whole answer waits, the headers of a stream included."""
    assert run(seconds_for_an_answer(create_app(), stream=stream, kind="slow", delay_ms=50)) == pytest.approx(0.05)
    sim.control.fault("openai", "slow", delay_ms=LONG_MS)
    with raw(sim, stream=stream) as connection:
        assert is_silent(connection)


def test_a_slow_first_token_lets_the_headers_go(sim):
    """The stream begins, and its first event waits."""
    sim.control.fault("openai", "slow_first_token", delay_ms=LONG_MS)
    with raw(sim, stream=True) as connection:
        assert b" 200 OK" in read_until(connection, b"\r\n\r\n")
        assert is_silent(connection)


def test_a_slow_first_token_ends_well(sim):
    """After its delay, with or without comments meanwhile, the answer is complete."""
    sim.control.fault("openai", "slow_first_token", delay_ms=20, keep_alive_ms=8)
    text = sim.chat("openai", stream=True).text
    assert text.startswith(": keep-alive\n\n: keep-alive\n\ndata: {")
    assert text.endswith("data: [DONE]\n\n")
    assert sim.chat("openai").status_code == 200


def test_a_client_that_leaves_a_stream_stops_it(sim):
    """What was generated until then is counted, and no more is."""
    with open_stream(sim, "anthropic", "[[words=20000]] [[pace=1]]") as response:
        lines = response.iter_lines()
        while "gamma" not in next(lines):
            pass
    calls = sim.control.calls()
    generated = calls["requests"][-1]["generated_tokens"]
    assert 3 <= generated < 20000
    assert calls["totals"]["unfinished_output_tokens"] == generated
    assert calls["totals"]["disconnects"] == 1
    assert calls["totals"]["output_tokens"] == 0


@pytest.mark.parametrize(("lag", "factor", "least"), [(60_000, 1.0, 400), (200, 1.0, 3 + 10), (200, 2.0, 2 * (3 + 10))])
def test_a_provider_writes_on_until_it_sees_that_its_client_has_left(sim, lag, factor, least):
    """At its pace, and to the answer's end at most, in tokens of its own tokeniser."""
    sim.control.answer("anthropic", lag=lag, count_factor=factor)
    with open_stream(sim, "anthropic", "[[words=400]] [[pace=20]]") as response:
        lines = response.iter_lines()
        while "gamma" not in next(lines):
            pass
    written = sim.control.calls()["totals"]["unfinished_output_tokens"]
    assert least <= written <= 400 * factor


def test_a_request_that_never_ends_is_no_call(sim):
    """A client that leaves within its own request was not heard."""
    raw(sim, send_all=False).close()
    assert sim.chat("openai").status_code == 200
    assert sim.control.calls()["totals"]["calls"] == 1


def test_the_pace_of_streams_can_be_set():
    """pace_ms is the time between chunks."""
    four, forty = (
        run(seconds_for_an_answer(create_app(pace_ms=5), f"[[words={count}]]", stream=True)) for count in (4, 40)
    )
    assert four >= 4 * 0.005
    assert forty - four == pytest.approx(36 * 0.005)


@pytest.mark.parametrize(("kind", "stream"), [("timeout", False), ("stall", True), ("stall", False), ("slow", False)])
def test_a_shutdown_ends_what_hangs(kind, stream, caplog):
    """Exchanges that wait end by themselves when the server stops: nothing has to be cancelled."""
    outcome = []
    with (
        caplog.at_level(logging.ERROR),
        serve(create_app()) as root,
        Control(root) as control,
        raw_client(root) as client,
    ):
        control.fault("openai", kind)

        def hang():
            try:
                client.post("/openai/v1/chat/completions", json=request_for("[[words=5]]", stream=stream))
            except httpx.TransportError as error:
                outcome.append(error)

        thread = threading.Thread(target=hang)
        thread.start()
        while not control.calls(wait_idle_s=0)["in_flight"]:
            pass
    thread.join()
    assert outcome
    assert caplog.records == []


async def test_without_a_server_good_answers_work_and_connection_faults_say_so():
    """In process there is no connection to break."""
    app = create_app()
    transport = httpx.ASGITransport(app)
    headers = {"authorization": "Bearer k"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sim", headers=headers) as client:
        assert (await client.post("/openai/v1/chat/completions", json=request_for("hi"))).status_code == 200
        await client.post("/__faults", json={"provider": "openai", "kind": "reset"})
        with pytest.raises(RuntimeError, match="need a real server"):
            await client.post("/openai/v1/chat/completions", json=request_for("hi"))


def raw_client(root):
    return httpx.Client(base_url=root, headers={"authorization": "Bearer k"}, timeout=patience(30))


def request_for(text, *, stream=False):
    return {"model": "gpt-5.1", "stream": stream, "messages": [{"role": "user", "content": text}]}
