"""docs/examples.md: each example as a command, with what a gateway answered."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from scripts.openapi.operation import Example, Operation

URL, KEY = "http://127.0.0.1:8787", "gk_dev_local"
MOST_LINES, MOST_COLUMNS = 60, 400
HEAD = """# Examples

A request and a real answer for every route, of `GATEWAY_DEV_KEY=gk_dev_local make run` with its simulated providers. CI
asks them again, and compares. Long answers are cut at `...`. The tools of MCP are in [MCP](mcp.md), all fields in [the
API](api.md) and in the [OpenAPI document](../layers/gateway_core/src/gateway_core/data/openapi.json).
"""


def page(operations: Sequence[Operation], recorded: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """The page as it is kept."""
    parts = [HEAD]
    for operation in operations:
        if operation.examples:
            parts += [f"## `{operation.method} {operation.path}`\n", f"{operation.summary}.\n"]
            parts += [
                _shown(operation, example, recorded[operation.id][example.name]) for example in operation.examples
            ]
    return "\n".join(parts)


def _shown(operation: Operation, example: Example, answer: Mapping[str, Any]) -> str:
    said, form = answer["answer"], "text"
    if answer["type"] == "application/json":
        said, form = json.dumps(said, indent=2, ensure_ascii=False), "json"
    lines = [line if len(line) <= MOST_COLUMNS else f"{line[:MOST_COLUMNS]}..." for line in said.rstrip().splitlines()]
    if len(lines) > MOST_LINES:
        lines, form = [*lines[:MOST_LINES], "..."], "text"
    return f"{example.summary}:\n\n```sh\n{_command(operation, example)}\n```\n\n```{form}\n{'\n'.join(lines)}\n```\n"


def _command(operation: Operation, example: Example) -> str:
    path = operation.path.format(
        **{name: value.upper().strip("{}") if value.startswith("{") else value for name, value in example.path.items()}
    )
    query = f"?{urlencode(example.query)}" if example.query else ""
    headers = {"authorization": f"Bearer {KEY}"} if example.with_key and not operation.is_open else {}
    said = {**headers, **example.headers}
    parts = [f"curl {shlex.quote(URL + path + query)}", *(f"-H '{name}: {value}'" for name, value in said.items())]
    if operation.method not in ("GET", "POST"):
        parts.append(f"-X {operation.method}")
    if example.body is not None:
        parts.append(f"-d {shlex.quote(json.dumps(example.body))}")
    return " \\\n  ".join(parts)
