"""Anthropic's prompt cache: which breakpoints are refused, what is written and read, and what an agent pays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.providers.model import CacheUse, Prefix
from local.providers.prompt_cache import LOOKBACK_BLOCKS, PromptCache

SHORT = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
SYSTEM = "word " * 1200


def message(sim, **fields):
    body = {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}
    return sim.post("anthropic", "/v1/messages", body | fields)


def problem(response):
    assert response.status_code == 400, response.text
    return response.json()["error"]["message"]


def block(text, control=None):
    return {"type": "text", "text": text} | ({"cache_control": control} if control else {})


def usage_of(response):
    """Fresh input, read, written for five minutes, written for an hour."""
    usage = response.json()["usage"]
    written = usage["cache_creation"]
    assert usage["cache_creation_input_tokens"] == sum(written.values())
    return (
        usage["input_tokens"],
        usage["cache_read_input_tokens"],
        written["ephemeral_5m_input_tokens"],
        written["ephemeral_1h_input_tokens"],
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"system": [block("a", {"type": "persistent"})]},
            (
                "system.0.cache_control: Input tag 'persistent' found using 'type' does not match any of the expected "
                "tags: 'ephemeral'"
            ),
        ),
        (
            {"system": [block("a", SHORT | {"ttl": "2h"})]},
            "system.0.cache_control.ephemeral.ttl: Input should be '5m' or '1h'",
        ),
        (
            {"system": [block("a", SHORT | {"scope": "x"})]},
            "system.0.cache_control.ephemeral.scope: Extra inputs are not permitted",
        ),
        (
            {"system": [block("a", SHORT)] * 4, "cache_control": SHORT},
            "A maximum of 4 blocks with cache_control may be provided. Found 5.",
        ),
        (
            {"system": [block("a", SHORT), block("b", HOUR)]},
            (
                "system.1.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' "
                "cache_control block. Note that blocks are processed in the following order: `tools`, "
                "`system`, `messages`."
            ),
        ),
    ],
)
def test_breakpoints_are_checked(sim, fields, text):
    """Type, time, number and order."""
    assert problem(message(sim, **fields)) == text


def test_thinking_takes_no_breakpoint(sim):
    """It is cached with what follows."""
    thinking = {"type": "thinking", "thinking": "hm", "signature": "x", "cache_control": SHORT}
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [thinking]}]
    assert problem(message(sim, messages=messages)) == (
        "messages.1.content.0.thinking.cache_control: Extra inputs are not permitted"
    )


def test_a_prefix_is_written_once_and_read_after(sim):
    """What is after the breakpoint is paid in full each time."""
    system = [block(SYSTEM, SHORT)]
    assert usage_of(message(sim, system=system)) == (4, 0, 1201, 0)
    assert usage_of(message(sim, system=system)) == (4, 1201, 0, 0)
    assert usage_of(message(sim, system=[block(SYSTEM)])) == (1205, 0, 0, 0)
    assert usage_of(message(sim, system=system, model="claude-sonnet-4-5")) == (4, 0, 1201, 0)


def test_the_cache_is_reported_in_a_stream(sim):
    """In the first event and the last but one."""
    text = message(sim, system=[block(SYSTEM, SHORT)], stream=True).text
    assert text.count('"cache_creation_input_tokens":1201') == 2


def test_short_prefixes_are_not_cached(sim):
    """Each model has its minimum, and says nothing."""
    long = [block(SYSTEM, SHORT)]
    assert usage_of(message(sim, system=[block("word " * 900, SHORT)])) == (905, 0, 0, 0)
    assert usage_of(message(sim, system=long, model="claude-opus-4-5")) == (1205, 0, 0, 0)
    assert usage_of(message(sim, system=[block(SYSTEM * 4, SHORT)], model="claude-opus-4-5")) == (4, 0, 4801, 0)


def test_an_hour_and_five_minutes(sim):
    """Up to the last breakpoint of an hour the write is an hour's, the rest five minutes'."""
    system = [block(SYSTEM, HOUR), block("more " * 100, SHORT)]
    assert usage_of(message(sim, system=system)) == (4, 0, 101, 1201)
    assert usage_of(message(sim, system=[*system, block("yet " * 10, SHORT)])) == (4, 1302, 11, 0)


def test_tools_and_messages_are_prefixes_too(sim):
    """The order is tools, system, messages; another tool_choice makes other messages."""
    tool = {"name": "f", "description": SYSTEM, "input_schema": {"type": "object"}, "cache_control": SHORT}
    messages = [{"role": "user", "content": [block("hello there", SHORT)]}]
    fresh, read, written, _ = usage_of(message(sim, tools=[tool], messages=messages))
    assert (fresh, read) == (0, 0)
    assert usage_of(message(sim, tools=[tool], messages=messages)) == (0, written, 0, 0)
    none = usage_of(message(sim, tools=[tool], messages=messages, tool_choice={"type": "none"}))
    assert none == (0, written - 5, 5, 0)


def test_a_top_level_breakpoint_moves_along(sim):
    """Automatic caching ends at the last block, and the next turn reads what the last one wrote."""
    said = [{"role": "user", "content": SYSTEM}]
    first = usage_of(message(sim, messages=said, cache_control=SHORT))
    said += [{"role": "assistant", "content": "yes"}, {"role": "user", "content": "and then"}]
    second = usage_of(message(sim, messages=said, cache_control=SHORT))
    assert (first, second) == ((0, 0, 1204, 0), (0, 1204, 9, 0))


def test_an_agent_of_twenty_turns_pays_for_its_prefix_once(sim):
    """Every turn reads all that was said before it, and writes what is new."""
    said = [{"role": "user", "content": [block(SYSTEM)]}]
    total = 0
    for turn in range(20):
        last = said[-1]["content"][-1]
        marked = [*said[:-1], {"role": "user", "content": [last | {"cache_control": SHORT}]}]
        fresh, read, written, _ = usage_of(message(sim, messages=marked))
        assert (fresh, read) == (0, total)
        total += written
        said += [{"role": "assistant", "content": [block(f"answer {turn}")]}]
        said += [{"role": "user", "content": [block(f"question {turn}")]}]
    assert total == 1204 + 19 * 10


def test_a_call_that_fails_writes_nothing(sim):
    """The next one pays for the write."""
    system = [block(SYSTEM, SHORT)]
    sim.control.fault("anthropic", "server_error", times=1)
    assert message(sim, system=system).status_code == 500
    assert usage_of(message(sim, system=system)) == (4, 0, 1201, 0)


def test_a_test_can_say_what_was_cached(sim):
    """Directives come before the cache, for an hour's writes too."""
    words = [{"role": "user", "content": "[[cached=2]] [[cache_write=1]] [[cache_write_1h=3]] and so on"}]
    fresh, *cached = usage_of(message(sim, messages=words, system=[block(SYSTEM, SHORT)]))
    assert cached == [2, 1, 3]
    assert fresh > 1200


