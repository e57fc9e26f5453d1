"""A repeatable mixture of requests, what a client hears of each, and what the providers counted for it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import httpx

from tests.engines import OURS, providers
from tests.faults.harness import events_of
from tests.faults.pace import ONCE


@dataclass(frozen=True)
class Model:
    """Nano-USD per token of input and output."""

    key: str
    provider: str
    upstream: str
    per_input: int
    per_output: int


MODELS = (
    Model("claude-haiku-3.5", "anthropic", "claude-haiku-4-5", 1000, 5000),
    Model("gpt-5.1-mini", "openai", "gpt-5.4-mini", 2000, 6000),
    Model("gemini-flash", "gemini", "gemini-3.8-flash", 3000, 7000),
    Model("gpt-5.1", "openai", "gpt-5.1", 4000, 8000),
    Model("deepseek-v3.2", "deepseek", "deepseek-v4-flash", 5000, 9000),
    Model("gemini-3-pro", "gemini", "gemini-3.1-pro-preview", 6000, 11000),
    Model("text-embedding-3-large", "openai", "text-embedding-3-large", 130, 0),
    Model("text-embedding-ada-002", "openai", "text-embedding-ada-002", 100, 0),
)
SPOKEN, WHOLE, VECTORS = MODELS[:3], MODELS[3:6], MODELS[6:]
"""The models of streams and some completions, of completions only, and of embeddings."""
_CONFIG = f"""
groups:
  spoken: [{", ".join(one.key for one in SPOKEN)}]
  whole: [{", ".join(one.key for one in WHOLE)}]
store: {{timeout_s: 30, connect_timeout_s: 30}}
limits: {{default_timeout_s: 60}}
breaker: {{cooldown_s: 0.1, max_cooldown_s: 0.1}}
{ONCE}
pricing:
  models:
""" + "".join(f"    {one.key}: {{input: {one.per_input / 1000}, output: {one.per_output / 1000}}}\n" for one in MODELS)
CONFIGS = tuple(f"providers: {providers(ours)}\n{_CONFIG}" for ours in OURS)
"""One for every other process: what one serves by wires of our own, the other does by LiteLLM."""
REFUSALS: tuple[dict[str, Any], ...] = (
    {"kind": "rate_limit", "headers": {"retry-after-ms": "200"}},
    {"kind": "rate_limit"},
    {"kind": "server_error"},
    {"kind": "unavailable"},
    {"kind": "auth"},
    {"kind": "not_found"},
    {"kind": "content_filter"},
    {"kind": "context_length"},
    {"kind": "slow_first_token", "delay_ms": 100},
)
"""Faults whose bill is known, whichever way was asked."""
ACCIDENTS: tuple[dict[str, Any], ...] = ({"kind": "reset"}, {"kind": "malformed"}, {"kind": "cut"})
"""Faults after which nobody knows the bill. Of an answer in one piece nothing is charged until somebody does."""
UNKNOWN = frozenset(fault["kind"] for fault in ACCIDENTS)
GROUP_SHARE = 0.8
"""How many ask for a group, in which others can answer for a model that fails."""
OPENAI_SHARE = 0.4
"""How many ask on OpenAI's chat wire, which is forwarded to who speaks it."""
AGENTS = tuple(f"agent-{n}" for n in range(5))
USERS = tuple(f"user-{n}" for n in range(4))


@dataclass(frozen=True)
class Job:
    """One request, and the fault that its first model is told to have before it; another request may meet it."""

    number: int
    path: str
    body: dict[str, Any]
    project: str
    agent: str
    user: str
    fault: dict[str, Any] | None


def jobs(count: int, projects: Sequence[str], fault_share: float) -> list[Job]:
    """The same ones each time."""
    dice = random.Random(23)  # noqa: S311 - a repeatable mixture, not a secret
    return [_job(dice, number, projects, fault_share) for number in range(count)]


