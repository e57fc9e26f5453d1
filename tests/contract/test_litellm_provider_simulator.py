"""The adapter against the provider simulator: real wire formats, its faults, and its own count as the oracle."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.domain.answer import Usage
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ContentFilterError,
    ContextLengthError,
    DeploymentUnusable,
    ProviderError,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from local.providers import base_urls, create_app
from local.serving import serve
from tests.contract.litellm_paths import EACH, EACH_NAME, NAMES, PATHS, Path
from tests.contract.simulator_desk import PNG, WEATHER, Desk
from tests.manual_clock import ManualClock
from tests.patience import patience

every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    with serve(create_app()) as url:
        yield url


@pytest.fixture
async def desk(root: str) -> AsyncIterator[Desk]:
    bases = base_urls(root)
    credentials = {
        path.provider: Credential(Secret(path.key), bases[f"{path.provider.upper()}_API_BASE"]) for path in PATHS
    }
    provider = model_provider(credentials, ManualClock())
    async with httpx.AsyncClient(base_url=root, timeout=patience(30)) as http:
        await http.delete("/__faults")
        await http.delete("/__calls")
        yield Desk(root, provider, http)
    await provider.close()


async def oracle(desk: Desk) -> Usage:
    """What the simulator says the calls so far cost, in our convention."""
    totals = await desk.counted()
    return Usage(
        totals["input_tokens"],
        totals["output_tokens"],
        totals["cached_tokens"],
        totals["cache_write_tokens"],
        totals["reasoning_tokens"],
    )


@every_path
async def test_an_answer_and_its_usage(path: Path, desk: Desk) -> None:
    """Text, end and every token that the provider counted."""
    answer = await desk.ask(path, "[[say=The otters sleep.]]")
    assert (answer.content, answer.tool_calls, answer.finish_reason) == ("The otters sleep.", (), "stop")
    assert answer.usage == await oracle(desk)
    assert answer.usage.total_tokens > 0


@every_path
@pytest.mark.parametrize("wish", ["[[cached=16]]", "[[reasoning=20]]"])
async def test_usage_of_every_kind_agrees_with_the_provider(path: Path, wish: str, desk: Desk) -> None:
    """Cached and reasoning tokens in each provider's own convention."""
    answer = await desk.ask(path, f"{wish} " + "word " * 60)
    told, counted = answer.usage, await oracle(desk)
    hidden = path.provider == "anthropic"  # it does not say how much of its output was thinking
    assert told == (replace(counted, reasoning_tokens=told.reasoning_tokens) if hidden else counted)


async def test_what_is_written_to_a_cache_is_counted(desk: Desk) -> None:
    """Only Anthropic bills it apart."""
    answer = await desk.ask(PATHS[0], "[[cache_write=16]][[cached=8]] " + "word " * 60)
    assert (answer.usage.cache_write_tokens, answer.usage.cached_input_tokens) == (16, 8)
    assert answer.usage == await oracle(desk)


@every_path
async def test_a_tool_call(path: Path, desk: Desk) -> None:
    """Name, JSON arguments and the finish reason."""
    answer = await desk.ask(path, "[[tool=get_weather]]", tools=[WEATHER])
    (call,) = answer.tool_calls
    assert (call.name, answer.finish_reason) == ("get_weather", "tool_calls")
    assert call.id
    assert call.arguments.startswith("{")
    assert answer.usage == await oracle(desk)


@every_path
async def test_a_conversation_with_a_tools_result(path: Path, desk: Desk) -> None:
    """The call and its result are put into each provider's own shape."""
    function = {"name": "get_weather", "arguments": '{"city": "Portree"}'}
    called = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    result = {"role": "tool", "tool_call_id": "c1", "content": "Rain."}
    answer = await desk.ask(path, "Weather in Portree?", called, result, tools=[WEATHER])
    assert answer.finish_reason == "stop"
    sent = str(await desk.bodies())
    assert [word for word in ("get_weather", "Portree", "Rain.") if word not in sent] == []


@pytest.mark.parametrize("path", PATHS[:4], ids=NAMES[:4])  # DeepSeek reads no images
async def test_an_image_travels_inside_the_request(path: Path, desk: Desk) -> None:
    """As a data URL, which is the only way that works everywhere."""
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    answer = await desk.ask(path, [{"type": "text", "text": "What is it?"}, picture])
    assert answer.finish_reason == "stop"
    assert PNG in str(await desk.bodies())


