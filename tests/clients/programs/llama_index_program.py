"""LlamaIndex, by its class for servers that speak like OpenAI's."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from llama_index.llms.openai_like import OpenAILike
from program import KEY, URL, serve
from pydantic import BaseModel

HELLO = [ChatMessage("Say hello to everybody")]


class Answer(BaseModel):
    """What is asked for."""

    answer: str


def _llm(model: str, **more: Any) -> OpenAILike:
    # Its own field for the effort is for OpenAI's names alone.
    return OpenAILike(
        model=model,
        api_base=URL,
        api_key=KEY,
        is_chat_model=True,
        is_function_calling_model=True,
        context_window=100_000,
        max_retries=0,
        additional_kwargs=more,
    )


def chat(model: str) -> str | None:
    """A whole answer."""
    return _llm(model).chat(HELLO).message.content


def stream(model: str) -> list[str | None]:
    """The pieces of one."""
    return [piece.delta for piece in _llm(model).stream_chat(HELLO)]


def structured(model: str) -> dict[str, Any]:
    """An answer of a class."""
    return _llm(model).as_structured_llm(Answer).chat(HELLO).raw.model_dump()


def call(model: str) -> dict[str, Any]:
    """The tool is called as the model says."""
    called: list[str] = []
    answer = _llm(model).predict_and_call([_weather(called)], "What is the weather? [[tool]]")
    return {"called": called, "text": str(answer)}


def agent(model: str, **more: Any) -> dict[str, Any]:
    """Two questions in one conversation, each of which takes the tool."""
    return asyncio.run(_converse(_llm(model, **more)))


async def _converse(llm: OpenAILike) -> dict[str, Any]:
    called: list[str] = []
    talker = FunctionAgent(tools=[_weather(called)], llm=llm, system_prompt="Be brief.")
    context = Context(talker)
    texts = [
        str(await talker.run(question, ctx=context))
        for question in ("What is the weather? [[tool]]", "And tomorrow? [[tool]]")
    ]
    return {"called": called, "texts": texts}


def _weather(called: list[str]) -> FunctionTool:
    def weather(city: str) -> str:
        """The weather in a city."""
        called.append(city)
        return "Sunny."

    return FunctionTool.from_defaults(weather)


if __name__ == "__main__":
    serve(chat, stream, structured, call, agent)
