"""Requests on Anthropic's wire in the chat form: what every other model is asked."""

import json

import pytest

from gateway_core.domain.prompt import prompt_bound, with_beside
from gateway_core.wires.anthropic.inbound.request import inbound
from gateway_core.wires.anthropic.inbound.words import callers_path

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
SHOWN = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}
FILE = {"file_data": "data:application/pdf;base64,JVBERi0="}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "sig"}
OWN = {"type": "thinking", "thinking": "so", "signature": "llm-gateway"}
SEARCH = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}


def text(said, **more):
    return {"type": "text", "text": said, **more}


def user(*blocks, **more):
    return {"role": "user", "content": list(blocks), **more}


def use(name="f", given=None, call_id="c1", **more):
    return {"type": "tool_use", "id": call_id, "name": name, "input": given or {}, **more}


def result(content=None, call_id="c1", **more):
    return {"type": "tool_result", "tool_use_id": call_id, **({} if content is None else {"content": content}), **more}


def asked(*messages, **more):
    """A request with these messages."""
    return inbound({"model": "m", "max_tokens": 9, "messages": list(messages) or [user(text("q"))], **more}, {})


@pytest.mark.parametrize(
    ("sent", "made"),
    [
        ({"role": "user", "content": "q"}, {"role": "user", "content": "q"}),
        (user(), {"role": "user", "content": ""}),
        (user(text("a"), text("b\n"), text("c")), user(text("a\n\n"), text("b\n"), text("c"))),
        (user(text("a", cache_control=MARK)), user(text("a", cache_control=MARK))),
        (user(PNG), user(SHOWN)),
        (user({"type": "document", "source": PDF}), user({"type": "file", "file": FILE})),
        (
            user({"type": "document", "source": PDF, "title": "T", "context": "C", "cache_control": HOUR}),
            user(text("C"), {"type": "file", "file": {**FILE, "filename": "T"}, "cache_control": HOUR}),
        ),
        (
            user(
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "D"}, "title": "T"}
            ),
            user(text("T\n\n"), text("D")),
        ),
        (
            user({"type": "document", "source": {"type": "content", "content": [text("P"), PNG]}}),
            user(text("P"), SHOWN),
        ),
        (
            user({"type": "document", "source": {"type": "content", "content": "P"}}),
            {"role": "user", "content": "P"},
        ),
        (
            user({"type": "search_result", "source": "u", "title": "t", "content": [text("x"), text("y")]}),
            {"role": "user", "content": "t\nu\nx\ny"},
        ),
        ({"role": "system", "content": "s"}, {"role": "system", "content": "s"}),
        ({"role": "assistant", "content": "a"}, {"role": "assistant", "content": "a"}),
        ({"role": "assistant", "content": []}, {"role": "assistant", "content": ""}),
        (
            {"role": "assistant", "content": [THOUGHT, text("a"), use(given={"q": 1}, cache_control=MARK)]},
            {
                "role": "assistant",
                "content": "a",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"q": 1}'}}],
                "thinking_blocks": [THOUGHT],
                "cache_control": MARK,
            },
        ),
        (
            {"role": "assistant", "content": [OWN, use(caller={"type": "direct"})]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                "reasoning_content": "so",
            },
        ),
    ],
)
def test_messages(sent, made):
    """Each kind of block, in each role."""
    assert asked(sent).messages == (made,)


@pytest.mark.parametrize(
    ("block", "said", "shown"),
    [
        (result(), "", None),
        (result("r"), "r", None),
        (result([text("a"), text("b")]), [text("a\n\n"), text("b")], None),
        (result("r", is_error=True), "Error: r", None),
        (result(is_error=True), "Error: ", None),
        (result([text("r"), PNG]), "r", [text("What the tool call c1 has brought:"), SHOWN]),
        (result([PNG]), "See below.", [text("What the tool call c1 has brought:"), SHOWN]),
    ],
)
def test_results_of_tools(block, said, shown):
    """Errors are told, and pictures shown behind."""
    first, *rest = asked(user(block)).messages
    assert first == {"role": "tool", "tool_call_id": "c1", "content": said}
    assert rest == ([{"role": "user", "content": shown}] if shown else [])


def test_results_come_first_in_a_turn():
    """Though the user spoke before, in several messages; places tell where each came from."""
    found = asked(
        {"role": "assistant", "content": [use(), use("g", call_id="c2")]},
        user(text("wait"), result("1", cache_control=MARK)),
        user(result("2", "c2")),
        {"role": "system", "content": [text("s")]},
        system=[text("x"), text("y", cache_control=MARK)],
    )
    assert [message["role"] for message in found.messages] == ["system", "assistant", "tool", "tool", "user", "system"]
    assert found.places == (-1, 0, 1, 2, 1, 3)
    assert found.messages[2]["cache_control"] == MARK
    assert found.messages[0]["content"] == [text("x\n\n"), text("y", cache_control=MARK)]


