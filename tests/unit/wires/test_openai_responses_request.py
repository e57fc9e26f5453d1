"""What is sent to OpenAI's Responses for a conversation in the chat form, and what is named as left out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.wires.demands import DEMANDS, demands_of, unmet
from gateway_core.wires.openai_responses.carried import lead_of, origin_of
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC
from gateway_core.wires.openai_responses.history import wire_id
from gateway_core.wires.signed_ids import carried, signed
from tests.unit.wires.responses import CODEX, THINKS, asked, check_item

PNG = "data:image/png;base64,iVBORw0KGgo="
PDF = "data:application/pdf;base64,JVBERi0xLjQK"
HI = {"role": "user", "content": "hi"}
FRAME = {"model", "input", "max_output_tokens", "service_tier", "store"}
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAB"}
LOOK_UP: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks up",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}, "n": True}, "required": ["q"]},
    },
}
FLAT = {
    "type": "function",
    "name": "look_up",
    "description": "Looks up",
    "parameters": LOOK_UP["function"]["parameters"],
}
GREP = {
    "type": "custom",
    "custom": {
        "name": "grep",
        "description": "Greps",
        "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}},
    },
}


def body(*messages: Any, streams: bool = False, **options: Any) -> dict[str, Any]:
    return dict(asked(*messages, streams=streams, **options).body)


def sent(*messages: Any, **options: Any) -> list[Any]:
    return list(body(*messages, **options)["input"])


def dropped(*messages: Any, **options: Any) -> tuple[str, ...]:
    return asked(*messages, **options).dropped


def message(role: str, content: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


def function_call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look_up", "arguments": arguments}}


def test_the_frame():
    """Nothing is stored, and what nobody asked for is not said."""
    found = asked(HI, rules=NO_RULES)
    assert found.path == "/responses"
    assert found.headers == ()
    assert found.dropped == ()
    assert found.body == {
        "model": "gpt-5.3-codex",
        "input": [message("user", "hi")],
        "max_output_tokens": 4096,
        "service_tier": "default",
        "store": False,
    }
    assert body(HI, streams=True, rules=NO_RULES) == {**found.body, "stream": True}


def test_the_order_of_a_conversation_is_kept():
    """A system message in the middle stays there, and leading ones are items like it."""
    conversation = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No jokes."}, {"type": "text", "text": ""}]},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        {"role": "system", "content": "From now on in French."},
        {"role": "user", "content": "again"},
    ]
    assert sent(*conversation) == [
        message("system", "Be brief."),
        message("developer", [{"type": "input_text", "text": "No jokes."}]),
        message("user", "q"),
        message("assistant", [{"type": "output_text", "text": "a"}]),
        message("system", "From now on in French."),
        message("user", "again"),
    ]


PARTS = [
    ({"type": "text", "text": "see"}, {"type": "input_text", "text": "see"}),
    (
        {"type": "image_url", "image_url": {"url": PNG, "detail": "low"}},
        {"type": "input_image", "image_url": PNG, "detail": "low"},
    ),
    (
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/", "detail": None}},
        {"type": "input_image", "image_url": "data:image/jpeg;base64,/9j/", "detail": "auto"},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
    ),
    (
        {"type": "file", "file": {"file_data": PDF}},
        {"type": "input_file", "filename": "document.pdf", "file_data": PDF},
    ),
    ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}, {"type": "input_text", "text": "x"}),
]


@pytest.mark.parametrize(("part", "form"), PARTS)
def test_parts_of_users_and_of_tools(part, form):
    """Both may have texts, images and documents; empty texts beside them are left out."""
    content = [{"type": "text", "text": ""}, part]
    assert sent({"role": "user", "content": content}) == [message("user", [form])]
    answered = sent({"role": "tool", "tool_call_id": "call_1", "content": content})
    assert answered == [{"type": "function_call_output", "call_id": "call_1", "output": [form]}]


@pytest.mark.parametrize("nothing", ["", None, [], [{"type": "text", "text": ""}], [{"type": "input_audio"}]])
def test_turns_that_say_nothing(nothing):
    """A user's stays, a tool's result is empty, the system's and the assistant's are left out."""
    assert sent({"role": "user", "content": nothing}) == [message("user", "")]
    result = {"role": "tool", "tool_call_id": "call_1", "content": nothing}
    assert sent(result) == [{"type": "function_call_output", "call_id": "call_1", "output": ""}]
    assert sent(HI, {"role": "system", "content": nothing}) == [message("user", "hi")]
    leftovers = {"reasoning_content": "hm", "audio": None, "annotations": [], "tool_calls": [], "refusal": None}
    assert sent(HI, {"role": "assistant", "content": nothing, **leftovers}) == [message("user", "hi")]


def test_an_input_is_never_empty():
    """The API refuses a request without any input."""
    assert sent({"role": "assistant", "content": ""}) == [message("user", "")]


def test_refusals_go_back_as_refusals():
    """Those in the message's own field, and those among its parts."""
    refusal = {"type": "refusal", "refusal": "I can't."}
    text = {"type": "text", "text": "Sorry."}
    assert sent({"role": "assistant", "content": None, "refusal": "I can't."}) == [message("assistant", [refusal])]
    assert sent({"role": "assistant", "content": [text, refusal]}) == [
        message("assistant", [{"type": "output_text", "text": "Sorry."}, refusal])
    ]


