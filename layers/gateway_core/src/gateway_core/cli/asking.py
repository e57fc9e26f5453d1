"""`gateway ask`: one question to a model, and its words as they come."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from gateway_core.cli.answers import Answer, CommandError
from gateway_core.cli.calling import Gateway, caller, json_object
from gateway_core.cli.output import harmless
from gateway_core.config.client_environment import address_or
from gateway_core.wires.sse import SseReader

HERE = "http://127.0.0.1:8787"
"""Where `make run` listens."""


async def ask(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """The model's words go to stdout, what they cost to stderr; with `--json` it is all one line."""
    found = address_or(environ, options.url, HERE)
    gateway = Gateway(found, caller(options, environ, found))
    try:
        if options.json:
            return Answer([await gateway.call("POST", "/v1/complete", _question(options))])
        async with gateway.opened("POST", "/v1/stream", _question(options)) as response:
            return Answer(notes=[_bill(await _said(response))])
    finally:
        await gateway.close()


def _question(options: argparse.Namespace) -> dict[str, object]:
    prompt = sys.stdin.read() if options.prompt == "-" else options.prompt
    system = [{"role": "system", "content": options.system}] if options.system else []
    asked = {
        "model_group": options.group,
        "model": options.model,
        "max_tokens": options.max_tokens,
        "project_id": options.project,
    }
    messages = [*system, {"role": "user", "content": prompt}]
    return {"messages": messages, **{name: value for name, value in asked.items() if value is not None}}


async def _said(response: httpx.Response) -> dict[str, Any]:
    """Print what comes; the whole answer, as `done` has it. Raises CommandError for a stream that breaks."""
    terminal = sys.stdout.isatty()
    has_begun = False
    async for name, data in events_of(response):
        if name == "chunk":
            delta = str(data.get("delta", ""))
            has_begun = has_begun or bool(delta)
            print(harmless(delta) if terminal else delta, end="", flush=True)
        elif name in {"done", "error"}:
            if has_begun:
                print(flush=True)
            if name == "done":
                return data
            told = data.get("error", {})
            raise CommandError(f"The answer broke off: {told.get('message')} ({told.get('code')})")
    raise CommandError("The answer broke off: the connection ended before the answer did.")


async def events_of(response: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Type and data of each event; what is no JSON object is passed over."""
    reader = SseReader()
    async for piece in response.aiter_bytes():
        for name, data in reader.feed(piece):
            if (found := json_object(data)) is not None:
                yield name, found


def _bill(done: Mapping[str, Any]) -> str:
    usage, cost = done["usage"], done["cost"]
    tokens = f"{usage['input_tokens']} + {usage['output_tokens']} tokens"
    failed = sum(attempt["outcome"] == "failed" for attempt in done["attempts"])
    after = f" after {failed} failed" if failed else ""
    return f"{done['model']} ({done['provider']}){after}, {tokens}, {cost['total_usd']} USD, {done['latency_ms']} ms"
