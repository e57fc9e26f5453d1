"""What is charged and held for answers that break, tell no usage, or say more than one thing: by either engine."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway_core.domain.chat import Json
from tests.contract.event_streams import (
    CLAUDE,
    GEMINI,
    INPUT,
    OPENAI,
    OUTPUT,
    RESPONSES,
    ROLE,
    SPOKEN,
    STOP,
    STREAMS,
    WORDS,
    chat,
    response,
    used,
)
from tests.contract.money import asked, booked, sse
from tests.contract.raw_provider import Act, begin_then, respond

HI = [{"role": "user", "content": "Tell me of otters."}]
LONG = "the quick otters swim " * 10
PER_INPUT, PER_OUTPUT = 1000, 10_000
WHOLE_NANO = INPUT * PER_INPUT + OUTPUT * PER_OUTPUT
every_stream = pytest.mark.parametrize("model", STREAMS)
every_engine = pytest.mark.parametrize("engine", ["native", "litellm"])


def streamed(events: list[Any]) -> Act:
    """All of it, to the end of the body."""
    return respond(200, sse(events), kind="text/event-stream")


def cut(events: list[Any], *, hangs: bool = False) -> Act:
    """These events and no end: the connection breaks, or falls silent."""
    return begin_then(sse(events), kind="text/event-stream", hang_after=hangs)


def whole(*messages: Json, usage: Json | None = None, **more: Any) -> Act:
    """An answer in one piece, of so many choices."""
    choices = [{"index": at, "finish_reason": "stop", "message": message} for at, message in enumerate(messages)]
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, **more}
    return respond(200, body | ({"usage": usage} if usage else {}))


@every_engine
@every_stream
@pytest.mark.parametrize("forwarded", [True, False], ids=["chat", "own"])
async def test_a_stream_that_is_cut_costs_at_least_what_was_delivered(model: str, engine: str, forwarded: bool) -> None:
    """Wherever it is cut: the charge grows with what was said, is within the bound, and nothing stays held."""
    events, request = STREAMS[model], asked({"model": model, "messages": HI, "stream": True}, forwarded=forwarded)
    last, charged = len(events) - 1, []
    for end in (0, 1, 2, 5, last - 1, last):
        found = await booked(cut(events[:end]), request, engine, streams=True)
        said = sum(word in str(events[:end]) for word in WORDS)
        assert (found.code, found.record.error_code, found.is_held) == ("provider_error", "provider_error", False)
        assert found.record.estimated_nano == found.spent
        assert found.tokens[0] > 0
        assert found.tokens[1] >= said
        assert found.spent == found.tokens[0] * PER_INPUT + found.tokens[1] * PER_OUTPUT
        charged.append(found.spent)
    assert charged == sorted(charged)
    found = await booked(streamed(events), request, engine, streams=True)
    assert (found.code, found.tokens, found.spent, found.held) == ("", (INPUT, OUTPUT), WHOLE_NANO, 0)
    assert found.record.estimated_nano == 0


@every_engine
@every_stream
async def test_a_caller_who_leaves_pays_at_least_for_what_was_delivered(model: str, engine: str) -> None:
    """In the middle, and after the last word, when the provider may have told its usage or not."""
    events, request = STREAMS[model], asked({"model": model, "messages": HI, "stream": True})
    for end, leaves in ((5, 2), (len(events) - 1, len(WORDS) - 1)):
        found = await booked(cut(events[:end], hangs=True), request, engine, streams=True, leaves=leaves)
        assert (found.record.error_code, found.is_held) == ("cancelled", False)
        assert found.record.estimated_nano == found.spent
        assert found.tokens[1] >= leaves
        assert found.spent == found.tokens[0] * PER_INPUT + found.tokens[1] * PER_OUTPUT


IN_BAND: dict[str, Any] = {
    "gpt-5.1": {"error": {"message": "It broke.", "type": "server_error", "code": None}},
    "deepseek-v3.2": {"error": {"message": "It broke.", "type": "server_error", "code": None}},
    "claude-haiku-3.5": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    "gemini-flash": {"error": {"code": 503, "message": "It broke.", "status": "UNAVAILABLE"}},
    "codex-max": {"type": "error", "code": "server_error", "message": "It broke.", "param": None},
}


@every_engine
@every_stream
async def test_an_error_after_content_costs_at_least_what_was_delivered(model: str, engine: str) -> None:
    """Nobody knows whether the provider bills it."""
    request = asked({"model": model, "messages": HI, "stream": True})
    found = await booked(streamed([*STREAMS[model][:5], IN_BAND[model]]), request, engine, streams=True)
    assert (found.code, found.is_held) == ("provider_error", False)
    assert found.record.estimated_nano == found.spent
    assert found.tokens[1] >= sum(word in str(STREAMS[model][:5]) for word in WORDS)


@every_engine
async def test_an_error_without_an_object_of_its_own_is_one(engine: str) -> None:
    """As servers on OpenAI's wire send it: its text goes to nobody, and nothing after it."""
    bare = {"object": "error", "message": "It broke at 10.0.0.1.", "type": "InternalServerError", "code": 500}
    events = [*SPOKEN[:5], bare, *SPOKEN[5:], STOP, "[DONE]"]
    request = asked({"model": "gpt-5.1", "messages": HI, "stream": True})
    found = await booked(streamed(events), request, engine, streams=True)
    assert (found.code, found.is_held) == ("provider_error", False)
    assert "10.0.0.1" not in str(found.heard)
    assert "".join(chunk.text for chunk in found.heard) == "".join(WORDS[:4])