def test_a_loop_over_tools():
    """Text first, then the calls; results by `call_id`, in any order; a tool's name is said by its call."""
    conversation = [
        HI,
        {"role": "assistant", "content": "Wait.", "tool_calls": [function_call("call_1", '{"q": "x"}')]},
        {"role": "tool", "tool_call_id": "call_1", "name": "look_up", "content": "found"},
    ]
    assert sent(*conversation) == [
        message("user", "hi"),
        message("assistant", [{"type": "output_text", "text": "Wait."}]),
        {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": '{"q": "x"}'},
        {"type": "function_call_output", "call_id": "call_1", "output": "found"},
    ]
    assert dropped(*conversation) == ()


def test_custom_tools_in_the_history():
    """Their results are of a kind of their own."""
    conversation = [
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "call_1", "type": "custom", "custom": {"name": "grep", "input": "a|b"}},
                {"id": "call_2", "type": "custom", "custom": {"name": "grep", "input": ""}},
                function_call("call_3"),
            ],
        },
        *({"role": "tool", "tool_call_id": f"call_{number}", "content": "r"} for number in (1, 2, 3)),
    ]
    assert sent(*conversation) == [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "grep", "input": "a|b"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "grep", "input": ""},
        {"type": "function_call", "call_id": "call_3", "name": "look_up", "arguments": "{}"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "r"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "r"},
        {"type": "function_call_output", "call_id": "call_3", "output": "r"},
    ]


ARGUMENTS = [
    ("", "{}"),
    (None, "{}"),
    ('{"q": 1e3}', '{"q": 1e3}'),
    ('{"q": "x', '{"arguments": "{\\"q\\": \\"x"}'),
    ("[1]", '{"arguments": "[1]"}'),
    ('{"q": NaN}', '{"arguments": "{\\"q\\": NaN}"}'),
    ("é", '{"arguments": "é"}'),
    ("[" * 100_000, json.dumps({"arguments": "[" * 100_000})),
]