@pytest.mark.parametrize(
    ("sent", "params"),
    [
        ({}, {}),
        ({"temperature": 0, "top_p": None, "top_k": 4}, {"temperature": 0, "top_k": 4}),
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"metadata": {"user_id": "u"}}, {"safety_identifier": "u"}),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        (
            {
                "tools": [{"type": "bash_20250124", "name": "bash"}],
                "tool_choice": {"type": "tool", "name": "bash", "disable_parallel_tool_use": True},
            },
            {"parallel_tool_calls": False},
        ),
        (
            {"tool_choice": {"type": "tool", "name": "f"}},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "adaptive"}}),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, {"reasoning_effort": "high"}),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, {"thinking": {"type": "disabled"}}),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}, "output_config": {"effort": "low"}},
            {"thinking": {"type": "enabled", "budget_tokens": 2000}, "reasoning_effort": "low"},
        ),
        (
            {"output_format": {"type": "json_schema", "schema": CLOSED}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": CLOSED, "strict": True},
                }
            },
        ),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": OPEN}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": OPEN, "strict": False},
                }
            },
        ),
        (
            {
                "tools": [
                    {"name": "f", "input_schema": CLOSED, "strict": True, "description": "d", "cache_control": MARK}
                ]
            },
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "parameters": CLOSED, "description": "d", "strict": True},
                        "cache_control": MARK,
                    }
                ]
            },
        ),
        (
            {"tools": [{"type": "custom", "name": "f", "input_schema": OPEN, "strict": True}]},
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": OPEN}}]},
        ),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, {}),
    ],
)
def test_options(sent, params):
    """By the names of the chat form."""
    assert asked(**sent).params == params


@pytest.mark.parametrize(
    ("sent", "unsaid"),
    [
        ({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}, ("context_management",)),
        ({"context_management": {"edits": []}}, ()),
        ({"cache_control": HOUR}, ("cache_control",)),
        ({"output_config": {"task_budget": {"total": 1}}}, ("output_config.task_budget",)),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, ("output_config.effort",)),
        ({"output_format": {"type": "json_schema", "schema": OPEN}}, ("output_config.format",)),
        (
            {"tools": [{"name": "f", "input_schema": OPEN, "strict": True, "defer_loading": True}]},
            ("defer_loading", "strict"),
        ),
        ({"messages": [{"role": "assistant", "content": [THOUGHT, SEARCH]}]}, ("server_tool_use", "thinking_blocks")),
        ({"messages": [{"role": "assistant", "content": [text("a", citations=[{"x": 1}])]}]}, ("citations",)),
        ({"messages": [{"role": "assistant", "content": [OWN]}]}, ()),
        ({"system": "s", "service_tier": "auto", "stop_sequences": []}, ()),
    ],
)
def test_what_others_are_not_told(sent, unsaid):
    """It is named, as no answer changes for it."""
    assert asked(**sent).spoken.unsaid == unsaid


def test_what_only_anthropic_can_be_told():
    """Others are ruled out for it, with the caller's own path."""
    tools = [{"name": "f", "input_schema": OPEN}, {"type": "bash_20250124", "name": "bash"}]
    document = {"type": "document", "source": PDF, "citations": {"enabled": True}}
    found = asked(user(document), tools=tools)
    assert found.spoken.bound == (
        ("messages.0.content.0.citations", "cannot cite its sources (messages.0.content.0.citations)"),
        ("tools.1", "has no tool of the kind bash_20250124 (tools.1)"),
    )
    assert callers_path("tools.1", found) == "tools.1"


def test_what_is_beside_the_chat_form_counts():
    """All that is sent is held for: text and fields, and a cache entry that lasts an hour."""
    tools = [{"name": "f", "input_schema": OPEN, "input_examples": [{"a": "x" * 100}]}]
    found = asked({"role": "assistant", "content": [SEARCH]}, tools=tools, cache_control=HOUR)
    plain = prompt_bound(found.messages, found.params)
    whole = with_beside(plain, found.spoken.beside)
    assert whole.text_tokens - plain.text_tokens >= len(json.dumps(SEARCH)) + 100
    assert (plain.hour_writes, whole.hour_writes) == (False, True)
    assert with_beside(plain, ()) == plain


def test_long_names_of_tools():
    """Others take 64 characters: a digest tells long names apart, and what is called is called by its own."""
    long = ["mcp__" + "x" * 90 + end for end in "ab"]
    tools = [{"name": name, "input_schema": OPEN} for name in (*long, "short")]
    calls = {"role": "assistant", "content": [use(long[0])]}
    found = asked(calls, tools=tools, tool_choice={"type": "tool", "name": long[1]})
    names = [tool["function"]["name"] for tool in found.params["tools"]]
    assert [len(name) for name in names] == [64, 64, 5]
    assert [found.names.back(name) for name in names] == [*long, "short"]
    assert found.messages[0]["tool_calls"][0]["function"]["name"] == names[0]
    assert found.params["tool_choice"]["function"]["name"] == names[1]


def test_headers_go_along():
    """Those of Anthropic's; what is told of them is the provider's affair."""
    body = {"messages": [user(text("q"))]}
    headers = {"anthropic-beta": "a,b", "anthropic-version": "2023-06-01", "x-other": "1"}
    assert dict(inbound(body, headers).spoken.headers) == {"anthropic-beta": "a,b", "anthropic-version": "2023-06-01"}
