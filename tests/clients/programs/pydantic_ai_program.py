"""Pydantic AI: an agent with a tool and an output type, over two turns."""

from __future__ import annotations

import base64
from typing import Any

from program import KEY, URL, serve
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, ModelMessage, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings
from pydantic_ai.providers.openai import OpenAIProvider

OUTPUTS = {"native": NativeOutput, "prompted": PromptedOutput, "tool": ToolOutput}
QUESTIONS = ("What is the weather? [[tool=weather]]", "And tomorrow? [[tool=weather]]")


class Report(BaseModel):
    """What is wanted in the end. The simulated model answers JSON mode without this field."""

    sky: str = "unknown"


def _agent(model: str, output: str, effort: str | None = None) -> Agent[None, Any]:
    settings = OpenAIChatModelSettings()
    if effort:
        settings["openai_reasoning_effort"] = effort
    chat = OpenAIChatModel(model, provider=OpenAIProvider(base_url=URL, api_key=KEY))
    kind = OUTPUTS[output](Report) if output in OUTPUTS else str
    return Agent(chat, output_type=kind, model_settings=settings, instructions="Be brief.")


def tools(model: str, output: str, effort: str | None = None) -> dict[str, Any]:
    """Two questions in one conversation, each of which takes the tool."""
    called = []
    agent = _agent(model, output, effort)

    @agent.tool_plain
    def weather(city: str) -> str:
        """The weather in a city."""
        called.append(city)
        return "Sunny."

    history: list[ModelMessage] = []
    outputs = []
    for question in QUESTIONS:
        result = agent.run_sync(question, message_history=history)
        history = result.all_messages()
        outputs.append(_plain(result.output))
    return {"called": called, "outputs": outputs}


def structured(model: str, output: str, effort: str | None = None) -> Any:
    """An output type alone."""
    return _plain(_agent(model, output, effort).run_sync("Say hello in JSON.").output)


def stream(model: str) -> dict[str, Any]:
    """Pieces of text, and the usage of the whole."""
    with _agent(model, "text").run_stream_sync("Say hello to everybody") as result:
        pieces = list(result.stream_text(delta=True, debounce_by=None))
        usage = result.usage
    return {"pieces": len(pieces), "text": "".join(pieces), "usage": [usage.input_tokens, usage.output_tokens]}


def read(model: str, media_type: str, data: str) -> str:
    """What is said of a file."""
    file = BinaryContent(base64.b64decode(data), media_type=media_type)
    return str(_agent(model, "text").run_sync(["What does it say?", file]).output)


def _plain(output: Any) -> Any:
    return output.model_dump() if isinstance(output, Report) else output


if __name__ == "__main__":
    serve(tools, structured, stream, read)