@every_engine
async def test_a_failure_that_names_its_usage_costs_that(engine: str) -> None:
    """OpenAI's Responses end with all that there is to say."""
    failed = response("response.failed", "failed", {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29})
    failed["response"]["error"] = {"code": "server_error", "message": "It broke."}
    request = asked({"model": "codex-max", "messages": HI, "stream": True})
    found = await booked(streamed([*RESPONSES[:5], failed]), request, engine, streams=True)
    assert (found.code, found.tokens, found.is_held) == ("provider_error", (20, 9), False)


USAGES: dict[str, tuple[str, list[Any]]] = {
    "none": ("gpt-5.1", [*SPOKEN, STOP, "[DONE]"]),
    "before the content": ("gpt-5.1", [ROLE | {"usage": used(INPUT, 0)}, *SPOKEN[1:], STOP, "[DONE]"]),
    "zeros": ("gpt-5.1", [*SPOKEN, STOP, chat(usage=used(0, 0)), "[DONE]"]),
    "zeros at last": ("gpt-5.1", [*OPENAI[:-1], chat(usage=used(0, 0)), "[DONE]"]),
    "of Claude, at the start alone": ("claude-haiku-3.5", [*CLAUDE[:-2], CLAUDE[-2] | {"usage": {}}, CLAUDE[-1]]),
    "of Gemini, before the end alone": (
        "gemini-flash",
        [*GEMINI[:-1], {"candidates": GEMINI[-1]["candidates"]}],
    ),
}


@every_engine
@pytest.mark.parametrize("case", USAGES)
async def test_a_whole_stream_costs_what_it_says_where_no_usage_tells(case: str, engine: str) -> None:
    """What was reported before all was said is the least, and nothing stays held."""
    model, events = USAGES[case]
    request = asked({"model": model, "messages": HI, "stream": True})
    found = await booked(streamed(events), request, engine, streams=True)
    assert (found.code, found.is_held) == ("", False)
    assert found.tokens[0] > 0
    assert len(WORDS) < found.tokens[1] < OUTPUT
    assert found.spent == found.tokens[0] * PER_INPUT + found.tokens[1] * PER_OUTPUT


GROWING = [*(one | {"usage": used(INPUT, 1)} for one in SPOKEN), STOP | {"usage": used(INPUT, OUTPUT)}, "[DONE]"]
REPORTS: list[tuple[list[Any], tuple[int, int]]] = [
    ([*OPENAI[:-1], chat(usage=used(INPUT, OUTPUT)), "[DONE]"], (INPUT, OUTPUT)),
    (GROWING, (INPUT, OUTPUT)),
    ([*OPENAI[:-2], chat(usage=used(INPUT, 2)), "[DONE]"], (INPUT, 2)),
]


