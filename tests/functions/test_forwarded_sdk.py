"""OpenAI's own SDK through the chat door: what it reads of forwarded answers, and what it sends back."""

import httpx
import openai
import pydantic
import pytest

from tests.functions.upstream import ASKED, DONE, piece, sse, usage_event, whole


@pytest.fixture
async def sdk(door):
    """With base URL and key, nothing else."""
    key = door.http.headers["authorization"].removeprefix("Bearer ")
    http = httpx.AsyncClient(transport=door.http._transport)
    async with openai.AsyncOpenAI(base_url="http://gateway/v1", api_key=key, http_client=http, max_retries=0) as made:
        yield made


class Answer(pydantic.BaseModel):
    """What is asked for."""

    city: str


async def test_a_refusal_is_no_broken_answer(door, sdk):
    """`parse` tells it apart, whole and streamed."""
    door.answers(whole({"content": None, "refusal": "I must not."}))
    parsed = await sdk.chat.completions.parse(model="gpt", messages=ASKED, response_format=Answer)
    assert (parsed.choices[0].message.refusal, parsed.choices[0].message.parsed) == ("I must not.", None)
    door.streams(sse(piece({"role": "assistant", "content": None}), piece({"refusal": "No."}), piece({}, "stop")), DONE)
    async with sdk.chat.completions.stream(model="gpt", messages=ASKED, response_format=Answer) as stream:
        final = await stream.get_final_completion()
    assert (final.choices[0].message.refusal, final.choices[0].message.parsed) == ("No.", None)


async def test_log_probabilities_and_choices_of_a_stream(door, sdk):
    """The SDK puts both together."""
    said = [piece({"content": text}, index=index) for index, text in ((0, "One"), (1, "Two"))]
    for event in said:
        token = {"token": "t", "logprob": -0.5, "bytes": None, "top_logprobs": []}
        event["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    ends = [piece({}, "stop", index=index) for index in (0, 1)]
    door.streams(sse(piece({"role": "assistant"}), *said, *ends, usage_event()), DONE)
    options = {"n": 2, "logprobs": True, "stream_options": {"include_usage": True}}
    async with sdk.chat.completions.stream(model="gpt", messages=ASKED, **options) as stream:
        final = await stream.get_final_completion()
    assert [choice.message.content for choice in final.choices] == ["One", "Two"]
    assert [choice.logprobs.content[0].logprob for choice in final.choices] == [-0.5, -0.5]
    assert (final.usage.total_tokens, final.model) == (14, "gpt")


@pytest.mark.parametrize("message", [{"content": None}, {"content": ""}, {"content": None, "refusal": "No."}])
async def test_an_answer_goes_into_the_next_request(door, sdk, message):
    """As the SDK holds it, with all its nulls, whatever it says."""
    door.answers(whole(message, "length"))
    first = await sdk.chat.completions.create(model="gpt", messages=ASKED)
    door.answers(whole({"content": "Yes."}))
    again = await sdk.chat.completions.create(model="gpt", messages=[*ASKED, first.choices[0].message, *ASKED])
    assert again.choices[0].message.content == "Yes."
    assert door.body["messages"][1] == {"role": "assistant", **message}


async def test_a_cut_stream_raises(door, sdk):
    """Also after the provider's finish: nobody takes half an answer for a whole one."""
    door.streams(sse(piece({"role": "assistant", "content": "Hi"}), piece({}, "length")), httpx.ReadError("cut"))
    stream = await sdk.chat.completions.create(model="gpt", messages=ASKED, stream=True)
    finishes = []

    async def listen():
        async for chunk in stream:
            finishes.extend(choice.finish_reason for choice in chunk.choices)

    with pytest.raises(openai.APIError):
        await listen()
    assert finishes == [None]