@every_path
async def test_an_answer_in_json(path: Path, desk: Desk) -> None:
    """A schema, or for DeepSeek, which knows none, the wish for JSON, is sent in the provider's own way."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    place = {"name": "place", "schema": {**schema, "additionalProperties": False}, "strict": True}
    wanted = {"type": "json_schema", "json_schema": place}
    plain = {"type": "json_object"}
    answer = await desk.ask(path, "Where? In JSON.", response_format=plain if path.provider == "deepseek" else wanted)
    assert isinstance(json.loads(answer.content), dict)
    assert answer.dropped_params == ()


@every_path
async def test_reasoning_is_told_apart_from_the_answer(path: Path, desk: Desk) -> None:
    """Where the provider shows it; it is part of the output that is paid for."""
    answer = await desk.ask(path, "[[reasoning=20]][[say=Four.]]", reasoning_effort="low", limit=2048)
    assert answer.content == "Four."
    assert bool(answer.reasoning) is (path.provider != "openai")
    assert answer.usage.output_tokens == (await oracle(desk)).output_tokens > 20


@every_path
async def test_the_output_limit_reaches_the_provider(path: Path, desk: Desk) -> None:
    """By the name that the provider knows; an answer that hits it says so and is billed."""
    answer = await desk.ask(path, "[[words=2000]]")
    assert answer.finish_reason == "length"
    assert answer.usage.output_tokens <= 256
    assert answer.usage == await oracle(desk)


FAULTS: list[tuple[str, dict[str, Any], type[ProviderError]]] = [
    ("rate_limit", {"retry_after": 7}, RateLimitError),
    ("server_error", {}, ProviderUnavailable),
    ("unavailable", {}, ProviderUnavailable),
    ("auth", {}, BadCredentials),
    ("not_found", {}, DeploymentUnusable),
    ("context_length", {}, ContextLengthError),
]


@every_path
@pytest.mark.parametrize(("kind", "params", "error"), FAULTS, ids=[fault[0] for fault in FAULTS])
async def test_refusals_in_the_providers_own_words(
    path: Path, kind: str, params: dict[str, Any], error: type[ProviderError], desk: Desk
) -> None:
    """Each provider has its own status and shape for the same thing; a refusal is free."""
    await desk.fault(path, kind, **params)
    found = await desk.failure(path)
    assert type(found) is error
    assert (found.usage, found.unconfirmed) == (None, False)


@every_path
async def test_retry_after_is_read(path: Path, desk: Desk) -> None:
    """From the header, or from Gemini's RetryInfo."""
    await desk.fault(path, "rate_limit", retry_after=7)
    assert (await desk.failure(path)).retry_after_s == 7


@every_path
@pytest.mark.parametrize("kind", ["malformed", "html", "reset", "cut"])
async def test_garbage_may_have_been_billed(path: Path, kind: str, desk: Desk) -> None:
    """Whatever is no whole answer is an unconfirmed failure, asked for once."""
    await desk.fault(path, kind)
    found = await desk.failure(path)
    assert (type(found), found.unconfirmed) == (ProviderUnavailable, True)


@every_path
async def test_an_empty_answer_is_billed_as_reported(path: Path, desk: Desk) -> None:
    """No choices: not an answer, but the provider counted the input."""
    await desk.fault(path, "empty_choices")
    try:
        answer = await desk.ask(path)
    except ProviderUnavailable as error:
        assert error.usage == await oracle(desk)  # noqa: PT017 - see below
    else:  # Anthropic and Responses have no choices to leave out: an empty content is an answer there
        assert path.mode == "responses" or path.provider == "anthropic"
        assert (answer.content, answer.usage) == ("", await oracle(desk))


@every_path
@pytest.mark.parametrize("kind", ["timeout", "stall"])
async def test_silence_ends_at_the_deadline(path: Path, kind: str, desk: Desk) -> None:
    """And may have been billed."""
    await desk.fault(path, kind)
    found = await desk.silence(path, timeout_s=1.2)
    assert (type(found), found.unconfirmed) == (ProviderTimeout, True)


@every_path
async def test_a_redirect_is_refused(path: Path, desk: Desk) -> None:
    """It costs nothing."""
    await desk.fault(path, "redirect", url="http://127.0.0.1:9/elsewhere")
    found = await desk.failure(path)
    assert (type(found), found.unconfirmed) == (DeploymentUnusable, False)


@every_path
async def test_a_filtered_prompt(path: Path, desk: Desk) -> None:
    """As an error or, for Gemini, inside a 200."""
    await desk.fault(path, "content_filter")
    found = await desk.failure(path)
    assert type(found) is ContentFilterError
    assert found.unconfirmed is False


@every_path
async def test_a_filtered_answer_is_billed(path: Path, desk: Desk) -> None:
    """What was generated until the filter struck is known and paid for."""
    await desk.fault(path, "content_filter", as_error=False, after_chunks=2)
    found = await desk.failure(path, content="[[words=30]]")
    assert type(found) is ContentFilterError
    assert found.usage == await oracle(desk)


@every_path
async def test_options_travel_or_are_named(path: Path, desk: Desk) -> None:
    """What the model does not take is dropped and listed, the rest arrives."""
    answer = await desk.ask(path, temperature=0.5, top_p=None, seed=7)
    (body,) = await desk.bodies()
    sent = "0.5" in str(body)
    assert sent is ("temperature" not in answer.dropped_params)
    assert ("7" in str(body.get("seed", body.get("generationConfig", {}).get("seed", "")))) is (
        "seed" not in answer.dropped_params
    )
    if path.mode == "responses":
        assert answer.dropped_params == ("seed", "temperature")


@pytest.mark.parametrize("name", ["openai", "deepseek"])
async def test_token_probabilities_make_the_confidence(desk: Desk, name: str) -> None:
    """Where they are asked for, of those that give them."""
    path = next(path for path in PATHS if path.provider == name and path.mode == "chat")
    assert (await desk.ask(path, "Hello there.", logprobs=True)).confidence == pytest.approx(0.5)
    assert (await desk.ask(path, "Hello there.")).confidence is None