@pytest.mark.parametrize(("arguments", "form"), ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_arguments_in_the_history(arguments, form):
    """Empty ones are an empty object; what is no object becomes one that shows it."""
    assert sent({"role": "assistant", "tool_calls": [function_call("c", arguments)]})[0]["arguments"] == form


def test_ids_of_other_providers():
    """What they carry is not sent; a long one is shortened, to the same for its result."""
    gemini = "call_9__thought__" + "A" * 20_000
    claude = signed("toolu_1", "a", [{"type": "thinking", "signature": "s"}])
    long = "x" * 65
    for given_id, wanted in [(gemini, "call_9"), (claude, "toolu_1"), ("y" * 64, "y" * 64), (long, wire_id(long))]:
        turn = {"role": "assistant", "tool_calls": [function_call(given_id)]}
        made, told = sent(turn, {"role": "tool", "tool_call_id": given_id, "content": "r"})
        assert (made["call_id"], told["call_id"]) == (wanted, wanted)
        assert len(wanted) <= 64
    assert len({wire_id(name) for name in ("", long, long + "x", "x" * 64 + "y")}) == 4
    assert wire_id(None) == wire_id("")
    assert wire_id("\ud800" * 65) == wire_id("\ud800" * 65)


def signed_call(number: int, *found: dict[str, Any], origin: str = "") -> dict[str, Any]:
    value = {"of": origin or origin_of(CODEX), "items": list(found)}
    return function_call(signed(f"call_{number}", "r", value))


def test_reasoning_goes_back_before_its_call():
    """Each item in front of the call that carries it, as in the answer that it came with."""
    second = {**REASONING, "id": "rs_2"}
    turn = {"role": "assistant", "content": None, "tool_calls": [signed_call(1, REASONING), signed_call(2, second)]}
    result = {"role": "tool", "tool_call_id": signed_call(1, REASONING)["id"], "content": "r"}
    call_1, call_2 = ({"type": "function_call", "name": "look_up", "arguments": "{}"} for _ in range(2))
    assert sent(HI, turn, result) == [
        message("user", "hi"),
        REASONING,
        {**call_1, "call_id": "call_1"},
        second,
        {**call_2, "call_id": "call_2"},
        {"type": "function_call_output", "call_id": "call_1", "output": "r"},
    ]


def test_text_stands_where_it_stood():
    """After the reasoning, and of the same phase; before all calls if nothing tells."""
    commentary = {"type": "message", "phase": "commentary"}
    turn = {"role": "assistant", "content": "Wait.", "tool_calls": [signed_call(1, REASONING, commentary)]}
    said = message("assistant", [{"type": "output_text", "text": "Wait."}])
    assert [*sent(turn)[:2]] == [REASONING, {**said, "phase": "commentary"}]
    untold = {**turn, "tool_calls": [signed_call(1, REASONING)]}
    assert [item["type"] for item in sent(untold)] == ["message", "reasoning", "function_call"]
    late = {**turn, "tool_calls": [function_call("call_1"), signed_call(2, {"type": "message"}, REASONING)]}
    assert [item["type"] for item in sent(late)] == ["function_call", "message", "reasoning", "function_call"]
    silent = {**turn, "content": None}
    assert [item["type"] for item in sent(silent)] == ["reasoning", "function_call"]


WITHOUT = [
    {"reasoning_effort": "none"},
    {"rules": NO_RULES},
    {"deployment": replace(CODEX, api_base="https://proxy.example/v1")},
    {"deployment": replace(CODEX, upstream_model="gpt-5.1-codex")},
]


@pytest.mark.parametrize("options", WITHOUT, ids=range(len(WITHOUT)))
def test_reasoning_that_nobody_could_read_stays_away(options):
    """Who does not think refuses it, and so does who did not encrypt it."""
    turn = {"role": "assistant", "content": None, "tool_calls": [signed_call(1, REASONING)]}
    assert [item["type"] for item in sent(turn, **options)] == ["function_call"]


FORGED = [
    None,
    [],
    {"items": [REASONING]},
    {"of": origin_of(CODEX)},
    {"of": origin_of(CODEX), "items": [{"type": "item_reference", "id": "msg_1"}, {"type": "web_search_call"}, 7]},
    {"of": origin_of(CODEX), "items": [{"type": "reasoning", "id": "rs_1", "summary": []}]},
    {"of": origin_of(CODEX), "items": [{"type": "reasoning", "encrypted_content": {"a": 1}}]},
]


@pytest.mark.parametrize("value", FORGED, ids=range(len(FORGED)))
def test_nothing_else_gets_in_by_an_id(value):
    """Clients could write anything there."""
    turn = {"role": "assistant", "content": None, "tool_calls": [function_call(signed("call_1", "r", value))]}
    assert [item["type"] for item in sent(turn)] == ["function_call"]


def test_what_an_id_carries_is_brought_into_its_form():
    """Of reasoning the fields that are documented, of messages the phase alone."""
    odd = {**REASONING, "id": 7, "status": "x", "summary": [{"text": "s"}, {"text": 1}, None]}
    marks = [{"type": "message", "phase": ["x"], "content": "no"}, {"type": "message", "phase": "commentary"}]
    found = lead_of(signed("c", "r", {"of": "o", "items": [odd, *marks]}), "o")
    summary = [{"type": "summary_text", "text": "s"}]
    assert found == [
        {"type": "reasoning", "summary": summary, "encrypted_content": "gAAAAB"},
        {"type": "message"},
        {"type": "message", "phase": "commentary"},
    ]


def test_an_origin_does_not_tell_where_it_is():
    """Clients see ids, and have no business with base URLs."""
    assert len({origin_of(CODEX), origin_of(replace(CODEX, api_base="https://secret.example"))}) == 2
    assert "secret" not in origin_of(replace(CODEX, api_base="https://secret.example"))
    assert carried(signed_call(1, REASONING)["id"], "r")["of"] == origin_of(CODEX)


def test_thinking():
    """Efforts that the model has; encrypted reasoning is asked for as long as it thinks."""
    plain = body(HI)
    assert plain["include"] == ["reasoning.encrypted_content"]
    assert "reasoning" not in plain
    assert body(HI, reasoning_effort="xhigh")["reasoning"] == {"effort": "xhigh"}
    off = body(HI, reasoning_effort="none")
    assert off["reasoning"] == {"effort": "none"}
    assert "include" not in off
    assert dropped(HI, reasoning_effort="minimal") == ("reasoning_effort",)
    assert body(HI, reasoning_effort="minimal")["reasoning"] == {"effort": "low"}


ANTHROPIC = [
    ({"type": "disabled"}, THINKS, ()),
    ({"type": "disabled"}, NO_RULES, ()),
    ({"type": "disabled"}, ModelRules(thinks="always", efforts=("low", "high")), ("thinking",)),
    ({"type": "enabled", "budget_tokens": 2048}, THINKS, ("thinking",)),
    ({"type": "adaptive"}, THINKS, ("thinking",)),
    (None, THINKS, ()),
]


@pytest.mark.parametrize(("thinking", "rules", "named"), ANTHROPIC)
def test_anthropics_option(thinking, rules, named):
    """A budget has no word here; to turn thinking off has one, for who can."""
    assert dropped(HI, thinking=thinking, rules=rules) == named


def test_tools_are_flat_and_not_strict_unless_asked():
    """Without a word on it they would be strict, and parameters that may be left out would have to be given."""
    strict = {"type": "function", "function": {**LOOK_UP["function"], "strict": True}}
    loose = {"type": "function", "function": {**LOOK_UP["function"], "strict": None}}
    assert body(HI, tools=[LOOK_UP, strict, loose])["tools"] == [
        {**FLAT, "strict": False},
        {**FLAT, "strict": True},
        {**FLAT, "strict": False},
    ]


PARAMETERS = [
    ({}, {"type": "object", "properties": {}}),
    ({"parameters": None}, {"type": "object", "properties": {}}),
    ({"parameters": {}}, {"type": "object", "properties": {}}),
    ({"parameters": True}, {"type": "object", "properties": {}}),
    ({"parameters": {"type": "object"}}, {"type": "object", "properties": {}}),
    ({"strict": True}, {"type": "object", "properties": {}, "additionalProperties": False, "required": []}),
    (
        {"parameters": {"$defs": {"A": {"anyOf": [True, {"$ref": "#/$defs/A"}]}}, "properties": {"a": True}}},
        {
            "type": "object",
            "$defs": {"A": {"anyOf": [True, {"$ref": "#/$defs/A"}]}},
            "properties": {"a": True},
        },
    ),
]


@pytest.mark.parametrize(("function", "schema"), PARAMETERS, ids=range(len(PARAMETERS)))
def test_schemas_of_parameters(function, schema):
    """They go along as they are; the API wants an object with properties, though there be none."""
    tool = {"type": "function", "function": {"name": "ping", **function}}
    found = body(HI, tools=[tool])["tools"][0]
    assert found["parameters"] == schema
    assert "description" not in found


def test_custom_tools():
    """With the grammar one level up."""
    bare = {"type": "custom", "custom": {"name": "say"}}
    text = {"type": "custom", "custom": {"name": "say", "format": {"type": "text"}}}
    assert body(HI, tools=[GREP, bare, text])["tools"] == [
        {
            "type": "custom",
            "name": "grep",
            "description": "Greps",
            "format": {"type": "grammar", "syntax": "regex", "definition": "a+"},
        },
        {"type": "custom", "name": "say"},
        {"type": "custom", "name": "say", "format": {"type": "text"}},
    ]


NAMED = {"type": "function", "function": {"name": "look_up"}}
CHOICES = [
    ("none", "none"),
    ("auto", "auto"),
    ("required", "required"),
    (NAMED, {"type": "function", "name": "look_up"}),
    ({"type": "custom", "custom": {"name": "grep"}}, {"type": "custom", "name": "grep"}),
    (
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look_up"}]},
    ),
]


@pytest.mark.parametrize(("choice", "form"), CHOICES, ids=range(len(CHOICES)))
def test_which_tool_to_call(choice, form):
    """Of those that are offered."""
    found = body(HI, tools=[LOOK_UP, GREP], tool_choice=choice, parallel_tool_calls=False)
    assert found["tool_choice"] == form
    assert found["parallel_tool_calls"] is False


def test_a_choice_without_tools_is_left_out():
    """The API refuses it; only a choice that would have meant something is named."""
    for tools in ({}, {"tools": []}, {"tools": None}):
        found = {"tool_choice": "auto", "parallel_tool_calls": True, **tools}
        assert body(HI, **found).keys() & {"tools", "tool_choice", "parallel_tool_calls"} == set()
        assert dropped(HI, **found) == ()
    assert dropped(HI, tool_choice="required") == ("tool_choice",)


SCHEMA = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"], "additionalProperties": False}
FORMATS = [
    ({"type": "text"}, None),
    (
        {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True, "description": "d"}},
        {"type": "json_schema", "name": "n", "description": "d", "schema": SCHEMA, "strict": True},
    ),
    (
        {"type": "json_schema", "json_schema": {"name": "n", "schema": None, "strict": None}},
        {"type": "json_schema", "name": "n", "schema": {}, "strict": False},
    ),
]


