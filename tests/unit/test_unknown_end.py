"""`routing/unknown_end.py`: a stream that ends early is charged what was written, and never more than is held."""

import math
from dataclasses import dataclass, replace
from itertools import accumulate, cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import TokenCount, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, ProviderCall
from gateway_core.domain.cost import bound, price
from gateway_core.domain.model_rules import ModelRules
from gateway_core.domain.prompt import TOOL_PROMPT_TOKENS
from gateway_core.routing.bounds import PromptSize, bound_chat
from gateway_core.routing.unknown_end import StoppedStream, charged_usage, unconfirmed_bound
from tests.conftest import catalog_of, model
from tests.properties import examples

FACTOR, LAG_S, MOST_PER_S = 1.5, 0.5, 200
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
CATALOG = catalog_of(model("m", rules=ModelRules(max_tokens_per_s=MOST_PER_S)))
PROVIDER = CATALOG.provider("m-provider")


def count(_deployment, messages, params):
    """A token for each word of a text, and one for each tool."""
    texts = [message["content"] for message in messages]
    parts = [part.get("text", "") for text in texts if isinstance(text, list) for part in text]
    words = sum(len(text.split()) for text in [*parts, *(text for text in texts if isinstance(text, str))])
    return TokenCount(words + len(params.get("tools", ())), "words")


def asked(content, cap=4096, **params):
    """A call and its bound."""
    messages = ({"role": "user", "content": content},)
    request = ChatRequest(messages, Attribution("p"), model="m", max_output_tokens=cap, params=params)
    bounded = bound_chat(request, PromptSize.of(request), CATALOG.models["m"], CATALOG)
    return ProviderCall(bounded.model.deployment, messages, params, cap, 60.0, "req"), bounded


def stopped(said="", **changes):
    """A stream that ended after a second without a word, unless `changes` say otherwise."""
    fields = {"sound_tokens": 0, "reported": None, "first_s": None, "last_s": None, "ended_s": 1.0, "hides": False}
    return StoppedStream(**{"said": said, **fields, **changes})


def charged(stream, call, bounded):
    return charged_usage(stream, count, call, bounded, PROVIDER)


def words(number):
    return "w " * number


class TestTheFormula:
    """By hand: 1.5 tokens a word, half a second of lag, 200 tokens a second at most."""

    def test_silence_and_lag_at_twice_its_own_speed(self):
        """30 words in 1 s are 45 tokens; 90 a second for 0.25 + 0.5 s are 68."""
        call, bounded = asked(words(10))
        stream = stopped(words(30), first_s=1.0, last_s=2.0, ended_s=2.25)
        assert charged(stream, call, bounded) == Usage(15, 45 + 68)

    @pytest.mark.parametrize(
        ("said", "first_s", "last_s", "per_s"),
        [(1, 1.0, 3.0, 50), (300, 1.0, 2.0, 200), (3, 1.0, 1.0, 200), (0, None, None, 200)],
        ids=["slow", "fast", "once", "never"],
    )
    def test_the_rate_is_between_fifty_and_the_models(self, said, first_s, last_s, per_s):
        """One that has not shown its speed may be as fast as the model can be."""
        call, bounded = asked("hi")
        stream = stopped(words(said), first_s=first_s, last_s=last_s, ended_s=last_s or 0.0)
        assert charged(stream, call, bounded).output_tokens == math.ceil(1.5 * said) + per_s * 0.5

    def test_silence_counts_for_two_seconds(self):
        """Nobody holds back more; and what reasons unseen may have done so all the time."""
        call, bounded = asked("hi")
        stream = stopped(words(2), first_s=1.0, last_s=2.0, ended_s=12.0)
        assert charged(stream, call, bounded).output_tokens == 3 + 50 * 2.5
        assert charged(replace(stream, hides=True), call, bounded).output_tokens == 3 + 50 * 12.5

    def test_the_cap_bounds_it_times_the_answers(self):
        """And the rate is that of so many answers."""
        call, bounded = asked("hi", cap=300, n=2)
        assert charged(stopped(ended_s=0.0), call, bounded).output_tokens == 2 * MOST_PER_S * 0.5
        assert charged(stopped(ended_s=60.0, hides=True), call, bounded).output_tokens == 600

    def test_images_and_tools_count_at_their_bound(self):
        """Whatever a tokeniser makes of them; the rest is counted."""
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
        call, bounded = asked([image, {"type": "text", "text": words(10)}, image], tools=TOOLS)
        plain, _ = asked(words(10))
        told = charged(stopped(), call, bounded).input_tokens
        assert 15 + 2000 + TOOL_PROMPT_TOKENS < told <= bounded.most_input
        assert charged(stopped(), plain, bounded).input_tokens == 15

    def test_what_was_reported_is_the_least(self):
        """The input that the provider counted is the input; what it wrote may be more by now."""
        call, bounded = asked(words(10))
        told = charged(stopped(words(2), first_s=0.0, last_s=1.0, reported=Usage(7, 100, 3)), call, bounded)
        assert told == Usage(7, 100 + 25, 3)
        assert charged(stopped(reported=Usage(9000, 9000)), call, bounded) == Usage(9000, 9000)

    def test_sound_that_may_have_been_said_costs_what_sound_does(self):
        """Only where the answer may be sound."""
        call, bounded = asked("hi", modalities=["text", "audio"])
        told = charged(stopped(sound_tokens=20, first_s=0.0, last_s=1.0), call, bounded)
        assert (told.output_tokens, told.audio_output_tokens) == (30 + 30, 30 + 30)
        assert charged(stopped(sound_tokens=20), *asked("hi")).audio_output_tokens == 0

    def test_the_service_tier_that_was_asked_for(self):
        """Unless the provider names one."""
        call, bounded = asked("hi", service_tier="flex")
        assert charged(stopped(), call, bounded).service_tier == "flex"
        assert charged(stopped(reported=Usage(1, 1, service_tier="x")), call, bounded).service_tier == "x"


