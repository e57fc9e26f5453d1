"""Anthropic's list of models."""

from __future__ import annotations

from typing import override

from local.providers import catalog
from local.providers.anthropic.base import AnthropicWire
from local.providers.model import Generation, Json, Prompt, Request, Stamp


class AnthropicModels(AnthropicWire):
    """GET /v1/models, always one page."""

    endpoint = "models"

    @override
    def read(self, request: Request) -> Prompt:
        return Prompt(model="")

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        models = [
            {"type": "model", "id": name, "display_name": title, "created_at": "2025-11-24T00:00:00Z"}
            for name, title in catalog.ANTHROPIC
        ]
        return {"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]}
