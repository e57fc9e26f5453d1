"""Ollama, Cohere and Perplexity on their own wires, called by LiteLLM, and a configuration with a model of each."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CONFIG = """
providers:
  ollama: {{base_url: "{url}", engine: litellm}}
  cohere: {{base_url: "{url}/v2/chat", input_includes_cached: true}}
  perplexity: {{base_url: "{url}", input_includes_cached: true, engine: litellm}}
models:
  llama: {{provider: ollama, upstream: llama3.2, tier: 3, context_window: 100000, max_output_tokens: 8000}}
  command: {{provider: cohere, upstream: v2/command-a-03-2025, tier: 2, context_window: 99000, max_output_tokens: 8000}}
  sonar: {{provider: perplexity, upstream: sonar, tier: 2, context_window: 127000, max_output_tokens: 8000}}
pricing:
  models:
    llama: {{input: 0, output: 0}}
    command: {{input: 2.5, output: 10}}
    sonar: {{input: 1, output: 1}}
"""
MODELS = ("llama", "command", "sonar")
KEYS = {"COHERE_API_KEY": "the-cohere-key", "PERPLEXITY_API_KEY": "the-perplexity-key"}


def create_app() -> Starlette:
    """Each answers with what it heard; the question `fail` gets the provider's own error."""
    return Starlette(
        routes=[
            Route("/api/chat", _ollama, methods=["POST"]),
            Route("/v2/chat", _cohere, methods=["POST"]),
            Route("/chat/completions", _perplexity, methods=["POST"]),
        ]
    )


async def _ollama(request: Request) -> Response:
    asked = await request.json()
    said = _last(asked)
    if said == "fail":
        return JSONResponse({"error": "model 'llama3.2' not found"}, 404)
    message = {"role": "assistant", "content": f"{asked['model']} heard: {said}"}
    counts = {"prompt_eval_count": 11, "eval_count": 5, "total_duration": 4_000_000}
    answer = {"model": asked["model"], "created_at": "2026-11-24T12:00:00Z", "message": message}
    return JSONResponse({**answer, "done": True, "done_reason": "stop", **counts})


async def _cohere(request: Request) -> Response:
    asked = await request.json()
    said = _last(asked)
    if said == "fail" or not _has_key(request, "COHERE_API_KEY"):
        return JSONResponse({"id": "1", "message": "invalid api token"}, 401)
    message = {"role": "assistant", "content": [{"type": "text", "text": f"{asked['model']} heard: {said}"}]}
    tokens = {
        "billed_units": {"input_tokens": 7, "output_tokens": 5},
        "tokens": {"input_tokens": 70, "output_tokens": 9},
    }
    return JSONResponse({"id": "1", "finish_reason": "COMPLETE", "message": message, "usage": tokens})


async def _perplexity(request: Request) -> Response:
    asked = await request.json()
    said = _last(asked)
    if said == "fail" or not _has_key(request, "PERPLEXITY_API_KEY"):
        return JSONResponse({"error": {"message": "Invalid API key", "type": "invalid_api_key", "code": 401}}, 401)
    message = {"role": "assistant", "content": f"{asked['model']} heard: {said}"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    usage = {"prompt_tokens": 11, "completion_tokens": 5, "total_tokens": 16}
    answer = {"id": "1", "object": "chat.completion", "created": 1, "model": asked["model"]}
    return JSONResponse({**answer, "choices": [choice], "usage": usage, "citations": []})


def _last(asked: Any) -> str:
    content = asked["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _has_key(request: Request, name: str) -> bool:
    return request.headers.get("authorization") == f"Bearer {KEYS[name]}"