@pytest.mark.parametrize(("wanted", "form"), FORMATS, ids=range(len(FORMATS)))
def test_formats(wanted, form):
    """As chat completions would read them: not strict without a word on it."""
    found = body(HI, response_format=wanted)
    assert found.get("text") == (None if form is None else {"format": form})
    assert dropped(HI, response_format=wanted) == ()


def test_verbosity_stands_beside_the_format():
    """Both are about the text."""
    assert body(HI, verbosity="low")["text"] == {"verbosity": "low"}
    both = body({"role": "user", "content": "json"}, verbosity="high", response_format={"type": "json_object"})
    assert both["text"] == {"format": {"type": "json_object"}, "verbosity": "high"}


HINT = message("system", "Answer with a JSON object.")
MENTIONS = [
    ({"role": "user", "content": "Give me JSON"}, False),
    ({"role": "system", "content": [{"type": "text", "text": "as json"}]}, False),
    ({"role": "user", "content": "Give me data"}, True),
    ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}, True),
    ({"role": "assistant", "content": "json"}, True),
    ({"role": "assistant", "tool_calls": [function_call("c", '{"q": "json"}')]}, True),
]


@pytest.mark.parametrize(("said", "hinted"), MENTIONS, ids=range(len(MENTIONS)))
def test_json_mode_has_to_be_spoken_of(said, hinted):
    """The API refuses it where the word is nowhere in the input; so it is said."""
    assert (sent(said, response_format={"type": "json_object"})[0] == HINT) is hinted
    assert HINT not in sent(said)


