"""Kept answers: equal requests have one digest, others have not, and what comes out is what went in."""

import base64
import json
import zlib
from dataclasses import asdict, replace
from datetime import date
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Cost, ProviderAnswer, ToolCall, Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Deployment
from gateway_core.domain.rates import RateView
from gateway_core.store.kept_answers import COMPRESSED_FROM, KeptAnswer, digest_of_request, is_whole, pack, unpack
from tests.conftest import model

MOST = 65_536
HELLO = ({"role": "user", "content": "hello"},)
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {}, "b": {}}}}}]
SWAPPED = [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"b": {}, "a": {}}}}}]
REQUEST = ChatRequest(messages=HELLO, attribution=Attribution("alpha"), model_group="reasoning", cache=True)
FIRST = model("first")

texts = st.text(st.characters(exclude_categories=["Cs"]))
tokens = st.integers(0, 2**53)
usages = st.builds(Usage, *[tokens] * 8, texts)
calls = st.lists(st.builds(ToolCall, texts, texts, texts), max_size=3).map(tuple)
answers = st.builds(
    ProviderAnswer,
    texts,
    calls,
    st.sampled_from(["stop", "tool_calls"]),
    usages,
    st.lists(texts).map(tuple),
    texts,
    confidence=st.none() | st.floats(0, 1),
)
kept_answers = st.builds(KeptAnswer, answers.filter(is_whole), texts, st.builds(Cost, tokens, tokens, texts))


def kept(content="hello", finish="stop", **changes):
    answer = ProviderAnswer(content, (), finish, Usage(1, 2), **changes)
    return KeptAnswer(answer, "first", Cost(1000, 4000, "list"))


def value_of(told, form="j"):
    """A value with any content whose checksum is right."""
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    body = base64.b64encode(zlib.compress(content)).decode() if form == "z" else content.decode()
    return f"2{form}{zlib.crc32(content):08x}{body}"


def told(**changes):
    answer = {"content": "hello", "tool_calls": [], "finish_reason": "stop", "dropped_params": [], "reasoning": ""}
    usage = asdict(Usage())
    cost = {"input_nano": 1, "output_nano": 2, "price_source": "list"}
    return {"answer": {**answer, "usage": usage, **changes}, "model": "first", "cost": cost}


@given(kept_answers)
def test_what_comes_out_is_what_went_in(answer):
    """Whatever it says, in whichever form it is kept."""
    value = pack(answer, MOST)
    assert value is None or unpack(value, MOST) == answer


@given(kept_answers, st.data())
def test_a_damaged_value_is_no_answer(answer, data):
    """One character changed, or the end missing."""
    value = pack(answer, MOST)
    if value is None:
        return
    place = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(texts.filter(lambda text: text[:1] != value[place]))
    damaged = value[:place] + data.draw(st.sampled_from([other[:1] + value[place + 1 :], ""]))
    assert unpack(damaged, MOST) in (None, answer)


@given(st.text())
def test_any_text_is_an_answer_or_none(text):
    """Reading never fails."""
    assert unpack(text, MOST) is None
    assert unpack(value_of(text.encode(errors="surrogatepass").decode(errors="replace").encode()), MOST) is None


def test_long_answers_are_compressed():
    """Short ones are not: that would make them longer."""
    short, long = pack(kept(), MOST), pack(kept("word " * COMPRESSED_FROM), MOST)
    assert (short[:2], long[:2]) == ("2j", "2z")
    assert len(long) < COMPRESSED_FROM
    assert unpack(long, MOST) == kept("word " * COMPRESSED_FROM)


def test_what_is_too_large_is_not_kept():
    """Counted before compression, as what is read has to fit into memory."""
    assert pack(kept("x" * 2000), 1000) is None
    assert unpack(pack(kept("x" * 2000), MOST), 1000) is None
    assert unpack(pack(kept("x" * 500), MOST), 400) is None


def test_a_bomb_is_not_unpacked():
    """A small value that would become very large is given up after the limit."""
    bomb = base64.b64encode(zlib.compress(b" " * 50_000_000, 9)).decode()
    assert len(bomb) < 70_000
    assert unpack(f"2z{0:08x}{bomb}", MOST) is None


def test_what_is_behind_the_end_is_damage():
    """Two compressed streams are not one."""
    content = json.dumps(told()).encode()
    twice = base64.b64encode(zlib.compress(content) + b"more").decode()
    assert unpack(f"2z{zlib.crc32(content):08x}{twice}", MOST) is None
    assert unpack(value_of(told(), "z"), MOST)


@pytest.mark.parametrize(
    "changes",
    [
        {"content": 7},
        {"finish_reason": "length"},
        {"content": ""},
        {"usage": {**told()["answer"]["usage"], "input_tokens": -1}},
        {"usage": {**told()["answer"]["usage"], "input_tokens": True}},
        {"usage": {**told()["answer"]["usage"], "service_tier": 0}},
        {"usage": None},
        {"tool_calls": [{"id": "1", "name": "f", "arguments": {}}]},
        {"tool_calls": [{"id": "1"}]},
        {"dropped_params": [1]},
        {"confidence": "0.5"},
        {"unknown": "field"},
    ],
)
def test_what_is_not_an_answer_is_none(changes):
    """However well it is packed."""
    assert unpack(value_of(told()), MOST)
    assert unpack(value_of(told(**changes)), MOST) is None


