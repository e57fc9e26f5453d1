"""Usage on the wires, in the detail that prices have."""

from gateway_core.domain.answer import ProviderAnswer, Usage

HELLO = [{"role": "user", "content": "hello"}]
TOLD = ProviderAnswer("hi", (), "stop", Usage(100, 20, 10, 30, 5, 20, 8, 4, "flex"))


async def test_openais_names(client, world):
    """Parts of prompt and completion, with what a provider wrote to its cache beside what it read."""
    world.behave["first"] = lambda _call: TOLD
    answer = await client.post("/v1/chat/completions", json={"model": "reasoning", "messages": HELLO})
    assert answer.json()["usage"] == {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 30, "audio_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 4},
    }


async def test_our_own_names(client, world):
    """What was written to a cache is a part of the input, too."""
    world.behave["first"] = lambda _call: TOLD
    answer = await client.post("/v1/complete", json={"messages": HELLO})
    assert answer.json()["usage"] == {
        "input_tokens": 100,
        "output_tokens": 20,
        "cached_input_tokens": 10,
        "cache_write_tokens": 30,
        "reasoning_tokens": 5,
        "total_tokens": 120,
    }
