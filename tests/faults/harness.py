"""Gateways in this process over real HTTP, and one request with everything that is told of it."""

from __future__ import annotations

import copy
import json
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, override
from unittest import mock

import httpx

from gateway_core.adapters import models
from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.api import chat, complete, embeddings, stream, tokens, usage
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.config.reload import ReloadingServices
from gateway_core.domain.answer import Chunk, ProviderAnswer
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.embedding import EmbedCall, Embeddings
from gateway_core.services import ModelServices
from local.providers import base_urls
from local.serving import serve
from tests.e2e.conftest import PROVIDER_KEYS
from tests.engines import OURS
from tests.faults.expectations import CHAT, CHOOSERS, EMBEDDING, Candidate, Fault
from tests.faults.pace import Pace, config

PARTS = (complete, stream, chat, embeddings, tokens, usage)
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens on the port of the discard service."""
HELLO = [{"role": "user", "content": "Say hello to everybody"}]


@dataclass(frozen=True)
class Share:
    """How many seconds an attempt gets: until its first content, which is all of an answer in one piece, and whole."""

    first_s: float
    whole_s: float


type Shares = defaultdict[str, list[Share]]
"""Of each request by its id, one for each attempt."""


class Noting(UpstreamProvider):
    """The provider as it is, and a note of how long each attempt may take."""

    def __init__(self, shares: Shares, provider: UpstreamProvider) -> None:
        self.__dict__.update(provider.__dict__)
        self._shares = shares

    @override
    async def complete(self, call: ProviderCall) -> ProviderAnswer:
        self._shares[call.request_id].append(Share(call.timeout_s, call.timeout_s))
        return await super().complete(call)

    @override
    def stream(self, call: ProviderCall) -> AsyncGenerator[Chunk, None]:
        self._shares[call.request_id].append(Share(call.first_within_s, call.timeout_s))
        return super().stream(call)

    @override
    async def embed(self, call: EmbedCall) -> Embeddings:
        self._shares[call.request_id].append(Share(call.timeout_s, call.timeout_s))
        return await super().embed(call)


@dataclass(frozen=True)
class Running:
    """A gateway that serves."""

    url: str
    pace: Pace
    services: ReloadingServices[ModelServices]
    shares: Shares


class Gateways:
    """Starts a gateway for each pace that is asked for, once. `ours` are the providers that wires of ours serve."""

    ours = OURS[0]

    def __init__(self, stack: ExitStack, folder: Any, environ: dict[str, str], providers_url: str) -> None:
        self._stack = stack
        self._folder = folder
        self._environ = environ
        self._providers_url = providers_url
        self._running: dict[tuple[Pace, frozenset[str], frozenset[str]], Running] = {}

    def of(self, ours: frozenset[str]) -> Gateways:
        """The same, for other engines."""
        other = copy.copy(self)
        other.ours = ours
        return other

    def get(self, pace: Pace, unreachable: frozenset[str] = frozenset()) -> Running:
        """At this pace, and with these providers at an address where nobody is."""
        which = pace, unreachable, self.ours
        if which not in self._running:
            self._running[which] = self._start(pace, unreachable)
        return self._running[which]

    def _start(self, pace: Pace, unreachable: frozenset[str]) -> Running:
        path = self._folder / f"config-{len(self._running)}.yaml"
        path.write_text(config(pace, self.ours))
        away = {f"{name.upper()}_API_BASE" for name in unreachable}
        bases = {
            name: url.replace(self._providers_url, NOWHERE) if name in away else url
            for name, url in base_urls(self._providers_url).items()
        }
        environ = {**PROVIDER_KEYS, **bases, **self._environ, "GATEWAY_CONFIG": str(path), "LOG_LEVEL": "CRITICAL"}
        shares: Shares = defaultdict(list)
        # All is wired as it is in production.
        made = models.model_provider
        with mock.patch.object(models, "model_provider", lambda *given, **more: Noting(shares, made(*given, **more))):
            services = model_services(environ)
        app = create_app(services, *(part.router for part in PARTS))
        return Running(self._stack.enter_context(serve(app)), pace, services, shares)


@dataclass(frozen=True)
class Way:
    """One way to ask: a path and a body."""

    name: str
    path: str
    body: dict[str, Any]
    lineup: tuple[Candidate, ...]
    is_stream: bool = False
    is_openai: bool = False

    def __str__(self) -> str:
        return self.name

    def against(self, fault: Fault) -> Way:
        """The same, asked of candidates that can have the fault."""
        if not fault.of_choices or self.lineup is EMBEDDING:
            return self
        name = "model" if self.is_openai else "model_group"
        return replace(self, body={**self.body, name: "choosers"}, lineup=CHOOSERS)


COMPLETE = Way("complete", "/v1/complete", {"messages": HELLO, "model_group": "trio"}, CHAT)
STREAM = Way("stream", "/v1/stream", {"messages": HELLO, "model_group": "trio"}, CHAT, is_stream=True)
EMBED = Way(
    "embed", "/v1/embeddings", {"input": ["Say hello", "to all"], "model": "vectors"}, EMBEDDING, is_openai=True
)
OPENAI = Way("openai", "/v1/chat/completions", {"messages": HELLO, "model": "trio"}, CHAT, is_openai=True)
OPENAI_STREAM = Way(
    "openai-stream",
    "/v1/chat/completions",
    {"messages": HELLO, "model": "trio", "stream": True, "stream_options": {"include_usage": True}},
    CHAT,
    is_stream=True,
    is_openai=True,
)
WAYS = (COMPLETE, STREAM, EMBED, OPENAI, OPENAI_STREAM)


@dataclass
class Told:
    """All that the caller was told. `events` are those of a stream; `attempts` is None where the wire has no place.

    `began_s` is how long it took until status and headers came.
    """

    status: int
    headers: httpx.Headers
    began_s: float
    body: dict[str, Any] = field(default_factory=dict)
    events: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def error(self) -> dict[str, Any] | None:
        """In the body, or in-band as the last event."""
        last = self.events[-1][1] if self.events else None
        found = self.body.get("error") or (last.get("error") if isinstance(last, dict) else None)
        return dict(found) if found else None

    @property
    def is_early(self) -> bool:
        """Whether it is a stream that began before anybody had answered or failed: then it cannot say who answers."""
        is_stream = self.headers.get("content-type", "").startswith("text/event-stream")
        return is_stream and "x-gateway-model" not in self.headers

    @property
    def done(self) -> dict[str, Any]:
        """The completion of our own wires, empty without one."""
        return next((data for name, data in self.events if name == "done"), self.body)

    @property
    def is_whole(self) -> bool:
        """Whether anything says that the answer is complete."""
        signs = [name == "done" or data == "[DONE]" or _finish(data) for name, data in self.events]
        return any(signs) if self.events else self.status == httpx.codes.OK

    @property
    def attempts(self) -> list[tuple[str, str, str, str | None]] | None:
        """Model, provider, outcome and error code."""
        found = self.error["attempts"] if self.error else self.done.get("attempts")
        return found and [(one["model"], one["provider"], one["outcome"], one["error_code"]) for one in found]

    @property
    def request_id(self) -> str:
        return str(self.headers["x-gateway-request-id"])


def _finish(data: Any) -> bool:
    choices = data.get("choices") or [] if isinstance(data, dict) else []
    return any(choice.get("finish_reason") for choice in choices)


def ask(http: httpx.Client, way: Way, **more: Any) -> Told:
    """Send one request and hear it to its end."""
    asked_s = time.monotonic()
    with http.stream("POST", way.path, json={**way.body, **more}) as answer:
        began_s = time.monotonic() - asked_s
        is_stream = answer.headers.get("content-type", "").startswith("text/event-stream")
        events = list(events_of(answer)) if is_stream else []
        body = {} if is_stream else json.loads(answer.read())
    return Told(answer.status_code, answer.headers, began_s, body, events)


def events_of(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    """The name and the decoded data of each event."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            text = line.removeprefix("data: ")
            yield name, text if text == "[DONE]" else json.loads(text)
            name = ""
