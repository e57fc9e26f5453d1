"""OpenAI's own SDK on POST /v1/responses, over wires of our own to each provider's simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pydantic
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from tests.wires import responses_expected
from tests.wires.gateway import Column, Lab
from tests.wires.responses_matrix import COLUMNS

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
AS_DOCUMENTED: Any = pydantic.TypeAdapter(ResponseStreamEvent)
EACH = pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.model)


class City(pydantic.BaseModel):
    """What is asked for."""

    city: str


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with responses_expected.lab_of("native", tmp_path_factory.mktemp("sdk")) as made:
        yield made


@asynccontextmanager
async def sdk_of(lab: Lab, column: Column) -> AsyncIterator[openai.AsyncOpenAI]:
    """With base URL and key, nothing else."""
    http = lab.http(column.provider)
    key = http.headers["authorization"].removeprefix("Bearer ")
    yield openai.AsyncOpenAI(base_url="http://gateway/v1", api_key=key, http_client=http, max_retries=0)


@EACH
def test_create_stream_and_parse(lab: Lab, column: Column) -> None:
    """A text, its events with all members that are documented, and a format."""

    async def all_three() -> None:
        async with sdk_of(lab, column) as sdk:
            whole = await sdk.responses.create(model=column.model, input="hello")
            assert whole.output_text.endswith("heard: hello")
            Response.model_validate(whole.to_dict())
            async with sdk.responses.stream(model=column.model, input="hello", tools=[WEATHER]) as stream:
                final = await stream.get_final_response()
            assert final.output_text == whole.output_text
            assert final.usage is not None
            assert final.usage.output_tokens == (whole.usage and whole.usage.output_tokens)
            for asked in ("hello", "[[tool]]"):
                raw = await sdk.responses.create(model=column.model, input=asked, tools=[WEATHER], stream=True)
                async for event in raw:
                    AS_DOCUMENTED.validate_python(event.to_dict())
            if column.provider != "deepseek":
                parsed = await sdk.responses.parse(model=column.model, input="a city", text_format=City)
                assert parsed.output_parsed is not None

    lab.run(all_three())


@EACH
def test_a_loop_of_tools(lab: Lab, column: Column) -> None:
    """The output goes back as it came, as OpenAI's guide has it; nothing is asked to be kept."""

    async def loop() -> None:
        async with sdk_of(lab, column) as sdk:
            said: list[Any] = [{"role": "user", "content": "[[tool]] [[reasoning=5]] begin"}]
            first = await sdk.responses.create(model=column.model, input=said, tools=[WEATHER])
            said += first.output
            (call,) = [item for item in first.output if item.type == "function_call"]
            said.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
            second = await sdk.responses.create(model=column.model, input=said, tools=[WEATHER])
            assert second.output_text.endswith("heard: begin")

    lab.run(loop())