def prefixes(*marked):
    return [Prefix(f"d{at}", 1000 * (at + 1), ttl_s) for at, ttl_s in enumerate(marked)]


def test_entries_end_unless_they_are_read():
    """Five minutes from the last reading."""
    cache = PromptCache()
    assert cache.use(prefixes(300), 0, 0.0, write=True) == CacheUse(0, 1000, 0)
    assert cache.use(prefixes(300), 0, 299.0, write=True) == CacheUse(1000, 0, 0)
    assert cache.use(prefixes(300), 0, 598.0, write=True) == CacheUse(1000, 0, 0)
    assert cache.use(prefixes(300), 0, 898.0, write=True) == CacheUse(0, 1000, 0)
    cache.clear()
    assert cache.use(prefixes(300), 0, 898.0, write=True) == CacheUse(0, 1000, 0)


def test_it_looks_back_over_twenty_blocks_and_no_further():
    """A breakpoint that is too far from the last one finds nothing."""
    near, far = (PromptCache(), PromptCache())
    for cache in (near, far):
        cache.use(prefixes(300), 0, 0.0, write=True)
    blocks = [0] * LOOKBACK_BLOCKS
    assert near.use(prefixes(*blocks[1:], 300), 0, 1.0, write=True).read == 1000
    assert far.use(prefixes(*blocks, 300), 0, 1.0, write=True).read == 0


@given(st.lists(st.sampled_from([0, 300, 3600]), min_size=1, max_size=8))
def test_nothing_is_paid_twice(marked):
    """Read and written never exceed the last breakpoint, and the second time all of it is read."""
    cache = PromptCache()
    last = max((1000 * (at + 1) for at, ttl_s in enumerate(marked) if ttl_s), default=0)
    used = cache.use(prefixes(*marked), 0, 0.0, write=True)
    assert used.read == 0
    assert used.write_5m + used.write_1h == last
    assert cache.use(prefixes(*marked), 0, 1.0, write=True) == CacheUse(last, 0, 0)
