"""Calls for embeddings, and answers to them in OpenAI's format."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from gateway_core.domain.chat import Deployment
from gateway_core.domain.embedding import EmbedCall, EmbeddingInput, Embeddings
from gateway_core.domain.provider_errors import ProviderError
from tests.contract.litellm_paths import PATHS, PROMPT, provider_at
from tests.contract.raw_provider import Act, RawProvider

LARGE, ADA = "text-embedding-3-large", "text-embedding-ada-002"
KEY = PATHS[1].key


def call_at(root: str, *inputs: EmbeddingInput, model: str = LARGE, **options: Any) -> EmbedCall:
    """A call to OpenAI at `root`."""
    deployment = Deployment("openai", model, f"{root}/v1", "embedding")
    settings = {"dimensions": None, "timeout_s": 60.0, "request_id": "req-1", **options}
    return EmbedCall(deployment, inputs or (PROMPT,), **settings)


def row(index: int, *numbers: float) -> dict[str, Any]:
    """One vector of an answer, in base64."""
    text = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    return {"object": "embedding", "index": index, "embedding": text}


def body_of(*rows: dict[str, Any], **usage: Any) -> dict[str, Any]:
    """An answer of OpenAI's."""
    usage = usage or {"prompt_tokens": 11, "total_tokens": 11}
    return {"object": "list", "data": list(rows), "model": "m", "usage": usage}


GOOD = body_of(row(0, 0.5, -0.25))


async def embed(call: EmbedCall, **options: Any) -> Embeddings:
    """The answer of a provider made for this call."""
    provider = provider_at(call.deployment.api_base.removesuffix("/v1"), **options)
    try:
        return await provider.embed(call)
    finally:
        await provider.close()


async def fails(act: Act, *inputs: EmbeddingInput, **options: Any) -> tuple[ProviderError, RawProvider]:
    """The error of one call to a provider that acts like this; it saw one request, on one connection."""
    async with RawProvider(act).serve() as raw:
        with pytest.raises(ProviderError) as caught:
            await embed(call_at(raw.url, *inputs, **options))
    assert (len(raw.seen), raw.connections) == (1, 1)
    return caught.value, raw
