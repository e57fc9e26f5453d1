"""Cases about tools and formats."""

from __future__ import annotations

from tests.wires.answers import Told
from tests.wires.case import (
    CITY,
    PING,
    WEATHER,
    Case,
    always,
    answer_by,
    answered,
    called,
    every,
    in_order,
    is_held_to,
    object_of,
    offers,
    row,
    system,
    takes,
    tool,
    user,
)

NESTED = object_of(
    ("when", "guests"),
    when=object_of(date={"type": "string"}, hour={"type": "integer"}),
    guests={"type": "array", "items": object_of(name={"type": "string"}, kind={"type": "string", "enum": ["a", "b"]})},
    note={"type": "string", "description": "Whatever."},
)
ODD = object_of(
    letter={"enum": ["a", "b"]},
    day={"type": "string", "format": "date"},
    fixed={"const": "z"},
    number={"type": "integer", "enum": [1, 2]},
    maybe={"type": ["string", "null"], "enum": ["a", None]},
    either={"oneOf": [{"type": "string"}, {"type": "integer"}]},
    any={"type": "array", "items": True},
)
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node", "description": "The top."}},
    "required": ["root"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "sons": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["name", "sons"],
            "additionalProperties": False,
        }
    },
}
UNION = {
    "type": "object",
    "oneOf": [object_of(a={"type": "string"}), object_of(b={"type": "integer"})],
}
CLOSED = {**object_of(city={"type": "string"}, degrees={"type": "number"}), "additionalProperties": False}
OPEN = {"type": "object", "properties": {}, "additionalProperties": {"type": "number"}}
LIMITED = {**object_of(n={"type": "integer", "minimum": 1, "maximum": 5}), "additionalProperties": False}
GRAMMAR = {"type": "custom", "custom": {"name": "run", "description": "Runs code."}}
LEGACY = {"name": "weather", "parameters": CITY}


def _allowed(mode: str) -> dict[str, object]:
    named = {"type": "function", "function": {"name": "ping"}}
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [named]}}


def _is_filtered(told: Told) -> bool:
    return (told.error or {}).get("code") == "content_filtered"