@every_engine
@pytest.mark.parametrize(("events", "tokens"), REPORTS, ids=["twice", "growing", "small"])
async def test_the_providers_last_word_is_its_bill(events: list[Any], tokens: tuple[int, int], engine: str) -> None:
    """Told twice, in every event, or less than it seems to be: whoever bills counts."""
    request = asked({"model": "gpt-5.1", "messages": HI, "stream": True})
    found = await booked(streamed(events), request, engine, streams=True)
    assert (found.code, found.tokens, found.is_held) == ("", tokens, False)


PRINTED = base64.b64encode(bytes(48_000)).decode()
SOUND = {"id": "a", "data": PRINTED, "transcript": LONG, "expires_at": 1}
OLD = {"functions": [{"name": "f", "parameters": {"type": "object"}}]}
SPEAKS = {"model": "speaking", "modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}}
MESSAGES: dict[str, tuple[dict[str, Any], list[Json], int]] = {
    "three answers": ({"n": 3}, [{"content": "hi"}, {"content": LONG}, {"content": LONG}], 100),
    "the second alone": ({"n": 2}, [{"content": ""}, {"content": LONG}], 50),
    "a deprecated call": (OLD, [{"content": None, "function_call": {"name": "f", "arguments": LONG}}], 50),
    "reasoning": ({"model": "deepseek-v3.2"}, [{"content": "", "reasoning_content": LONG}], 50),
    "sound": (SPEAKS, [{"content": None, "audio": SOUND}], 70),
}


@pytest.mark.parametrize("case", MESSAGES)
async def test_a_whole_answer_without_usage_costs_all_that_it_says(case: str) -> None:
    """In whatever field it is said; nothing stays held."""
    more, messages, least = MESSAGES[case]
    request = asked({"model": "gpt-5.1", "messages": HI, **more})
    found = await booked(whole(*messages), request, "native", streams=False)
    assert (found.code, found.is_held) == ("", False)
    assert least <= found.tokens[1] < least + 10
    assert found.record.audio_output_tokens == (20 if case == "sound" else 0)


DELTAS: dict[str, tuple[dict[str, Any], list[Any], int]] = {
    "two answers": ({"n": 2}, [chat({"content": word}, index=at) for word in WORDS for at in (0, 1)], 64),
    "a call beside": (
        {"n": 2},
        [chat({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": LONG}}]}, index=1)],
        50,
    ),
    "a deprecated call": (OLD, [chat({"function_call": {"name": "f", "arguments": LONG}})], 50),
    "sound": (SPEAKS, [chat({"audio": {"transcript": LONG}}), chat({"audio": {"data": PRINTED}})], 70),
}


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "whole"])
@pytest.mark.parametrize("case", DELTAS)
async def test_a_stream_without_usage_costs_all_that_it_says(case: str, is_cut: bool) -> None:
    """The same for what comes in pieces, cut or not."""
    more, deltas, least = DELTAS[case]
    request = asked({"model": "gpt-5.1", "messages": HI, "stream": True, **more})
    act = cut([ROLE, *deltas]) if is_cut else streamed([ROLE, *deltas, STOP, "[DONE]"])
    found = await booked(act, request, "native", streams=True)
    assert (found.code == "", found.is_held, found.record.estimated_nano > 0) == (not is_cut, False, is_cut)
    assert least <= found.tokens[1] < least + (1000 if is_cut else 10)
    sound = found.record.audio_output_tokens
    assert 20 <= sound <= found.tokens[1] if case == "sound" else sound == 0
    assert is_cut or sound in (0, 20)


@pytest.mark.parametrize(("tier", "times"), [("priority", 2.0), ("flex", 0.5), ("auto", 1.0), ("default", 1.0)])
@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "whole"])
async def test_what_is_counted_here_costs_the_tier_that_was_asked_for(tier: str, times: float, is_cut: bool) -> None:
    """As nobody names another."""
    body = {"model": "gpt-5.1", "messages": HI, "stream": True, "service_tier": tier}
    act = cut(SPOKEN) if is_cut else streamed([*SPOKEN, STOP, "[DONE]"])
    found = await booked(act, asked(body), "native", streams=True)
    assert found.spent == times * (found.tokens[0] * PER_INPUT + found.tokens[1] * PER_OUTPUT)
    assert found.sent["service_tier"] == tier