def test_what_is_called_the_same():
    """And an option of null is none."""
    same = {
        "temperature": 0,
        "top_p": 0.5,
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "safety_identifier": "s",
    }
    found = body(HI, **same, seed=None, stop=None)
    assert {name: found[name] for name in same} == same
    assert dropped(HI, **same, seed=None, stop=None) == ()


@pytest.mark.parametrize(("tier", "form"), [("flex", "flex"), ("auto", "auto"), (None, "default")])
def test_tiers(tier, form):
    """OpenAI is told `default` by who names none; another provider is told what the caller says."""
    other = replace(CODEX, provider="custom")
    assert body(HI, service_tier=tier)["service_tier"] == form
    assert body(HI, service_tier=tier, deployment=other).get("service_tier") == tier
    assert dropped(HI, service_tier=tier) == ()


UNSAID = {
    "stop": ["x"],
    "seed": 0,
    "presence_penalty": 0.5,
    "frequency_penalty": -1,
    "prediction": {"type": "content", "content": "x"},
    "top_k": 5,
    "top_logprobs": 3,
    "web_search_options": {"search_context_size": "low"},
    "modalities": ["text", "image"],
    "store": True,
    "an_option_of_tomorrow": "x",
}


def test_what_has_no_word_is_named():
    """And not sent under any name."""
    found = asked(HI, rules=NO_RULES, **UNSAID)
    assert found.dropped == tuple(sorted(UNSAID))
    assert found.body.keys() == FRAME
    assert found.body["store"] is False


