"""Holds that fit: long prompts are counted, and `max_tokens` is cut where that is allowed, before a budget refuses."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import ProviderAnswer, TokenCount, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.cost import NANO_PER_USD
from gateway_core.domain.errors import BudgetExceeded
from gateway_core.domain.result import Opened
from gateway_core.routing.bounds import PromptSize, bound_chat
from gateway_core.routing.fitting import LONG_PROMPT, counted_bound, cut_to_fit
from gateway_core.store.messages import Refusal, Refused, Shortage
from tests.conftest import World, catalog_of, model
from tests.properties import examples

WORDS = "return the value of each entry, or None where there is not any of them; "
TOOLS = [{"type": "function", "function": {"name": f"tool{n}", "description": WORDS * 12}} for n in range(24)]
SESSION = "fits"


def chat(chars, model=None, max_tokens=64_000, **changes):
    """A request of an agent: tools of 20 kB, and messages of so many characters."""
    text = (WORDS * (chars // len(WORDS) + 1))[:chars]
    params = {"tools": TOOLS, **changes.pop("params", {})}
    return ChatRequest(
        ({"role": "user", "content": text},),
        Attribution("alpha", session_id=SESSION),
        model_group=None if model else "reasoning",
        model=model,
        max_output_tokens=max_tokens,
        params=params,
        **changes,
    )


def cached(call):
    """What an agent is answered: all but 2 kB of its prompt was in the provider's cache."""
    sent = len(str(call.messages)) // 4
    return ProviderAnswer("one two", (), "stop", Usage(sent, 500, cached_input_tokens=max(0, sent - 500)))


def agents_world(behave=cached, **changes):
    """A world with the packaged catalog."""
    settings = replace(GatewaySettings.from_env({}), **changes)
    world = World(settings.catalog, settings)
    for one in settings.catalog.models.values():
        world.behave[one.deployment.upstream_model] = behave
    return world


OTHERS = ("gpt-5.1", "gemini-3-pro", "deepseek-v3.2")


async def opened(world, caller, number, request):
    """A stream that has begun, and what it told first."""
    parts = world.services.gateway.stream(request, caller, f"r{number}", timeout_s=60)
    return parts, await anext(parts)


@pytest.mark.parametrize("name", ["claude-opus-4.5", *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)])
async def test_ten_dollars_a_day_serve_an_agent(name):
    """42 requests of 100 to 220 kB, three at once, 64,000 tokens allowed to each answer: none is refused."""
    world = agents_world()
    await world.budget(day_nano=10 * NANO_PER_USD)
    caller = await world.services.authenticator.authenticate(await world.key())
    for turn in range(0, 42, 3):
        running = [await opened(world, caller, turn + n, chat(80_000 + 3_000 * turn, name)) for n in range(3)]
        for parts, _ in running:
            _rest = [part async for part in parts]
    spent, held = await world.spent()
    assert held == 0
    assert 0 < spent < 10 * NANO_PER_USD
    assert {record.session_id for record in await world.records()} == {SESSION}


async def caller_with(world, **limits):
    await world.budget(**limits)
    return await world.services.authenticator.authenticate(await world.key())


async def test_only_a_long_prompt_that_does_not_fit_is_counted(monkeypatch):
    """Counting is work: nobody does it for a request that fits by its bytes, or that is short."""
    world, counted = agents_world(), []
    count = world.provider.count_tokens
    monkeypatch.setattr(world.provider, "count_tokens", lambda *told: (counted.append(1), count(*told))[1])
    caller = await caller_with(world, day_nano=NANO_PER_USD)
    complete = world.services.gateway.complete
    with pytest.raises(BudgetExceeded):
        await complete(replace(chat(500, "claude-opus-4.5"), params={}), caller, "short", timeout_s=60)
    await complete(chat(100_000, "claude-opus-4.5", 2_000), caller, "fits", timeout_s=60)
    assert counted == []
    await complete(chat(150_000, "claude-opus-4.5", 2_000), caller, "long", timeout_s=60)
    assert counted == [1]


