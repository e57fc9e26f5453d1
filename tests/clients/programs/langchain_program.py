"""LangChain as its documentation shows it: the chat model, and an agent with a tool."""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from program import KEY, URL, serve
from pydantic import BaseModel

HELLO = "Say hello to everybody"
CALLED: list[str] = []


class Answer(BaseModel):
    """What is asked for."""

    answer: str


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    CALLED.append(city)
    return "Sunny."


@tool
def clock() -> str:
    """What time it is."""
    CALLED.append("clock")
    return "Noon."


def _chat(model: str, *, wire: str = "openai", **options: Any) -> BaseChatModel:
    """By either vendor's class; OpenAI's takes Responses for names with "codex" in them."""
    if wire == "anthropic":
        return ChatAnthropic(model=model, base_url=URL.removesuffix("/v1"), api_key=KEY, max_retries=0, **options)
    return ChatOpenAI(model=model, base_url=URL, api_key=KEY, max_retries=0, **options)


def invoke(model: str) -> dict[str, Any]:
    """A whole answer."""
    answer = _chat(model).invoke(HELLO)
    return {
        "text": answer.text,
        "usage": _usage(answer),
        "finish": answer.response_metadata["finish_reason"],
    }


def stream(model: str) -> dict[str, Any]:
    """Pieces, and what they are together."""
    chunks = list(_chat(model, stream_usage=True).stream(HELLO))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return {
        "pieces": sum(bool(chunk.text) for chunk in chunks),
        "text": whole.text,
        "usage": _usage(whole),
        "finish": whole.response_metadata["finish_reason"],
    }


def tools(model: str, *, streamed: bool) -> list[dict[str, Any]]:
    """The calls of two tools at once; one of them takes no arguments."""
    bound = _chat(model, streaming=streamed).bind_tools([weather, clock])
    calls = bound.invoke("What is the weather, and when? [[tool=weather,clock]]").tool_calls
    return [{"name": call["name"], "args": call["args"]} for call in calls]


def structured(model: str, method: str, **options: Any) -> list[Any]:
    """An answer of a class that the model is told of."""
    answer = _chat(model, **options).with_structured_output(Answer, method=method).invoke(HELLO)
    return [type(answer).__name__, answer.model_dump()]


def json_mode(model: str) -> Any:
    """JSON, and no word of what is to be in it."""
    return _chat(model).with_structured_output(None, method="json_mode").invoke("Give me JSON.")


def agent(model: str, *, streaming: bool = False, **options: Any) -> dict[str, Any]:
    """Two questions in one conversation, each of which takes the tool."""
    CALLED.clear()
    talk = create_agent(_chat(model, streaming=streaming, **options), [weather], system_prompt="Be brief.")
    history: list[BaseMessage] = []
    for question in ("What is the weather? [[tool]]", "And tomorrow? [[tool]]"):
        history = talk.invoke({"messages": [*history, HumanMessage(question)]})["messages"]
    return {"called": list(CALLED), "kinds": [message.type for message in history], "text": history[-1].text}


def read(model: str, media_type: str, data: str) -> str:
    """What is said of a file, which goes in LangChain's own form."""
    part = {"type": "file", "mime_type": media_type, "base64": data, "filename": "paper.pdf"}
    message = HumanMessage([{"type": "text", "text": "What does it say?"}, part])
    return str(_chat(model).invoke([message]).text)


def logprobs(model: str) -> list[str]:
    """The tokens that the answer's log probabilities are of."""
    answer = _chat(model).bind(logprobs=True).invoke(HELLO)
    return [each["token"] for each in answer.response_metadata["logprobs"]["content"]]


def choices(model: str) -> list[str]:
    """Two answers to one question."""
    (generations,) = _chat(model, n=2).generate([[HumanMessage(HELLO)]]).generations
    return [generation.text for generation in generations]


def _usage(message: AIMessage) -> list[int]:
    usage = message.usage_metadata or {}
    return [usage.get("input_tokens", 0), usage.get("output_tokens", 0)]


if __name__ == "__main__":
    serve(invoke, stream, tools, structured, json_mode, agent, read, logprobs, choices)
