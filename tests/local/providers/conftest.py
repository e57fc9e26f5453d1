"""One simulator for all tests of a worker; every test starts without faults and with empty counts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import openai
import pytest

from local.providers import base_urls, create_app
from local.providers.control import Control
from local.serving import bind, running, server_for
from tests.patience import patience

NOW_S = 1_790_000_000
DRAIN_S = 1
KEYS = {
    "anthropic": {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"},
    "deepseek": {"authorization": "Bearer sk-test"},
    "gemini": {"x-goog-api-key": "test"},
    "openai": {"authorization": "Bearer sk-test"},
}
MODELS = {
    "anthropic": "claude-opus-4-5",
    "deepseek": "deepseek-chat",
    "gemini": "gemini-2.5-pro",
    "openai": "gpt-5.1",
}
PROVIDERS = tuple(MODELS)


@dataclass(frozen=True)
class Event:
    """One server-sent event; `data` is decoded unless it is no JSON."""

    name: str | None
    data: Any


@dataclass(frozen=True)
class Sim:
    """The simulator as plain HTTP clients see it. `forget` is `control.reset`, without the two requests."""

    root: str
    http: httpx.Client
    control: Control
    forget: Callable[[], None]

    def post(self, provider: str, path: str, body: Any, **headers: str) -> httpx.Response:
        return self.http.post(self.base(provider) + path, json=body, headers={**KEYS[provider], **headers})

    def base(self, provider: str) -> str:
        return base_urls(self.root)[f"{provider.upper()}_API_BASE"]

    def request(self, provider: str, text: str = "hello world", *, stream: bool = False) -> tuple[str, dict[str, Any]]:
        """URL and body of a chat with the provider's usual model."""
        model = MODELS[provider]
        if provider == "gemini":
            method = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return f"/models/{model}:{method}", {"contents": [{"role": "user", "parts": [{"text": text}]}]}
        body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}]}
        body |= {"stream": True} if stream else {}
        if provider == "anthropic":
            return "/v1/messages", body | {"max_tokens": 1000}
        return "/chat/completions", body

    def chat(self, provider: str, text: str = "hello world", *, stream: bool = False) -> httpx.Response:
        path, body = self.request(provider, text, stream=stream)
        return self.post(provider, path, body)

    def events(self, provider: str, text: str = "hello world") -> list[Event]:
        response = self.chat(provider, text, stream=True)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"].startswith("text/event-stream")
        return events_of(response.text)


def events_of(text: str) -> list[Event]:
    """The events of a whole stream."""
    return [_event(block) for block in text.replace("\r\n", "\n").split("\n\n") if block]


def _event(block: str) -> Event:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    try:
        data = json.loads(fields["data"])
    except ValueError:
        data = fields["data"]
    return Event(fields.get("event"), data)


@pytest.fixture(scope="session")
def simulator() -> Iterator[Sim]:
    app = create_app(now_s=lambda: NOW_S)
    server = server_for(app, DRAIN_S)

    def forget() -> None:
        done = threading.Event()

        def work() -> None:
            app.state.simulator.faults.clear()
            app.state.simulator.forget()
            done.set()

        server.soon(work)
        assert done.wait(patience(10))

    with (
        running(server, bind(), DRAIN_S) as root,
        httpx.Client(timeout=patience(10)) as http,
        Control(root) as control,
    ):
        yield Sim(root, http, control, forget)


@pytest.fixture
def sim(simulator: Sim) -> Sim:
    simulator.forget()
    return simulator


@pytest.fixture
def client(sim: Sim) -> Iterator[openai.OpenAI]:
    """OpenAI's own, which speaks to the simulator as its users do."""
    with openai.OpenAI(api_key="sk-test", base_url=sim.base("openai"), max_retries=0) as client:
        yield client
