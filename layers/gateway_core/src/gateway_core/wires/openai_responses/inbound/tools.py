"""A request's tools and its choice among them in the chat form; and which of its tools nobody is told.

Web search is billed by the search, which no hold covers, and Codex offers it with every request: it is left out and
named, at OpenAI too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.inbound.names import INPUT, ToolNames
from gateway_core.wires.shapes import items, mapping

WEB_SEARCH = "web_search"
RUN_BY_CLIENTS = frozenset({"apply_patch", "local_shell", "shell", "tool_search"})
"""Tools that a caller runs, and only OpenAI's models know by their name."""
_OFFERED = frozenset({"function", "custom", "namespace"})


def is_web_search(tool: Json) -> bool:
    """Whether it is any version of the web search."""
    return str(tool.get("type")).startswith(WEB_SEARCH)


def sent_tools(body: Json) -> list[Json]:
    """The tools that OpenAI is told."""
    return [tool for tool in map(mapping, items(body.get("tools"))) if not is_web_search(tool)]


def sent_choice(body: Json) -> Any:
    """The choice among them; None where there is nothing to choose from."""
    if not sent_tools(body):
        return None
    choice = body.get("tool_choice")
    if not isinstance(choice, Mapping) or choice.get("type") != "allowed_tools":
        return choice
    allowed = [tool for tool in items(choice.get("tools")) if not is_web_search(mapping(tool))]
    return {**choice, "tools": allowed}


class FunctionTools:
    """The tools as functions, with the path in the request of each."""

    def __init__(self, body: Json, names: ToolNames) -> None:
        self._names = names
        found = list(self._all(items(body.get("tools"))))
        self.tools = [tool for tool, _ in found]
        self.places = tuple(place for _, place in found)

    def choice(self, choice: Any) -> Any:
        """The choice in the chat form."""
        named = mapping(choice)
        if not named:
            return choice
        if named.get("type") != "allowed_tools":
            found = self._chosen(named)
            return _function(found[0]) if found else "required"
        tools = [_function(name) for tool in items(named.get("tools")) for name in self._chosen(mapping(tool))]
        return {"type": "allowed_tools", "allowed_tools": {"mode": named.get("mode"), "tools": tools}}

    def _chosen(self, tool: Json) -> list[str]:
        """The functions that it stands for: none where only OpenAI's models know the tool."""
        if tool.get("type") == "namespace":
            return self._names.within(str(tool.get("name")))
        if tool.get("type") not in _OFFERED:
            return []
        return [self._names.name(str(tool.get("name")), str(tool.get("namespace") or ""))]

    def _all(self, tools: list[Any]) -> Iterator[tuple[Json, str]]:
        for index, tool in enumerate(map(mapping, tools)):
            if tool.get("type") == "namespace":
                for place, inner in enumerate(map(mapping, items(tool.get("tools")))):
                    yield self._tool(inner, str(tool.get("name"))), f"tools.{index}.tools.{place}"
            elif tool.get("type") in _OFFERED:
                yield self._tool(tool), f"tools.{index}"

    def _tool(self, tool: Json, namespace: str = "") -> Json:
        name = self._names.name(str(tool.get("name")), namespace)
        given = _custom(tool) if tool.get("type") == "custom" else tool
        said = {key: given[key] for key in ("description", "parameters", "strict") if given.get(key) is not None}
        return {"type": "function", "function": {"name": name, **said}}


def _function(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _custom(tool: Json) -> Mapping[str, Any]:
    form = mapping(tool.get("format"))
    grammar = (
        f"It has to match this {form.get('syntax')} grammar:\n{form['definition']}" if "definition" in form else ""
    )
    said = " ".join(filter(None, ("The whole input, as plain text.", grammar)))
    argument = {"type": "string", "description": said}
    schema = {"type": "object", "properties": {INPUT: argument}, "required": [INPUT]}
    return {"description": tool.get("description"), "parameters": schema}


def has_grammar(tools: list[Json]) -> bool:
    """Whether a custom tool has a grammar, which elsewhere is told to the model and not held to."""
    inner = [mapping(one) for tool in tools for one in items(tool.get("tools"))]
    return any(mapping(tool.get("format")).get("type") == "grammar" for tool in [*tools, *inner])
