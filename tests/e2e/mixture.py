"""A repeatable mixture of streams, and a client that plays them and tells what it saw."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

UPSTREAM = {
    "claude-haiku-3.5": ("anthropic", "claude-haiku-4-5"),
    "gpt-5.1": ("openai", "gpt-5.1"),
    "codex-max": ("openai", "gpt-5.3-codex"),
    "gemini-flash": ("gemini", "gemini-3.8-flash"),
    "deepseek-v3.2": ("deepseek", "deepseek-v4-flash"),
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "server_error"},
    {"kind": "cut", "after_chunks": 3},
    {"kind": "stall", "after_chunks": 3},
    {"kind": "malformed", "after_chunks": 2},
    {"kind": "content_filter", "after_chunks": 3},
)
STAYED_FOR = 3
"""How many chunks a caller hears who then leaves."""
_PATHS = ("/v1/stream", "/v1/chat/completions")
_TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass(frozen=True)
class Job:
    """One request. `fault` is what its provider is told to do shortly before; another call may be hit instead."""

    number: int
    path: str
    target: str
    prompt: str
    fault: dict[str, Any] | None
    has_tools: bool
    leaves: bool

    @property
    def body(self) -> dict[str, Any]:
        messages = [{"role": "user", "content": f"job {self.number}; {self.prompt}"}]
        tools = {"tools": [_TOOL]} if self.has_tools else {}
        if self.path == "/v1/stream":
            name = "model_group" if self.target == "fast" else "model"
            return {"messages": messages, name: self.target, **tools}
        wire = {"model": self.target, "stream": True, "stream_options": {"include_usage": True}}
        return {"messages": messages, **wire, **tools}

    @property
    def order(self) -> dict[str, Any] | None:
        """The fault as the simulator takes it."""
        if not self.fault:
            return None
        provider, upstream = UPSTREAM.get(self.target, UPSTREAM["claude-haiku-3.5"])
        return {"provider": provider, "model": upstream, "times": 1, **self.fault}


@dataclass
class Played:
    """What the client saw. `ended` has every sign that an answer is complete; `usage` is in and out, `cost` USD."""

    job: Job
    request_id: str = ""
    chunks: int = 0
    ended: set[str] = field(default_factory=set)
    error: str = ""
    usage: tuple[int, int] | None = None
    cost: str = ""
    left: bool = False

    def hear(self, name: str, data: Any) -> None:
        """Take note of an event."""
        if data == "[DONE]" or name == "done":
            self.ended.add(name or data)
        if name == "done":
            self.usage = (data["usage"]["input_tokens"], data["usage"]["output_tokens"])
            self.cost = data["cost"]["total_usd"]
        elif "error" in data:
            self.error = data["error"]["code"]
        elif name == "chunk":
            self.chunks += 1
        elif data != "[DONE]":
            self._hear_openai(data)

    def _hear_openai(self, data: Any) -> None:
        for choice in data["choices"]:
            self.chunks += any(choice["delta"].get(said) for said in ("content", "tool_calls", "reasoning_content"))
            self.ended |= {choice["finish_reason"]} - {None}
        if data["usage"]:
            self.ended.add("usage")
            self.usage = (data["usage"]["prompt_tokens"], data["usage"]["completion_tokens"])
            self.cost = data["usage"]["cost_usd"]


def jobs(count: int) -> list[Job]:
    """The same ones each time."""
    dice = random.Random(11)  # noqa: S311 - a repeatable mixture, not a secret
    return [_job(dice, number) for number in range(count)]


def _job(dice: random.Random, number: int) -> Job:
    target = dice.choice([*UPSTREAM, "fast"])
    leaves = dice.random() < 0.1
    kind = dice.choice(["text", "text", "text", "tool", "reasoning"])
    # OpenAI's reasoning is hidden: nobody but the provider can know what a broken answer has cost.
    thinks = kind == "reasoning" and UPSTREAM.get(target, ("",))[0] in ("anthropic", "gemini", "deepseek")
    prompt = f"[[words={dice.randint(1, 30)}]]{' [[reasoning=4]]' if thinks else ''}"
    fault = dice.choice(FAULTS) if dice.random() < 0.3 else None
    if leaves:
        # The answer goes on for long enough, or falls silent: it cannot be over when the caller leaves.
        prompt, fault = "[[words=200]] [[pace=15]]", dice.choice((FAULTS[2], None))
    tools = kind == "tool" and not leaves
    return Job(number, dice.choice(_PATHS), target, f"{prompt} [[tool]]" if tools else prompt, fault, tools, leaves)


def play(http: httpx.Client, simulator: httpx.Client, job: Job) -> Played:
    """Let the provider go wrong if it is to, ask, and listen to the end or until this caller has enough."""
    if job.order:
        simulator.post("/__faults", json=job.order).raise_for_status()
    played = Played(job)
    with http.stream("POST", job.path, json=job.body) as answer:
        played.request_id = answer.headers.get("x-gateway-request-id", "")
        if answer.status_code != httpx.codes.OK:
            error = json.loads(answer.read())["error"]
            played.request_id, played.error = error["request_id"], error["code"]
            return played
        for name, data in _events(answer):
            played.hear(name, data)
            if job.leaves and played.chunks == STAYED_FOR:
                played.left = True
                return played
    return played


def _events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            text = line.removeprefix("data: ")
            yield name, text if text == "[DONE]" else json.loads(text)
            name = ""