@pytest.mark.parametrize(("usd", "asked", "least", "cap"), [
    (1, {}, 4096, 14_000),
    (1, {"params": {"thinking": {"type": "enabled", "budget_tokens": 8000}}}, 4096, 14_000),
    (1, {"params": {"thinking": {"type": "enabled", "budget_tokens": 32_000}}}, 4096, None),
    (1, {}, 40_000, None),
    (1, {}, None, None),
])  # fmt: skip
async def test_the_cap_is_cut_down_to_what_fits_and_named(usd, asked, least, cap):
    """Never below what is configured, nor below what the request sets apart for thinking; by default not at all."""
    world = agents_world(least_max_tokens=least)
    caller = await caller_with(world, day_nano=usd * NANO_PER_USD)
    request = chat(100_000, "claude-opus-4.5", **asked)
    if cap is None:
        with pytest.raises(BudgetExceeded, match="Set max_tokens to"):
            await world.services.gateway.complete(request, caller, "r", timeout_s=60)
        return
    done = await world.services.gateway.complete(request, caller, "r", timeout_s=60)
    assert cap < world.provider.calls[0].max_output_tokens < 64_000
    assert done.answer.dropped_params == ("max_tokens",)
    parts, first = await opened(world, caller, 2, request)
    assert isinstance(first, Opened)
    assert first.dropped_params == ("max_tokens",)
    *_, last = [part async for part in parts]
    assert last.answer.dropped_params == ("max_tokens",)
    spent, held = await world.spent()
    assert held == 0 < spent < usd * NANO_PER_USD


def test_only_who_is_refused_for_a_budget_is_cut():
    """Who rests, or is limited, is left as it is."""
    request, one, catalog = chat(100, max_tokens=100), model("one"), catalog_of(model("one"))
    bounded = bound_chat(request, PromptSize.of(request), one, catalog)
    room = bounded.candidate.hold_nano - 10 * 2000
    short = Refusal(1, "budget", "p:day_nano", shortage=Shortage(10**9, room, 0, room, 10**9))
    rests, cut = cut_to_fit([bounded, bounded], Refused((Refusal(0, "breaker_open"), short)), request, 1)
    assert rests is bounded
    assert (cut.output_cap, cut.cut, cut.candidate.hold_nano) == (90, True, room)


async def test_what_others_hold_is_never_promised_twice():
    """Two at once share what is left: the second is cut to the rest, and the third has none."""
    world = agents_world(least_max_tokens=1000)
    caller = await caller_with(world, day_nano=3 * NANO_PER_USD)
    running = [await opened(world, caller, number, chat(100_000, "claude-opus-4.5")) for number in range(2)]
    caps = [call.max_output_tokens for call in world.provider.calls]
    assert caps[0] == 64_000 > caps[1] >= 1000
    _spent, held = await world.spent()
    assert held <= 3 * NANO_PER_USD
    with pytest.raises(BudgetExceeded):
        await opened(world, caller, 3, chat(100_000, "claude-opus-4.5"))
    for parts, _ in running:
        await parts.aclose()


@examples(20)
@given(
    text=st.text(min_size=1, max_size=300),
    factor=st.floats(1, 3),
    counted=st.integers(0, 400),
    images=st.integers(0, 2),
    makes=st.floats(0, 1),
)
def test_the_counted_bound_holds_for_who_counts_within_the_factor(text, factor, counted, images, makes):
    """Whatever a provider makes of the text that is within the factor, or two bytes a token: it is held for."""
    content = [
        {"type": "text", "text": text},
        *[{"type": "image_url", "image_url": {"url": "https://x/i.png"}}] * images,
    ]
    request = ChatRequest(({"role": "user", "content": content},), Attribution("alpha"), max_output_tokens=10)
    one, catalog = model("one"), catalog_of(model("one"))
    size, provider = PromptSize.of(request), replace(catalog.provider("one-provider"), count_factor=factor)
    before = bound_chat(request, size, one, catalog)
    after = counted_bound(request, size, before, provider, lambda *_: TokenCount(counted, "drawn"))
    said = len(text.encode("utf-8", "surrogatepass"))
    tokens = min(said, max(math.floor(counted * factor), said // 2))
    assert makes * tokens + images * one.max_image_tokens <= after.most_input <= before.most_input
    assert after.output_cap == before.output_cap
    assert after.candidate.hold_tokens == after.most_input + after.most_output
    assert after.candidate.hold_nano <= before.candidate.hold_nano
    assert after.candidate.likely_tokens == before.candidate.likely_tokens
    assert size.text_tokens < LONG_PROMPT