async def test_one_of_several_answers_may_be_cut_off_or_filtered() -> None:
    """The first decides, as in an answer in one piece; the ends of the others are told to the caller as they came."""
    said = [chat({"content": word}, index=at) for word in WORDS for at in (0, 1, 2)]
    ends = [chat({}, "stop"), chat({}, "length", 1), chat({}, "content_filter", 2)]
    body = {"model": "gpt-5.1", "messages": HI, "stream": True, "n": 3}
    events = [ROLE, *said, *ends, chat(usage=used(INPUT, OUTPUT)), "[DONE]"]
    found = await booked(streamed(events), asked(body), "native", streams=True)
    assert (found.code, found.tokens, found.is_held) == ("", (INPUT, OUTPUT), False)
    told = [one["choices"][0]["finish_reason"] for chunk in found.heard for one in chunk.forwarded if one["choices"]]
    assert [reason for reason in told if reason] == ["stop", "length", "content_filter"]


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens", None])
@pytest.mark.parametrize(("model", "more"), [("gpt-5.1", {"n": 3}), ("thrice", {})], ids=["asked", "fixed"])
async def test_the_hold_bounds_all_answers(limit: str | None, model: str, more: Json) -> None:
    """The cap is sent, and held as often as answers are sent for, whoever says how many."""
    cap = {limit: 100} if limit else {}
    body = {"model": model, "messages": HI, "stream": True, "logprobs": True, **more, **cap}
    found = await booked(cut(SPOKEN[:2], hangs=True), asked(body), "native", streams=True, leaves=1)
    sent = 100 if limit else 4096
    assert (found.sent["n"], found.sent["max_completion_tokens"], found.sent.get("max_tokens")) == (3, sent, None)
    assert found.sent["stream_options"] == {"include_usage": True}
    assert 3 * sent * PER_OUTPUT < found.most < 3 * sent * PER_OUTPUT + 1000 * PER_INPUT
    assert found.record.output_tokens <= 3 * sent


@every_engine
@every_stream
async def test_an_error_in_a_sound_answer_is_an_error(model: str, engine: str) -> None:
    """With a status of 200, in one piece: its bill is unknown, unless it names its usage."""
    act = respond(200, {"error": {"message": "It broke.", "type": "server_error"}})
    found = await booked(act, asked({"model": model, "messages": HI}), engine, streams=False)
    assert (found.code, found.spent, found.is_held) == ("provider_error", 0, True)


@every_engine
@every_stream
async def test_a_stream_that_nobody_asked_for_is_no_answer(model: str, engine: str) -> None:
    """It is no empty one either; what it says that it used is charged."""
    found = await booked(streamed(STREAMS[model]), asked({"model": model, "messages": HI}), engine, streams=False)
    assert (found.code, found.spent, found.is_held) == ("provider_error", WHOLE_NANO, False)


async def test_a_document_is_charged_by_its_pages_not_by_its_data() -> None:
    """Almost three megabytes of base64, of a stream that is cut: within its hold, which is all that the model reads."""
    data = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4" + bytes(2_000_000)).decode()
    part = {"type": "file", "file": {"filename": "otters.pdf", "file_data": data}}
    body = {"model": "claude-haiku-3.5", "messages": [{"role": "user", "content": [part]}], "stream": True}
    found = await booked(cut([]), asked(body), "native", streams=True)
    assert not found.is_held
    assert INPUT < found.tokens[0] <= 200_000
