"""OpenAI's list of models."""

from __future__ import annotations

from typing import override

from local.providers import catalog
from local.providers.model import Generation, Json, Prompt, Request, Stamp
from local.providers.openai.base import OpenAIWire


class OpenAIModels(OpenAIWire):
    """GET /v1/models."""

    endpoint = "models"
    names: tuple[str, ...] = catalog.OPENAI
    owner = "openai"

    @override
    def read(self, request: Request) -> Prompt:
        return Prompt(model="")

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        models = [
            {"id": name, "object": "model", "created": 1_763_000_000, "owned_by": self.owner} for name in self.names
        ]
        return {"object": "list", "data": models}
