"""Cases that only OpenAI's Responses has: its items, its tools, what it says beside them."""

from __future__ import annotations

from typing import Any

from tests.wires.answers import Told
from tests.wires.case import (
    CITY,
    PNG,
    Case,
    Heard,
    Probe,
    always,
    answered,
    every,
    has,
    in_order,
    says_something,
)
from tests.wires.reading import Sent

PING = {"type": "function", "name": "ping", "parameters": {"type": "object", "properties": {}}, "strict": False}
WEATHER = {"type": "function", "name": "weather", "parameters": CITY, "strict": False}
SPACE = {"type": "namespace", "name": "mcp__gw", "description": "Tools of a server.", "tools": [PING]}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": 'start: "a"'}
CUSTOM = {"type": "custom", "name": "run", "description": "Runs code."}
IMAGE = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
FOREIGN = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}


def item(
    id_: str,
    title: str,
    given: Any,
    sent: Probe = always,
    *,
    heard: Heard = says_something,
    fields: str = "",
    columns: str = "",
    turns: int = 0,
    **options: Any,
) -> Case:
    """A case: `given` are the items, or what the user says."""
    items = given if isinstance(given, list) else [{"role": "user", "content": given}]
    body = {"input": items, **options}
    return Case(id_, title, body, sent, heard, frozenset(fields.split()), frozenset(columns.split()), turns)


def _call(name: str, call_id: str = "c1", **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}", **more}


