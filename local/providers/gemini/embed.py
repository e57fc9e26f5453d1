"""Gemini embedContent, batchEmbedContents and the list of models."""

from __future__ import annotations

from typing import override

from local.providers import catalog
from local.providers.content import read_content
from local.providers.gemini.base import GeminiWire
from local.providers.gemini.rules import check_model
from local.providers.model import Generation, Json, Prompt, Refused, Request, Stamp
from local.providers.openai.embeddings import vector

_DIMENSIONS = 3072


class GeminiEmbed(GeminiWire):
    """POST /v1beta/models/{model}:embedContent."""

    endpoint = "embeddings"
    blocks_in_band = False

    @override
    def read(self, request: Request) -> Prompt:
        model = check_model(request)
        requests = self.requests(request.body)
        contents = [item.get("content") for item in requests]
        if not contents or not all(content and content.get("parts") for content in contents):
            raise Refused("* EmbedContentRequest.content: content is not specified\n")
        tokens = sum(read_content(content["parts"]).tokens for content in contents if content)
        return Prompt(model=model, input_tokens=tokens, body=request.body)

    def requests(self, body: Json) -> list[Json]:
        return [body]

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        return {"embedding": _embedding(prompt.body)}


class GeminiBatchEmbed(GeminiEmbed):
    """POST /v1beta/models/{model}:batchEmbedContents."""

    @override
    def requests(self, body: Json) -> list[Json]:
        return list(body.get("requests") or ())

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        return {"embeddings": [_embedding(item) for item in self.requests(prompt.body)]}


class GeminiModels(GeminiWire):
    """GET /v1beta/models, always one page."""

    endpoint = "models"

    @override
    def read(self, request: Request) -> Prompt:
        return Prompt(model="")

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        return {"models": [_model(name, method) for name, method in catalog.GEMINI]}


def _model(name: str, method: str) -> Json:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": [method, "countTokens"],
    }


def _embedding(request: Json) -> Json:
    text = read_content(request["content"]["parts"]).text
    return {"values": list(vector(text, request.get("outputDimensionality") or _DIMENSIONS))}