def _job(dice: random.Random, number: int, projects: Sequence[str], fault_share: float) -> Job:
    project, agent, user = dice.choice(projects), dice.choice(AGENTS), dice.choice(USERS)
    text = f"job {number}; " + "word " * dice.randint(1, 12)
    way = dice.choices(["complete", "stream", "embed"], [45, 35, 20])[0]
    if way == "embed":
        path, pool, first = "/v1/embeddings", VECTORS, VECTORS[0]
        body: dict[str, Any] = {"input": text, "model": "embedding", "user": user}
    else:
        pool = SPOKEN if way == "stream" else dice.choice([SPOKEN, WHOLE])
        first = pool[0] if dice.random() < GROUP_SHARE else dice.choice(pool)
        target = ("spoken" if pool is SPOKEN else "whole") if first is pool[0] else first.key
        messages = [{"role": "user", "content": f"{text}[[words={dice.randint(1, 20)}]]"}]
        body = {"messages": messages, "max_tokens": 50}
        if dice.random() < OPENAI_SHARE:
            path = "/v1/chat/completions"
            body |= {"model": target, "user": user, "stream": way == "stream"}
        else:
            path = f"/v1/{way}"
            body |= {"model" if target == first.key else "model_group": target, "agent_id": agent, "user_id": user}
    fault = _fault(dice, pool, first) if dice.random() < fault_share else None
    return Job(number, path, body, project, agent, user, fault)


def _fault(dice: random.Random, pool: tuple[Model, ...], first: Model) -> dict[str, Any]:
    kinds = REFUSALS if pool is SPOKEN else (*REFUSALS, *ACCIDENTS, *ACCIDENTS)
    return {"provider": first.provider, "model": first.upstream, "times": 1, **dice.choice(kinds)}


@dataclass
class Heard:
    """What the client knows of a job. `broke` is how its connection did. `attempts` counts the calls that were made."""

    job: Job
    broke: str = ""
    request_id: str = ""
    code: str = ""
    model: str = ""
    attempts: int = 0
    is_whole: bool = False

    @classmethod
    def of(cls, http: httpx.Client, url: str, key: str, job: Job) -> Self:
        """Ask, and listen to the end."""
        agent = {} if "agent_id" in job.body else {"x-agent-id": job.agent}
        headers = {"authorization": f"Bearer {key}", **agent}
        heard = cls(job)
        try:
            with http.stream("POST", url + job.path, json=job.body, headers=headers) as answer:
                is_stream = answer.headers["content-type"].startswith("text/event-stream")
                told = list(events_of(answer)) if is_stream else [("", json.loads(answer.read()))]
        except httpx.HTTPError as error:
            heard.broke = repr(error)
            return heard
        heard.request_id = answer.headers["x-gateway-request-id"]
        heard._note(answer.headers, told)
        return heard

    def _note(self, headers: httpx.Headers, told: list[tuple[str, Any]]) -> None:
        last = told[-1][1]
        error = last.get("error") if last != "[DONE]" else None
        self.is_whole = error is None
        if error:
            made = [one for one in error["attempts"] if one["outcome"] != "skipped"]
            self.code, self.attempts = error["code"], len(made)
            self.model = made[-1]["model"] if made else ""
        else:
            self.model, self.attempts = headers["x-gateway-model"], int(headers["x-gateway-attempts"])


@dataclass(frozen=True)
class Tally:
    """Requests and errors are the client's count, tokens the providers', the price that of each model called."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    nano: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.requests + other.requests,
            self.errors + other.errors,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.nano + other.nano,
        )


@dataclass
class Counted:
    """The providers' own log: what each job cost, its calls that nobody knows the bill of, and how many had a fault."""

    faults: int = 0
    tallies: dict[int, Tally] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    unknown: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, log: list[dict[str, Any]]) -> Self:
        """Read the simulator's requests."""
        counted = cls()
        for call in log:
            number = int(re.search(r"job (\d+);", json.dumps(call["body"]))[1])  # type: ignore[index]
            counted.calls[number] = counted.calls.get(number, 0) + 1
            counted.faults += call["fault"] is not None
            if call["fault"] in UNKNOWN:
                counted.unknown[number] = counted.unknown.get(number, 0) + 1
            elif call["outcome"] == "ok":
                counted.tallies[number] = counted.tallies.get(number, Tally()) + _price(call)
        return counted


def _price(call: dict[str, Any]) -> Tally:
    model = next(one for one in MODELS if one.upstream == call["model"])
    read, written = call["input_tokens"], call["generated_tokens"]
    nano = read * model.per_input + written * model.per_output
    return Tally(0, 0, read, written, nano)
