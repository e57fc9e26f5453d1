"""The list of models. In AWS another host has it."""

from __future__ import annotations

from typing import override

from local.providers.bedrock.base import BedrockWire
from local.providers.catalog import BEDROCK
from local.providers.model import Generation, Json, Prompt, Request, Stamp


class BedrockModels(BedrockWire):
    """GET /foundation-models."""

    endpoint = "models"

    @override
    def read(self, request: Request) -> Prompt:
        return Prompt(model="")

    @override
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        return {"modelSummaries": [{"modelId": name, "responseStreamingSupported": True} for name in BEDROCK]}
