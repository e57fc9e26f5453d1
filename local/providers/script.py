"""A conversation that words in the prompt lead: which tool an agent's model calls with which arguments, turn by turn.

`[[call=Write {"file_path": "a.txt", "content": "x"}]]` is a call, several are calls one after the other, and after the
last one's result the model answers in words. The last message of the user that has such a directive counts, whatever
a client puts after it; how many turns have called tools since then tells which call is next. Any wire takes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from local.providers.model import Refused, Script, Step, Tool

_OPENING = re.compile(r"\[\[call=([\w.-]+)\s*")
_CLOSING = "]]"
_BESIDE = ("system", "developer")
"""Who may speak between two messages of the user."""


def script_of(turns: Iterable[tuple[str, str, bool]]) -> Script:
    """Of each message in its order: its role, its text, and whether the model called a tool in it. Raises Refused.

    Without a script, what the user said since the model's last turn may have directives in any of its messages.
    """
    text, asked, taken = "", "", 0
    for role, said, called in turns:
        if role != "user":
            asked = asked if role in _BESIDE else ""
            taken += called
        elif _OPENING.search(said):
            text, asked, taken = said, "", 0
        elif "[[" in said:
            asked = said
    return Script(asked or text, next((step for at, step in enumerate(_steps(text)) if at == taken), None))


def _steps(text: str) -> Iterator[Step]:
    for opening in _OPENING.finditer(text):
        yield Step(opening[1], _arguments(text[opening.end() :]))


def _arguments(rest: str) -> str:
    """A JSON object as it is written, or the free text of a custom tool."""
    if not rest.startswith("{"):
        return rest.partition(_CLOSING)[0].strip()
    try:
        _, end = json.JSONDecoder().raw_decode(rest)
    except ValueError as error:
        raise Refused(f"simulator directive: the arguments of a call are not JSON: {error}") from None
    return rest[:end]


def tool_for(step: Step, tools: Iterable[Tool]) -> Tool | None:
    """The tool that a step names: in full, or without the namespace or prefix of the server that it comes from."""
    found = [tool for tool in tools if step.name in (tool.name, f"{tool.namespace}.{tool.name}")]
    found += [tool for tool in tools if tool.name.endswith(f"__{step.name}")]
    return found[0] if found else None