TOOLS: tuple[Case, ...] = (
    row("tool", "A tool, not called", "hello", takes("weather", CITY), heard=answered(), tools=[WEATHER]),
    row(
        "tool-called",
        "A call",
        "[[tool]]",
        offers("weather"),
        heard=called(("weather", '{"city"')),
        tools=[WEATHER],
    ),
    row(
        "tools-parallel",
        "Two calls at once",
        "[[tool=weather,ping]]",
        offers("weather", "ping"),
        heard=called(("weather", '{"city"'), ("ping", "{}")),
        tools=[WEATHER, PING],
    ),
    row(
        "tools-serial",
        "`parallel_tool_calls: false`",
        "hello",
        lambda sent: (
            sent.options.get("parallel_tool_calls") is False
            or (sent.options.get("tool_choice") or {}).get("disable_parallel_tool_use") is True
        ),
        fields="parallel_tool_calls",
        tools=[WEATHER, PING],
        parallel_tool_calls=False,
    ),
    row(
        "tool-forced",
        "`tool_choice: required`",
        "hello",
        lambda sent: sent.choice == "required",
        heard=called(("weather", '{"city"')),
        tools=[WEATHER, PING],
        tool_choice="required",
    ),
    row(
        "tool-named",
        "`tool_choice` of one tool",
        "hello",
        lambda sent: sent.choice == "ping",
        heard=called(("ping", "{}")),
        tools=[WEATHER, PING],
        tool_choice={"type": "function", "function": {"name": "ping"}},
    ),
    row(
        "tool-never",
        "`tool_choice: none`",
        "hello",
        lambda sent: sent.choice == "none" or not sent.tools,
        heard=answered(),
        tools=[WEATHER],
        tool_choice="none",
    ),
    row(
        "tool-forced-thinking",
        "`tool_choice: required` while thinking",
        "hello",
        every(lambda sent: sent.choice == "required", lambda sent: sent.wire not in ("anthropic", "deepseek")),
        heard=called(("weather", '{"city"')),
        fields="reasoning_effort tool_choice",
        tools=[WEATHER],
        tool_choice="required",
        reasoning_effort="medium",
    ),
    row(
        "tool-named-thinking",
        "`tool_choice` of one tool while thinking",
        "hello",
        every(lambda sent: sent.choice == "ping", lambda sent: sent.wire not in ("anthropic", "deepseek")),
        heard=called(("ping", "{}")),
        fields="reasoning_effort tool_choice",
        tools=[WEATHER, PING],
        tool_choice={"type": "function", "function": {"name": "ping"}},
        reasoning_effort="medium",
    ),
    row(
        "tool-choice-alone",
        "`tool_choice: auto` and `parallel_tool_calls` without tools",
        "hello",
        in_order("hello"),
        heard=answered(),
        tool_choice="auto",
        parallel_tool_calls=True,
    ),
    row(
        "tool-allowed",
        "`allowed_tools`",
        "[[tool=weather,ping]]",
        lambda sent: offers("ping")(sent) or "allowed" in str(sent.body).lower(),
        heard=lambda told: {call.name for call in told.calls} <= {"ping"},
        tools=[WEATHER, PING],
        tool_choice=_allowed("auto"),
    ),
    row(
        "tool-custom",
        "A custom tool",
        "[[tool]]",
        offers("run"),
        heard=called(("run", "print")),
        tools=[GRAMMAR],
    ),
    row(
        "tool-no-arguments",
        "A call without arguments",
        "[[tool]] [[no_args]]",
        offers("ping"),
        heard=called(("ping", "{}")),
        tools=[PING],
    ),
    row(
        "tool-done-only",
        "Arguments that come with the event of their end",
        "[[tool]] [[done_only]]",
        offers("weather"),
        heard=called(("weather", '{"city"')),
        tools=[WEATHER],
        columns="openai_responses",
    ),
    row(
        "tool-no-parameters",
        "A tool without parameters",
        "[[tool]]",
        offers("ping"),
        heard=called(("ping", "{}")),
        tools=[tool("ping")],
    ),
    row("tool-nested", "A nested schema", "hello", takes("book", NESTED), tools=[tool("book", NESTED)]),
    row(
        "tool-odd",
        "`enum` and `const` without a type, `oneOf`, types in a list, `items: true`, formats",
        "hello",
        takes("odd", ODD),
        tools=[tool("odd", ODD)],
    ),
    row(
        "tool-recursive",
        "A recursive schema, `$ref` described",
        "hello",
        takes("grow", TREE),
        tools=[tool("grow", TREE)],
    ),
    row(
        "tool-union",
        "Alternatives at a schema's root",
        "hello",
        lambda sent: takes("pick", UNION)(sent) or {"a", "b"} <= sent.tools["pick"].get("properties", {}).keys(),
        fields="tools",
        tools=[tool("pick", UNION)],
    ),
    row(
        "tool-strict",
        "`strict` of a tool",
        "hello",
        lambda sent: "VALIDATED" in str(sent.body) or "'strict': True" in str(sent.body),
        fields="strict tools",
        tools=[tool("look", CLOSED, strict=True)],
    ),
    row(
        "functions",
        "The deprecated `functions`",
        "hello",
        lambda sent: bool(sent.options.get("functions")),
        functions=[LEGACY],
    ),
)