class TestWholeAnswers:
    """What stays held for one that timed out or broke."""

    def test_nobody_knows_of_a_provider_that_may_go_on(self):
        _, bounded = asked("hi")
        assert unconfirmed_bound(bounded, PROVIDER, 1.0) is None

    def test_what_can_be_written_in_the_time_of_one_that_stops(self):
        """All that may be read, and the speed of the model until it has noticed; the cap at most."""
        _, bounded = asked("hi")
        stops = replace(PROVIDER, stops_at_disconnect=True)
        most = bounded.most_input
        listed = bounded.model.price
        assert unconfirmed_bound(bounded, stops, 1.0) == (bound(most, 300, listed, bounded.terms), most + 300)
        everything = (bounded.candidate.hold_nano, bounded.candidate.hold_tokens)
        assert unconfirmed_bound(bounded, stops, 1000.0) == everything


@dataclass(frozen=True)
class Played:
    """A stream that was stopped, as it is seen here, and what its provider counted in the end."""

    stream: StoppedStream
    input_words: int
    cap: int
    counted: Usage


@st.composite
def plays(draw):
    """A provider that writes token after token, and delivers what it has whenever it likes.

    Its speed is up to twice the slowest that it has, and the model's at most. It stops within the lag.
    """
    slowest = draw(st.floats(1, MOST_PER_S))
    speeds = st.floats(slowest, min(2 * slowest, MOST_PER_S))
    prefill_s, thought = draw(st.floats(0, 3)), draw(st.integers(0, 60))
    # A speed for each token would be drawn for most of the time: a few, and in turn, are as bad.
    paces = draw(st.lists(speeds, min_size=1, max_size=8))
    waits = (1 / speed for speed in islice(cycle(paces), draw(st.integers(1, 120))))
    moments = list(accumulate(waits, initial=prefill_s))[1:]
    cap = draw(st.integers(thought + 1, 400))
    visible = moments[thought:cap]
    delivered = sorted(draw(st.sets(st.integers(0, len(visible) - 1), max_size=8))) if visible else []
    last_s = visible[delivered[-1]] if delivered else None
    ended_s = (last_s or 0.0) + draw(st.floats(0, 2))
    seen_s = ended_s + draw(st.floats(0, LAG_S))
    written = min(cap, sum(at <= seen_s for at in moments))
    heard = delivered[-1] + 1 if delivered else 0
    factor, prompt = draw(st.floats(0.5, FACTOR)), draw(st.integers(1, 500))
    counted = Usage(prompt, written)
    reports = [None, Usage(prompt, 1), Usage(0, 0), Usage(prompt, heard + (min(thought, written) if heard else 0))]
    stream = StoppedStream(
        said=words(math.ceil(heard / factor)),
        sound_tokens=0,
        reported=draw(st.sampled_from(reports)),
        first_s=visible[delivered[0]] if delivered else None,
        last_s=last_s,
        ended_s=ended_s,
        hides=thought > 0,
    )
    return Played(stream, math.ceil(prompt / factor), cap, counted)


@examples(200)
@given(plays())
def test_the_charge_is_between_what_was_counted_and_what_is_held(played):
    """For any provider that keeps to the bounds, wherever it delivers, and whatever it reports."""
    call, bounded = asked(words(played.input_words), cap=played.cap)
    usage = charged(played.stream, call, bounded)
    assert usage.input_tokens >= played.counted.input_tokens
    assert usage.output_tokens >= played.counted.output_tokens
    cost = price(usage, bounded.model.price, input_includes_cached=True)
    counted = price(played.counted, bounded.model.price, input_includes_cached=True)
    assert counted.total_nano <= cost.total_nano <= bounded.candidate.hold_nano
    assert usage.total_tokens <= bounded.candidate.hold_tokens