def test_nested_nonsense_is_none():
    """Too deep for the parser."""
    assert unpack(value_of(b"[" * 60_000), MOST) is None


def test_another_version_is_none():
    """What an older release kept is asked again."""
    assert unpack(f"0{pack(kept(), MOST)[1:]}", MOST) is None


def test_what_json_cannot_hold_is_not_kept():
    """A lone surrogate is no character, and no error either."""
    assert pack(kept("\ud800"), MOST) is None


def test_what_a_provider_says_of_its_limits_is_not_kept():
    """It is of that moment."""
    told = kept(rates=RateView(1))
    assert "rates" not in pack(told, MOST)
    assert unpack(pack(told, MOST), MOST).answer.rates is None


@pytest.mark.parametrize(
    ("content", "finish", "calls", "expected"),
    [
        ("hi", "stop", (), True),
        ("", "tool_calls", (ToolCall("1", "f", "{}"),), True),
        ("hi", "length", (), False),
        ("hi", "content_filter", (), False),
        ("", "stop", (), False),
    ],
)
def test_whole_answers_end_by_themselves_and_say_something(content, finish, calls, expected):
    """Others are nobody else's."""
    assert is_whole(ProviderAnswer(content, calls, finish, Usage())) is expected


def digest(request=REQUEST, resolved=((FIRST, 4096),), prices="0" * 16):
    return digest_of_request(request, resolved, prices)


@pytest.mark.parametrize(
    "changes",
    [
        {"attribution": Attribution("alpha", "bot", "ada")},
        {"timeout_s": 3.0},
        {"explain": True},
        {"fallback": False},
        {"routing": "cost"},
        {"require": frozenset({"json"})},
    ],
)
def test_what_says_nothing_of_the_answer_is_not_in_the_digest(changes):
    """Agents and users of a project share; who may answer is told by the resolved models."""
    assert digest(replace(REQUEST, **changes)) == digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"attribution": Attribution("beta")},
        {"messages": ({"role": "user", "content": "hello "},)},
        {"messages": ({"role": "system", "content": "hello"},)},
        {"messages": HELLO * 2},
        {"model_group": "fast"},
        {"model": "first", "model_group": None},
        {"max_output_tokens": 7},
        {"token_budget": 700},
        {"params": {"temperature": 0.2}},
        {"params": {"tools": TOOLS}},
        {"params": {"response_format": {"type": "json_object"}}},
    ],
)
def test_another_request_has_another_digest(changes):
    """Project, messages, names, options and limits."""
    assert digest(replace(REQUEST, **changes)) != digest()


def test_another_catalog_has_another_digest():
    """Prices, and all that is known of the models that may answer."""
    others = [
        digest(prices="1" * 16),
        digest(resolved=((FIRST, 4095),)),
        digest(resolved=((model("second"), 4096),)),
        digest(resolved=((FIRST, 4096), (model("second"), 4096))),
        digest(resolved=((replace(FIRST, fixed_params=MappingProxyType({"top_k": 1})), 4096),)),
        digest(resolved=((replace(FIRST, deployment=Deployment("p", "m", "https://elsewhere.example")), 4096),)),
        digest(resolved=((replace(FIRST, retires_on=date(2027, 1, 1)), 4096),)),
    ]
    assert len({digest(), *others}) == len(others) + 1


def test_the_order_of_options_is_not_in_the_digest_but_that_of_schemas_is():
    """A model writes an object in the order of its schema."""
    one, two = ({"seed": 1, "top_p": 0.5}, {"top_p": 0.5, "seed": 1})
    assert digest(replace(REQUEST, params=one)) == digest(replace(REQUEST, params=two))
    first, second = (replace(REQUEST, params={"tools": tools}) for tools in (TOOLS, SWAPPED))
    assert digest(first) != digest(second)


def test_what_has_no_digest_is_an_error():
    """A new kind of value is never left out silently."""
    with pytest.raises(TypeError):
        digest(replace(REQUEST, params={"odd": object()}))


def test_a_digest_is_what_it_was():
    """Else every answer that is kept would be lost with an update. Change it only together with VERSION."""
    params = {"tools": TOOLS, "response_format": {"type": "json_object"}, "temperature": 0.2}
    assert digest(replace(REQUEST, params=params)) == "bae4fc567c31af300f654b6e8dc78cd7cd71ff039366049b1e880ebaedf18fb0"


def test_a_value_is_what_it_was():
    """What one release keeps the next one reads, byte by byte."""
    assert pack(kept(), MOST) == (
        '2j99e02da8{"answer":{"content":"hello","tool_calls":[],"finish_reason":"stop","usage":{"input_tokens":1,'
        '"output_tokens":2,"cached_input_tokens":0,"cache_write_tokens":0,"reasoning_tokens":0,"cache_write_1h_tokens":0,'
        '"audio_input_tokens":0,"audio_output_tokens":0,"service_tier":""},"dropped_params":[],'
        '"reasoning":"","confidence":null},"model":"first","cost":{"input_nano":1000,"output_nano":4000,'
        '"price_source":"list"}}'
    )


def test_an_answer_may_be_exactly_as_large_as_allowed():
    """A byte less room, and it is not kept."""
    size = len(pack(kept("x" * 200), MOST)) - len("2j00000000")
    assert pack(kept("x" * 200), size) is not None
    assert unpack(pack(kept("x" * 200), size), size) == kept("x" * 200)
    assert pack(kept("x" * 200), size - 1) is None