def test_what_changes_nothing_is_not_named():
    """What is so anyhow, and what is the gateway's own."""
    nothing = {
        "n": 1,
        "store": False,
        "logprobs": False,
        "logit_bias": {},
        "modalities": ["text"],
        "presence_penalty": 0,
        "stop": [],
        "user": "u",
        "metadata": {"a": "b"},
    }
    assert dropped(HI, rules=NO_RULES, **nothing) == ()
    assert body(HI, rules=NO_RULES, **nothing).keys() == {
        "model",
        "input",
        "max_output_tokens",
        "service_tier",
        "store",
    }


def test_what_the_model_refuses_is_named():
    """By the rules of the catalog, this wire's as any other's."""
    rules = replace(THINKS, refuses=frozenset({"temperature"}))
    found = asked(HI, temperature=0.5, rules=rules)
    assert "temperature" not in found.body
    assert found.dropped == ("temperature",)


def test_names_and_marks_of_the_history_are_named():
    """Participants have no names here, and caches are not marked."""
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    assert dropped({"role": "user", "content": "x", "name": "Ada"}) == ("name",)
    assert dropped({"role": "user", "content": [marked]}) == ("cache_control",)
    assert dropped({**HI, "cache_control": {"type": "ephemeral"}}) == ("cache_control",)
    assert dropped(HI, tools=[{**LOOK_UP, "cache_control": {"type": "ephemeral"}}]) == ("cache_control",)


def test_the_least_output():
    """The API refuses less."""
    assert body(HI, max_output_tokens=1)["max_output_tokens"] == 16
    assert dropped(HI, max_output_tokens=1) == ("max_tokens",)
    assert dropped(HI, max_output_tokens=16) == ()


def test_what_rules_it_out():
    """Sound, several answers, biases and probabilities; documents, images of tools and custom tools are carried."""
    codec = OPENAI_RESPONSES_CODEC
    assert codec.cannot <= DEMANDS
    for params in ({"n": 2}, {"logprobs": True}, {"logit_bias": {"1": 1}}, {"modalities": ["text", "audio"]}):
        found = unmet(demands_of([HI], params), codec.cannot)
        assert found
        assert found.param in params
    heard = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}
    found = unmet(demands_of([heard], {}), codec.cannot)
    assert found
    assert found.param == "messages.0.content.0"
    document = {"role": "user", "content": [{"type": "file", "file": {"file_data": PDF}}]}
    image = {"role": "tool", "tool_call_id": "c", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}
    assert unmet(demands_of([document, image], {"tools": [GREP]}), codec.cannot) is None
    assert codec.objection([heard], {}, NO_RULES) is None


_ids = st.sampled_from(["call_1", "call_2", "", "x" * 100, signed_call(3, REASONING)["id"], "call_4__thought__AAAA"])
_texts = st.one_of(st.none(), st.text(max_size=5))
_parts = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=5)),
    st.sampled_from([part for part, _ in PARTS]),
)
_contents = st.one_of(_texts, st.lists(_parts, max_size=3))
_calls = st.one_of(
    st.builds(function_call, _ids, st.one_of(_texts, st.sampled_from([text for text, _ in ARGUMENTS[:6]]))),
    st.builds(lambda name, said: {"id": name, "type": "custom", "custom": {"name": "g", "input": said}}, _ids, _texts),
)
_messages = st.one_of(
    st.builds(
        lambda role, content: {"role": role, "content": content},
        st.sampled_from(["system", "developer", "user"]),
        _contents,
    ),
    st.builds(lambda name, content: {"role": "tool", "tool_call_id": name, "content": content}, _ids, _contents),
    st.builds(
        lambda content, calls, refusal: {
            "role": "assistant",
            "content": content,
            "tool_calls": calls,
            "refusal": refusal,
        },
        st.one_of(_texts, st.lists(st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=3)))),
        st.one_of(st.none(), st.lists(_calls, max_size=3)),
        _texts,
    ),
)


@given(st.lists(_messages, max_size=6), st.sampled_from([THINKS, NO_RULES]))
def test_any_conversation_has_a_form(messages, rules):
    """Nothing raises, everything is in the API's form, and each result has the id that its call has."""
    found = sent(*messages, rules=rules)
    assert found
    for item in found:
        check_item(item)
    told = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert [item["call_id"] for item in found if item["type"].endswith("_output")] == [wire_id(name) for name in told]
    made = [call["id"] for message in messages for call in message.get("tool_calls") or []]
    assert [item["call_id"] for item in found if item["type"].endswith("_call")] == [wire_id(name) for name in made]
