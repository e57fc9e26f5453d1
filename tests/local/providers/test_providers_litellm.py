"""LiteLLM reads what the simulator writes: the only judge at hand of Anthropic's and Gemini's formats."""

from __future__ import annotations

import json

import pytest

pytestmark = [
    # LiteLLM's types and its own deprecated calls warn; the simulator is not to blame
    pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing the 'model_.*:DeprecationWarning"),
]
MODELS = {
    "anthropic": "anthropic/claude-opus-4-5",
    "deepseek": "deepseek/deepseek-chat",
    "gemini": "gemini/gemini-2.5-pro",
    "openai": "openai/gpt-5.1",
    "responses": "openai/gpt-5.3-codex",
}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def litellm():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm as module  # noqa: PLC0415 - costs four CPU-seconds, and reads the environment

        yield module


@pytest.fixture(params=list(MODELS))
def ask(request, litellm, sim):
    """Ask one provider's model through LiteLLM."""
    name = "openai" if request.param == "responses" else request.param
    sim.control.answer(name, words=5, reasoning=3, cached=2)

    def call(text="hello world", **params):
        return litellm.acompletion(
            model=MODELS[request.param],
            messages=[{"role": "user", "content": text}],
            api_base=sim.base(name),
            api_key="test",
            num_retries=0,
            max_retries=0,
            **params,
        )

    return call


def usage_of(answer):
    details = answer.usage.prompt_tokens_details
    return answer.usage.prompt_tokens, answer.usage.completion_tokens, details.cached_tokens


async def test_litellm_reads_an_answer(ask):
    """Text, finish reason and all token counts arrive."""
    answer = await ask()
    assert answer.choices[0].message.content == "alpha beta gamma delta epsilon"
    assert answer.choices[0].finish_reason == "stop"
    assert usage_of(answer) == (5, 8, 2)
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3


async def test_litellm_reads_a_stream(ask):
    """The same, chunk by chunk."""
    stream = await ask(stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "alpha beta gamma delta epsilon"
    assert "stop" in [choice.finish_reason for chunk in chunks for choice in chunk.choices]
    assert usage_of(next(chunk for chunk in reversed(chunks) if getattr(chunk, "usage", None))) == (5, 8, 2)


async def test_litellm_reads_a_tool_call(ask):
    """A call that was forced arrives with arguments that fit."""
    answer = await ask(tools=[TOOL], tool_choice="required")
    call = answer.choices[0].message.tool_calls[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "text"})
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_litellm_types_a_rate_limit(ask, litellm, sim):
    """A 429 is recognised from every provider."""
    for provider in ("anthropic", "deepseek", "gemini", "openai"):
        sim.control.fault(provider, "rate_limit")
    with pytest.raises(litellm.RateLimitError):
        await ask()


async def test_litellm_types_an_overlong_input(ask, litellm, sim):
    """A context that is too long is a bad request; LiteLLM knows it better from all but the Responses API."""
    for provider in ("anthropic", "deepseek", "gemini", "openai"):
        sim.control.fault(provider, "context_length")
    with pytest.raises(litellm.BadRequestError) as caught:
        await ask()
    assert isinstance(caught.value, litellm.ContextWindowExceededError) or "context_length_exceeded" in str(
        caught.value
    )
