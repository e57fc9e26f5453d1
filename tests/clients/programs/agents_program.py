"""OpenAI's Responses by its SDK, and by the OpenAI Agents SDK with the model class that it takes by itself."""

from __future__ import annotations

import asyncio
from typing import Any

from agents import Agent, ModelSettings, Runner, function_tool, set_default_openai_client, set_tracing_disabled
from openai import APIError, APIStatusError, AsyncOpenAI, OpenAI
from openai.types.shared import Reasoning
from program import KEY, URL, serve
from pydantic import BaseModel

HELLO = "Say hello to everybody"
CALLED: list[str] = []
_SDK = OpenAI(base_url=URL, api_key=KEY, max_retries=0)


class Answer(BaseModel):
    """What is asked for."""

    answer: str


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    CALLED.append(city)
    return "Sunny."


def create(model: str) -> dict[str, Any]:
    """A whole answer of `responses.create`."""
    answer = _SDK.responses.create(model=model, input=HELLO, instructions="Be brief.", max_output_tokens=2000)
    return _told(answer)


def stream(model: str) -> dict[str, Any]:
    """The events of `responses.stream`, and the response that they come to."""
    with _SDK.responses.stream(model=model, input=HELLO, instructions="Be brief.", max_output_tokens=2000) as events:
        seen = list(events)
        told = _told(events.get_final_response())
    pieces = [event.delta for event in seen if event.type == "response.output_text.delta"]
    return told | {"pieces": len(pieces), "joined": "".join(pieces), "numbers": [one.sequence_number for one in seen]}


def parse(model: str) -> dict[str, Any]:
    """An instance of a class, by `responses.parse`."""
    parsed = _SDK.responses.parse(model=model, input=HELLO, text_format=Answer).output_parsed
    return {"kind": type(parsed).__name__, "value": parsed.model_dump() if parsed else None}


def fail(**fields: Any) -> str:
    """What goes wrong, with the SDK's own kind of error."""
    try:
        _SDK.responses.create(**{"input": HELLO} | fields)
    except APIStatusError as error:
        return f"{type(error).__name__} {error.status_code} {error.code}"
    return "nothing"


def broken(model: str) -> dict[str, Any]:
    """A stream whose provider breaks off, read event by event."""
    kinds: list[str] = []
    try:
        events = _SDK.responses.create(model=model, input=f"{HELLO} [[reasoning=0]]", stream=True)
        kinds.extend(event.type for event in events)
    except APIError as error:
        return {"kinds": kinds, "error": error.code}
    return {"kinds": kinds, "error": None}


def agent(model: str, *, streamed: bool = False, effort: str | None = None) -> dict[str, Any]:
    """Two questions in one conversation, each of which takes the tool."""
    CALLED.clear()
    reasoning = Reasoning(effort=effort, summary="auto") if effort else None  # type: ignore[arg-type]
    include: Any = ["reasoning.encrypted_content"] if effort else None
    settings = ModelSettings(store=False, reasoning=reasoning, response_include=include)
    clerk = Agent(name="Clerk", instructions="Be brief.", model=model, tools=[weather], model_settings=settings)
    history: list[Any] = []
    outputs = []
    for question in ("What is the weather? [[tool]]", "And tomorrow? [[tool]]"):
        asked = [*history, {"role": "user", "content": question}]
        result = asyncio.run(_run(clerk, asked, streamed=streamed))
        history = result.to_input_list()
        outputs.append(result.final_output)
    return {"called": list(CALLED), "outputs": outputs}


async def _run(clerk: Agent[Any], asked: Any, *, streamed: bool) -> Any:
    """By a client of this loop's own."""
    async with AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0) as client:
        set_default_openai_client(client)
        if not streamed:
            return await Runner.run(clerk, asked)
        result = Runner.run_streamed(clerk, asked)
        async for _event in result.stream_events():
            pass
        return result


def typed(model: str) -> dict[str, Any]:
    """An output type, behind a hand-off to the agent that has it."""
    expert = Agent(name="Expert", instructions="Say it in JSON.", model=model, output_type=Answer)
    clerk = Agent(name="Clerk", instructions="Be brief.", model=model, handoffs=[expert])
    result = asyncio.run(_run(clerk, "Ask the expert. [[tool]]", streamed=False))
    return {"by": result.last_agent.name, "value": result.final_output.model_dump()}


def _told(answer: Any) -> dict[str, Any]:
    usage = answer.usage
    return {
        "text": answer.output_text,
        "status": answer.status,
        "model": answer.model,
        "usage": [usage.input_tokens, usage.output_tokens],
    }


if __name__ == "__main__":
    set_tracing_disabled(True)
    serve(create, stream, parse, fail, broken, agent, typed)
