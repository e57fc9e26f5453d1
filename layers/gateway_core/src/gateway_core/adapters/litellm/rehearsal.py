"""The first call, made to nobody while LiteLLM is loaded.

It has Python import 470 modules more, most of them of OpenAI's SDK: the better part of a second, for which an
event loop would stand still, and all who are served by it. The thread that loads LiteLLM has the time.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Mapping
from typing import Any

import httpx

from gateway_core.adapters.litellm.chat import chat, open_chat
from gateway_core.adapters.litellm.library import Library
from gateway_core.domain.chat import Deployment, ProviderCall

_CALL = ProviderCall(
    Deployment("openai", "rehearsal", "http://rehearsal.invalid/v1", engine="litellm"),
    ({"role": "user", "content": "?"},),
    {},
    max_output_tokens=1,
    timeout_s=60.0,
    request_id="rehearsal",
)
_HEAD = {"id": "0", "created": 1, "model": "rehearsal"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def rehearse(library: Library) -> None:
    """Ask for a whole answer and for a stream. Not from within an event loop."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydantic's, as it builds models
        asyncio.run(_rehearsed(library))


async def _rehearsed(library: Library) -> None:
    async with httpx.AsyncClient(transport=httpx.MockTransport(_answer), trust_env=False) as http:
        client = library.openai.AsyncOpenAI(
            api_key="none", base_url=_CALL.deployment.api_base, max_retries=0, http_client=http
        )
        means: dict[str, Any] = {"messages": list(_CALL.messages), "params": {}, "api_key": "none", "client": client}
        await chat(library, _CALL, **means)
        async for _ in await open_chat(library, _CALL, **means):
            pass


def _answer(request: httpx.Request) -> httpx.Response:
    said = {"role": "assistant", "content": "."}
    if not json.loads(request.content).get("stream"):
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return httpx.Response(200, json={**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE})
    chunk = {**_HEAD, "object": "chat.completion.chunk", "usage": None}
    choices = [{"index": 0, "delta": said, "finish_reason": "stop"}]
    events = [
        _event({**chunk, "choices": choices}),
        _event({**chunk, "choices": [], "usage": _USAGE}),
        "data: [DONE]\n\n",
    ]
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, text="".join(events))


def _event(data: Mapping[str, object]) -> str:
    return f"data: {json.dumps(data)}\n\n"
