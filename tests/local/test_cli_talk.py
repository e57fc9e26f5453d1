"""`gateway ask`, `events tail` and `fault`, against a scripted gateway and the provider simulator."""

from __future__ import annotations

import io
import json
import sys

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from gateway_core.cli.main import main
from local.providers import create_app
from local.serving import serve

DONE = {
    "content": "Hi\x1b[2J", "model": "m", "provider": "p", "latency_ms": 7, "cost": {"total_usd": "0.5"},
    "usage": {"input_tokens": 3, "output_tokens": 2},
    "attempts": [{"outcome": "failed"}, {"outcome": "skipped"}, {"outcome": "ok"}],
}  # fmt: skip
CHUNKS = [("chunk", {"delta": "Hi"}), ("chunk", {"delta": "\x1b[2J", "index": 0})]
BROKEN = [*CHUNKS, ("error", {"error": {"code": "provider_error", "message": "It broke."}})]
TOLD = [
    ("request.cost", {"detail-type": "request.cost", "detail": {"at": "noon", "cost_usd": "1", "of": None}}),
    ("breaker.opened", {"detail-type": "breaker.opened", "detail": {"schema": 1, "at": "noon", "model": "m\n"}}),
]  # fmt: skip
KEYED = {"GATEWAY_KEY": "gk_alpha_x"}


class Script:
    """A gateway that streams these events, and remembers what it was asked."""

    def __init__(self):
        self.events, self.asked, self.headers, self.has_events = [], None, {}, True

    async def stream(self, request):
        self.asked, self.headers = await request.json(), request.headers
        return StreamingResponse(self._body(), media_type="text/event-stream")

    async def whole(self, request):
        self.asked = await request.json()
        return JSONResponse(DONE)

    async def watch(self, request):
        self.headers = request.headers
        if not self.has_events:
            return JSONResponse({"message": "Missing Authentication Token"}, 403)
        return StreamingResponse(self._body(), media_type="text/event-stream")

    async def _body(self):
        yield b": alive\n\n"
        for name, data in self.events:
            yield f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


@pytest.fixture
def script():
    return Script()


@pytest.fixture
def run(script, capsys):
    """Runs a command against the script; its exit code, and what it prints and says."""
    routes = [
        Route("/v1/stream", script.stream, methods=["POST"]),
        Route("/v1/complete", script.whole, methods=["POST"]),
        Route("/v1/events", script.watch),
    ]
    with serve(Starlette(routes=routes)) as url:

        def run(*words):
            code = main([*words, "--url", url], KEYED)
            printed = capsys.readouterr()
            return code, printed.out, printed.err

        yield run


def test_an_answer_comes_piece_by_piece_with_its_cost_beside(run, script):
    """Of what was tried only what failed counts; the words are as they came, as no terminal reads them."""
    script.events = [*CHUNKS, ("done", DONE)]
    code, out, said = run("ask", "Hello", "--group", "fast", "--system", "Be brief.", "--max-tokens", "9")
    assert (code, out) == (0, "Hi\x1b[2J\n")
    assert said == "m (p) after 1 failed, 3 + 2 tokens, 0.5 USD, 7 ms\n"
    assert script.asked == {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "model_group": "fast",
        "max_tokens": 9,
    }
    assert script.headers["authorization"] == "Bearer gk_alpha_x"


def test_a_terminal_is_not_steered_by_an_answer(run, script, monkeypatch):
    """Its control characters are left out."""
    script.events = [*CHUNKS, ("done", DONE)]
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run("ask", "Hello")[1] == "Hi[2J\n"


def test_a_question_may_be_piped_and_its_answer_a_document(run, script, monkeypatch):
    """That of /v1/complete, on one line."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("Long\nquestion"))
    code, out, said = run("ask", "-", "--json", "--project", "beta")
    assert (code, json.loads(out), said) == (0, DONE, "")
    assert script.asked == {"messages": [{"role": "user", "content": "Long\nquestion"}], "project_id": "beta"}


@pytest.mark.parametrize(
    ("events", "says"),
    [(BROKEN, "It broke. (provider_error)"), (CHUNKS, "the connection ended before the answer did")],
)
def test_an_answer_that_breaks_off_is_no_answer(run, script, events, says):
    """Whether the gateway says so, or its connection just ends."""
    script.events = events
    code, out, said = run("ask", "Hello")
    assert (code, out.startswith("Hi")) == (1, True)
    assert said.endswith(f"The answer broke off: {says}\n" if "(" in says else f"The answer broke off: {says}.\n")


def test_events_are_told_as_they_come(run, script):
    """Those that are asked for, as many as are asked for, also those of before."""
    script.events = TOLD
    code, out, said = run("events", "tail", "--type", "breaker.opened", "--count", "1", "--all")
    assert (code, json.loads(out), said) == (0, TOLD[1][1], "")
    assert script.headers["last-event-id"] == "0"


def test_an_end_of_events_is_told(run, script, monkeypatch):
    """On a terminal each is a line of its own, whatever is in it."""
    script.events = TOLD
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, said = run("events", "tail")
    assert out.splitlines() == ["noon  request.cost  cost_usd=1", r"noon  breaker.opened  model=m\u000a"]
    assert (code, "The gateway ended the stream" in said) == (1, True)
    assert "last-event-id" not in script.headers


def test_where_no_events_are_the_way_to_them_is_told(run, script):
    """As on AWS."""
    script.has_events = False
    code, _, said = run("events", "tail")
    assert (code, "EventBridge" in said) == (1, True)


def test_a_simulated_provider_is_let_fail(capsys):
    """Set, listed and cleared; what makes no sense is refused with what there is."""
    with serve(create_app()) as url:

        def run(*words):
            code = main(["fault", *words, "--url", url], {})
            printed = capsys.readouterr()
            return code, [json.loads(line) for line in printed.out.splitlines()], printed.err

        code, (line,), _ = run("anthropic", "rate_limit", "--times", "2", "--set", "retry_after=7")
        assert (code, line["kind"], line["times"], line["retry_after"]) == (0, "rate_limit", 2, 7)
        assert run("--list")[1] == [line]
        assert run("--clear") == (0, [], "no faults are set\n")
        code, _, said = run("anthropic", "servr_error")
        assert (code, "kind must be one of" in said) == (2, True)
        for words in ((), ("anthropic",), ("anthropic", "cut", "--list")):
            code, _, said = run(*words)
            assert (code, "Name a PROVIDER and a KIND" in said) == (2, True)
