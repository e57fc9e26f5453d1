"""Instructor: an answer of a class, asked for again when it is not valid."""

from __future__ import annotations

from typing import Any

import instructor
import openai
from program import KEY, URL, serve
from pydantic import BaseModel, ValidationInfo, field_validator

MODES = {
    "json": instructor.Mode.JSON,
    "schema": instructor.Mode.JSON_SCHEMA,
    "tools": instructor.Mode.TOOLS,
    "parallel": instructor.Mode.PARALLEL_TOOLS,
}


class Hesitant(BaseModel):
    """A class whose first answers are never good enough. The simulated model answers JSON mode without this field."""

    answer: str = "none"

    @field_validator("answer")
    @classmethod
    def _only_later(cls, value: str, info: ValidationInfo) -> str:
        patience = (info.context or {}).get("refusals", [])
        if patience:
            raise ValueError(patience.pop())
        return value

    model_config = {"validate_default": True}


def extract(model: str, mode: str, *, refusals: int, **options: Any) -> dict[str, Any]:
    """An answer after so many refusals; how often the gateway was asked, and with which roles at last."""
    asked: list[list[str]] = []
    client = instructor.from_openai(openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0), mode=MODES[mode])
    client.on("completion:kwargs", lambda **sent: asked.append([each["role"] for each in sent["messages"]]))
    answer = client.chat.completions.create(
        model=model,
        response_model=Hesitant,
        max_retries=3,
        context={"refusals": ["Say it better."] * refusals},
        messages=[{"role": "user", "content": "Say hello in JSON."}],
        **options,
    )
    return {"kind": type(answer).__name__, "times": len(asked), "roles": asked[-1]}


if __name__ == "__main__":
    serve(extract)