def _output(output: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _offers(here: str, elsewhere: str) -> Probe:
    """Whether a tool is offered, forwarded by its name on this wire or translated by the one that it has on others."""
    return lambda sent: [name for name in sent.tools if name in (here, elsewhere)] != []


def _calls(*names: str) -> Heard:
    return lambda told: told.finish == "tool_calls" and [call.name for call in told.calls] == list(names)


def _called(here: str, elsewhere: str) -> Probe:
    return lambda sent: [one[0] for one in sent.values("call")] in ([here], [elsewhere])


def _shows_thoughts(told: Told) -> bool:
    return bool(told.reasoning) and told.text.endswith("heard: hello")


def _has_sealed(sent: Sent) -> bool:
    """Whether reasoning goes back as the wire has it."""
    return sent.wire != "responses" or all(isinstance(one, str) for one in sent.values("thought"))


ITEMS: tuple[Case, ...] = (
    item("instructions", "`instructions`", "hello", in_order("Be brief.", "hello"), instructions="Be brief."),
    item("text-input", "`input` as a text", "hello", in_order("hello"), heard=answered()),
    item(
        "space",
        "A tool in a namespace, called",
        "[[tool]]",
        _offers("mcp__gw", "mcp__gw__ping"),
        heard=_calls("mcp__gw/ping"),
        tools=[SPACE],
    ),
    item(
        "space-history",
        "A call of a tool in a namespace in the history",
        [_user("hi"), _call("ping", namespace="mcp__gw"), _output("pong"), _user("go on")],
        every(_called("ping", "mcp__gw__ping"), has("result", "pong")),
        tools=[SPACE],
    ),
    item(
        "custom",
        "A custom tool, called",
        "[[tool]]",
        lambda sent: "run" in sent.tools,
        heard=_calls("run"),
        tools=[CUSTOM],
    ),
    item(
        "custom-grammar",
        "A custom tool with a grammar",
        "hello",
        lambda sent: "run" in sent.tools and 'start: \\"a\\"' in str(sent.body).replace('"', '\\"'),
        heard=answered(),
        tools=[{**CUSTOM, "format": GRAMMAR}],
    ),
    item(
        "custom-history",
        "A call of a custom tool in the history",
        [
            _user("hi"),
            {"type": "custom_tool_call", "call_id": "c1", "name": "run", "input": "ls"},
            {"type": "custom_tool_call_output", "call_id": "c1", "output": "a.txt"},
        ],
        every(lambda sent: "ls" in str(sent.values("call")), has("result", "a.txt")),
        tools=[CUSTOM],
    ),
    item(
        "web-search",
        "`web_search`, beside a function",
        "hello",
        lambda sent: list(sent.tools) == ["ping"] and "web_search" not in str(sent.body),
        heard=lambda told: answered()(told) and "web_search" in told.dropped,
        tools=[{"type": "web_search", "external_web_access": False}, PING],
    ),
    item(
        "web-search-alone",
        "`web_search` alone, with `tool_choice: auto`",
        "hello",
        lambda sent: not sent.tools,
        heard=lambda told: answered()(told) and "web_search" in told.dropped,
        tools=[{"type": "web_search"}],
        tool_choice="auto",
        parallel_tool_calls=True,
    ),
    item(
        "apply-patch",
        "`apply_patch`, which the client runs",
        "hello",
        lambda sent: sent.body["tools"] == [{"type": "apply_patch"}],
        heard=answered(),
        tools=[{"type": "apply_patch"}],
    ),
    item(
        "summary",
        "A summary of the reasoning",
        "[[reasoning=5]] hello",
        heard=_shows_thoughts,
        columns="anthropic deepseek gemini openai_responses",
        reasoning={"effort": "high", "summary": "auto"},
    ),
    item(
        "loop-kept",
        "Three turns with calls, `store` not given",
        "[[tool]] [[reasoning=5]] begin",
        _has_sealed,
        turns=2,
        fields="reasoning.effort",
        tools=[WEATHER],
        reasoning={"effort": "high", "summary": "auto"},
    ),
    item(
        "reasoning-foreign",
        "Reasoning that nobody has sealed in the history",
        [_user("hi"), FOREIGN, _call("ping"), _output("pong")],
        has("result", "pong"),
        tools=[PING],
    ),
    item(
        "result-image",
        "An image in the result of a call",
        [_user("hi"), _call("ping"), _output([{"type": "input_text", "text": "see"}, IMAGE])],
        every(has("image", "image/png"), has("result", "see")),
        tools=[PING],
    ),
    item(
        "turn-mixed",
        "Words between the calls of a turn, results after the user's",
        [
            _user("hi"),
            {"role": "assistant", "content": [{"type": "output_text", "text": "first"}]},
            _call("ping", "c1"),
            {"role": "assistant", "content": [{"type": "output_text", "text": "second"}]},
            _call("ping", "c2"),
            _output("one", "c1"),
            _output("two", "c2"),
            _user("go on"),
        ],
        every(in_order("first"), in_order("second"), has("result", "one", "two"), in_order("go on")),
        tools=[PING],
    ),
    item(
        "store-true",
        "`store: true`",
        "hello",
        lambda sent: not sent.body.get("store"),
        heard=lambda told: answered()(told) and "store" in told.dropped,
        store=True,
    ),
    item(
        "truncation",
        "`truncation: auto`",
        "hello",
        lambda sent: sent.body.get("truncation") == "auto",
        fields="truncation",
        truncation="auto",
    ),
    item(
        "logprobs-here",
        "`top_logprobs`",
        "hello",
        lambda sent: sent.body.get("top_logprobs") == 2,
        fields="top_logprobs",
        top_logprobs=2,
        include=["message.output_text.logprobs"],
    ),
    item(
        "client-metadata",
        "`client_metadata`, as Codex sends it",
        "hello",
        lambda sent: sent.body.get("client_metadata", {"turn_id": "t1"}) == {"turn_id": "t1"},
        heard=answered(),
        client_metadata={"turn_id": "t1"},
    ),
    item(
        "metadata",
        "`metadata` and `user`, which are the gateway's",
        "hello",
        lambda sent: not {"metadata", "user"} & sent.body.keys(),
        heard=answered(),
        metadata={"agent_id": "bot"},
        user="ada",
    ),
)