FORMATS: tuple[Case, ...] = (
    row(
        "json-mode",
        "`json_object`",
        "give json",
        lambda sent: sent.makes_json,
        heard=answered(part="{"),
        response_format={"type": "json_object"},
    ),
    row(
        "json-mode-unnamed",
        "`json_object`, and no message says JSON",
        [system("Be brief."), user("hello")],
        lambda sent: sent.makes_json,
        heard=answered(part="{"),
        response_format={"type": "json_object"},
    ),
    row(
        "json-mode-tools",
        "`json_object` with a tool that is called",
        "[[tool]] give json",
        every(lambda sent: "weather" in sent.tools, lambda sent: sent.makes_json or sent.choice == "required"),
        heard=called(("weather", '{"city"')),
        fields="response_format",
        response_format={"type": "json_object"},
        tools=[WEATHER],
    ),
    row(
        "json-schema",
        "`json_schema`",
        "the weather",
        is_held_to(CLOSED),
        heard=answered(part='"degrees"'),
        response_format=answer_by(CLOSED),
    ),
    row(
        "json-schema-tools",
        "`json_schema` with a tool that is called",
        "[[tool]] the weather",
        every(offers("weather"), is_held_to(CLOSED)),
        heard=called(("weather", '{"city"')),
        response_format=answer_by(CLOSED),
        tools=[WEATHER],
    ),
    row(
        "json-schema-recursive",
        "A recursive `json_schema`",
        "a tree",
        is_held_to(TREE),
        heard=answered(part='"root"'),
        response_format=answer_by(TREE),
    ),
    row(
        "json-schema-open",
        "A `json_schema` of an object with any names",
        "a dictionary",
        is_held_to(OPEN),
        heard=answered(part="{"),
        response_format=answer_by(OPEN, strict=False),
    ),
    row(
        "json-schema-limits",
        "A `json_schema` with limits (`minimum`)",
        "a number",
        lambda sent: is_held_to(LIMITED)(sent) or ("1" in str(sent.schema) and "5" in str(sent.schema)),
        heard=answered(part='"n"'),
        response_format=answer_by(LIMITED),
        fields="response_format",
    ),
    row("text-format", "`text`", "hello", in_order("hello"), heard=answered(), response_format={"type": "text"}),
)

ANSWERS: tuple[Case, ...] = (
    row(
        "refusal",
        "A refusal",
        "[[refusal=I must not.]]",
        always,
        heard=lambda told: "I must not." in (told.refusal, told.text) or _is_filtered(told),
    ),
    row(
        "length",
        "An answer that the limit ends",
        "[[words=60]]",
        always,
        heard=lambda told: told.finish == "length" and bool(told.text),
        max_tokens=20,
    ),
    row(
        "length-thinking",
        "A limit that thinking uses up",
        "[[reasoning=200]]",
        always,
        heard=lambda told: told.finish == "length" and not told.text,
        max_tokens=20,
    ),
    row(
        "filter",
        "An answer that a filter ends",
        "[[refuse]]",
        always,
        heard=_is_filtered,
    ),
    row("empty", "An empty answer", "[[say=]]", always, heard=lambda told: told.finish == "stop" and not told.text),
    row(
        "pause",
        "The stop reason `pause_turn`",
        "[[pause_turn]]",
        always,
        heard=answered(),
        columns="anthropic",
    ),
    row(
        "redacted",
        "Redacted thinking",
        "[[redacted]]",
        always,
        heard=answered(),
        reasoning_effort="medium",
        columns="anthropic",
    ),
    row(
        "parts",
        "Content as a list of parts",
        "[[parts]] hello",
        always,
        heard=answered(part="heard: hello"),
        columns="openai_chat deepseek",
    ),
    row(
        "no-usage",
        "An answer without usage",
        "[[no_usage]] hello",
        always,
        heard=lambda told: told.finish == "stop" and "hello" in told.text,
    ),
    row(
        "thoughts",
        "Visible thinking",
        "[[reasoning=5]] hello",
        always,
        heard=lambda told: told.text.endswith("heard: hello"),
        reasoning_effort="high",
    ),
    *(
        row(f"sse-{form}", f"A stream with {words}", f"[[sse={form}]] hello", always, heard=answered(part="hello"))
        for form, words in (
            ("empty", "`data:` alone"),
            ("blank", "empty data"),
            ("ping", "events `ping` without content"),
            ("comments", "comments"),
            ("ids", "`id:` and `retry:` lines"),
            ("multiline", "an event over several lines"),
            ("nospace", "no space after the colon"),
            ("bom", "a byte order mark"),
            ("cr", "CR line ends"),
            ("crlf", "CRLF line ends"),
        )
    ),
)
