"""What an agent of many turns pays, with the breakpoints that the gateway sets and without.

`.venv/bin/python -m benchmarks.prompt_caching [--turns 20]` asks the gateway, its provider being simulated. See README.
`agent_bill` reckons the same without either: the requests are those that are sent, tokens are reckoned, and the cache
is as its documentation says. It reads the longest beginning that an earlier request wrote at a breakpoint, at most 20
blocks before one of its own, and writes up to the last.
Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from benchmarks.engines import OWN, ROOT, worker
from benchmarks.streaming import simulator
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment, Json, ProviderCall
from gateway_core.domain.cost import NANO_PER_USD, price
from gateway_core.domain.prices import Price
from gateway_core.wires.anthropic.caching import cache_minimum
from gateway_core.wires.anthropic.request import request

MODELS = ("claude-opus-4.5", "claude-sonnet-4", "claude-haiku-3.5")
_BYTES_PER_TOKEN = 5
"""Of `_words`, of which the simulator counts each as one."""
_LOOKBACK = 20
_MARK = "cache_control"
_TOOLS, _SYSTEM_TOKENS, _RESULT_TOKENS, _ANSWER_TOKENS = 10, 2000, 500, 100


@dataclass(frozen=True, slots=True)
class Bill:
    """What all turns of a conversation pay in USD, and what they use."""

    plain_usd: Decimal
    cached_usd: Decimal
    cached_usage: Usage

    @property
    def ratio(self) -> Decimal:
        """What is paid with caching, of what is paid without."""
        return self.cached_usd / self.plain_usd


def agent_bill(model: str, listed: Price, turns: int = 20) -> Bill:
    """Of an agent that calls a tool in each of its turns; `model` is the upstream name."""
    calls = [_call(model, turn) for turn in range(turns)]
    plain = [Usage(_tokens(list(_blocks(request(call, streams=False).body))), _ANSWER_TOKENS) for call in calls]
    cached = list(_cached(model, [request(replace(call, caches_prompt=True), streams=False).body for call in calls]))
    return Bill(_usd(plain, listed), _usd(cached, listed), sum(cached, Usage()))


def _usd(usages: list[Usage], listed: Price) -> Decimal:
    nano = sum(price(usage, listed, input_includes_cached=False).total_nano for usage in usages)
    return Decimal(nano) / NANO_PER_USD


def _cached(model: str, bodies: list[Json]) -> Iterator[Usage]:
    """Each request's usage, all of them within the cache's lifetime."""
    written: set[str] = set()
    for body in bodies:
        blocks = list(_blocks(body))
        beginnings = [_digest(blocks[:end]) for end in range(1, len(blocks) + 1)]
        marks = [end for end, block in enumerate(blocks) if _MARK in block]
        marks = [end for end in marks if _tokens(blocks[: end + 1]) >= cache_minimum(model)]
        near = (at for mark in reversed(marks) for at in range(mark, max(-1, mark - _LOOKBACK), -1))
        found = next((at + 1 for at in near if beginnings[at] in written), 0)
        read, whole = _tokens(blocks[:found]), _tokens(blocks)
        wrote = _tokens(blocks[: marks[-1] + 1]) - read if marks else 0
        written.update(beginnings[mark] for mark in marks)
        yield Usage(whole, _ANSWER_TOKENS, cached_input_tokens=read, cache_write_tokens=wrote)


def _blocks(body: Json) -> Iterator[dict[str, Any]]:
    yield from body["tools"]
    yield from body["system"]
    for turn in body["messages"]:
        yield from turn["content"]


def _digest(blocks: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps([_unmarked(block) for block in blocks]).encode()).hexdigest()


def _tokens(blocks: list[dict[str, Any]]) -> int:
    return sum(len(json.dumps(_unmarked(block))) for block in blocks) // _BYTES_PER_TOKEN


def _unmarked(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name != _MARK}


def _call(model: str, turn: int) -> ProviderCall:
    messages: list[Json] = [
        {"role": "system", "content": _words(_SYSTEM_TOKENS)},
        {"role": "user", "content": f"Find out why the build fails. [[words={_ANSWER_TOKENS}]]"},
    ]
    for number in range(turn):
        called = {"name": "tool_0", "arguments": json.dumps({"path": _words(_ANSWER_TOKENS)})}
        name = f"toolu_{number}"
        messages += [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": name, "type": "function", "function": called}],
            },
            {"role": "tool", "tool_call_id": name, "content": f"{number}: {_words(_RESULT_TOKENS)}"},
        ]
    tools = [{"type": "function", "function": _tool(number)} for number in range(_TOOLS)]
    deployment = Deployment("anthropic", model, "https://api.anthropic.com", engine="native")
    return ProviderCall(deployment, tuple(messages), {"tools": tools}, 4096, 60.0, "benchmark")


def _tool(number: int) -> Json:
    parameters = {"type": "object", "properties": {"path": {"type": "string", "description": _words(20)}}}
    return {"name": f"tool_{number}", "description": _words(80), "parameters": parameters}


def _words(tokens: int) -> str:
    return " word" * tokens


def measured_bill(model: str, turns: int = 20) -> Bill:
    """The same agent's, as the gateway bills it; `model` is its name in the catalog."""
    plain, _ = _billed("off", model, turns)
    cached, usage = _billed("auto", model, turns)
    return Bill(plain, cached, usage)


def _billed(caching: str, model: str, turns: int) -> tuple[Decimal, Usage]:
    """What all turns cost and use. A simulator for each setting, as those of one share a cache."""
    with simulator() as bases, worker(caching, ROOT, f"prompt_caching: {caching}\n", bases) as gateway:
        answers = [json.loads(gateway.ask(OWN, _asked(model, turn))["text"]) for turn in range(turns)]
    cost = sum((Decimal(str(answer["cost"]["total_usd"])) for answer in answers), Decimal())
    return cost, sum((_usage(answer["usage"]) for answer in answers), Usage())


def _asked(model: str, turn: int) -> Json:
    call = _call(model, turn)
    return {"model": model, "messages": call.messages, **call.params, "max_tokens": 2 * _ANSWER_TOKENS}


def _usage(told: Json) -> Usage:
    counts = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens")
    return Usage(*(told[name] for name in counts))


def line(model: str, bill: Bill) -> str:
    """A row of the table."""
    used = bill.cached_usage
    share = (
        f"{used.cached_input_tokens / used.input_tokens:.0%} read, {used.cache_write_tokens / used.input_tokens:.0%}"
    )
    return f"{model:20} {bill.plain_usd:.4f} USD {bill.cached_usd:.4f} USD {bill.ratio:.2f}x  {share} written"


def main() -> None:
    """Print what each Claude of the catalog costs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prompt_caching")
    parser.add_argument("--turns", type=int, default=20)
    options = parser.parse_args()
    print(f"{'':20} {'off':>10} {'auto':>10}")
    for model in MODELS:
        print(line(model, measured_bill(model, options.turns)), flush=True)


if __name__ == "__main__":
    main()
