"""Tools as other wires know them: functions alone, each by one name; and back to what the caller had declared.

OpenAI groups tools into namespaces, and has custom tools, whose input is a text of any form. Elsewhere a tool in a
namespace is called by both names together, and a custom tool is a function with one argument.
Docs: https://platform.openai.com/docs/guides/function-calling, "Namespaces" and "Custom tools".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping

LONGEST = 64
INPUT = "input"
"""The argument of a custom tool."""
_ODD = re.compile(r"[^A-Za-z0-9_-]")
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Declared:
    """A tool as the caller declared it: its name, its namespace or an empty one, and whether it is a custom one."""

    name: str
    namespace: str = ""
    custom: bool = False


class ToolNames:
    """The names of a request's tools, each once: what they are called elsewhere, and whom a name there stands for."""

    def __init__(self, tools: Iterable[Json]) -> None:
        self._declared: dict[str, Declared] = {}
        self._names: dict[tuple[str, str], str] = {}
        found = [one for tool in tools for one in _declared(tool)]
        for one in sorted(found, key=lambda one: bool(one.namespace)):  # who needs no other name keeps his
            self._add(one)

    def _add(self, one: Declared) -> None:
        plain = flat_name(one.name, one.namespace)
        name = plain if plain not in self._declared else _hashed(one.name, one.namespace)
        self._declared[name] = one
        self._names[one.namespace, one.name] = name

    def name(self, name: str, namespace: str = "") -> str:
        """What a tool is called elsewhere, also one of which only the history knows."""
        return self._names.get((namespace, name)) or flat_name(name, namespace)

    def within(self, namespace: str) -> list[str]:
        """The names of all tools in a namespace."""
        return [name for (where, _), name in self._names.items() if where == namespace]

    def declared(self, name: str) -> Declared:
        """The tool that a model has called; one that nobody declared is a function of that name."""
        return self._declared.get(name) or Declared(name)


def flat_name(name: str, namespace: str = "") -> str:
    """Both names in one that every provider takes, always the same for the same two."""
    whole = f"{namespace}__{name}" if namespace else name
    fitting = len(whole) <= LONGEST and not _ODD.search(whole)
    return whole if fitting else _hashed(name, namespace)


def arguments_of(text: str) -> str:
    """The input of a custom tool as the arguments of a function."""
    return json.dumps({INPUT: text}, ensure_ascii=False)


def input_in(arguments: str) -> str:
    """The input of a custom tool in the arguments of a function; whatever they are where they are no such object."""
    try:
        said = mapping(json.loads(arguments)).get(INPUT)
    except (ValueError, RecursionError):
        return arguments
    return said if isinstance(said, str) else arguments


def _declared(tool: Json) -> Iterator[Declared]:
    match tool.get("type"):
        case "function" | "custom" as kind:
            yield Declared(str(tool.get("name")), custom=kind == "custom")
        case "namespace":
            for inner in map(mapping, items(tool.get("tools"))):
                yield Declared(str(inner.get("name")), str(tool.get("name")), custom=inner.get("type") == "custom")


def _hashed(name: str, namespace: str) -> str:
    whole = _ODD.sub("_", f"{namespace}__{name}" if namespace else name)
    digest = hashlib.sha256(f"{namespace}\0{name}".encode()).hexdigest()[:_DIGITS]
    return f"{whole[: LONGEST - _DIGITS - 1]}_{digest}"
