"""What scripts/smoke.sh leaves to Python: bodies, JSON and headers. Standard library only.

It runs on whatever python3 the machine has, 3.10 or newer. Answers are read from stdin.

    body KIND             the JSON body of a request, about SMOKE_GROUP, SMOKE_MODEL and SMOKE_PROMPT of the environment
    get PATH              a value of a JSON document, such as error.code or data.0.id; an MCP answer may be an event
    check PATH VALUE ...  the first path that has not its value (`?` is any), in words; exits with 1 if there is one
    explain STATUS        one line about an answer that was not hoped for, without the key (SMOKE_KEY)
    headers NAME ...      one line about which of these came, and under which name; exits with 1 if one is missing that
                          has no `?` behind it
    burst NUMBER          one line about answers to so many requests; exits with 1 if one was refused in another way
                          than throttling does
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

AGENT = "smoke"
FEW_TOKENS = 24
MANY_TOKENS = 400
SHOWN = 200
REMAPPED = "x-amzn-Remapped-"
THROTTLED = ("429", "503")
REFUSED = (
    "error.code",
    "?",
    "error.message",
    "?",
    "error.type",
    "?",
    "error.request_id",
    "?",
    "error.retryable",
    "true",
)
"""The gateway's shape of an error that goes away, as pairs for `unlike`."""


# Bodies.


def body(kind: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The request of one check; `kind` is complete, ask, stream, chat, mcp_initialize, mcp_list or mcp_call."""
    model, group = environ.get("SMOKE_MODEL", ""), environ.get("SMOKE_GROUP", "fast")
    whom = {"model": model} if model else {"model_group": group}
    short = {**whom, "messages": _says("Reply with the word pong."), "max_tokens": FEW_TOKENS, "agent_id": AGENT}
    long = {"messages": _says(environ.get("SMOKE_PROMPT", "")), "max_tokens": MANY_TOKENS}
    about_client = {"name": "smoke", "version": "1"}
    made: dict[str, dict[str, Any]] = {
        "complete": short,
        "ask": {
            "questions": [
                {
                    "index": 1,
                    "question": "Reply with the word pong.",
                    "model": model or group,
                    "temperature": None,
                    "max_tokens": FEW_TOKENS,
                    "cache": False,
                }
            ],
            "agent_id": AGENT,
        },
        "stream": {**whom, **long, "agent_id": AGENT},
        "chat": {
            **long,
            "model": model or group,
            "stream": True,
            "stream_options": {"include_usage": True},
            "metadata": {"agent_id": AGENT},
        },
        "mcp_initialize": _rpc(
            "initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": about_client}
        ),
        "mcp_list": _rpc("tools/list", {}),
        "mcp_call": _rpc("tools/call", {"name": "complete", "arguments": short}),
    }
    return made[kind]


def _says(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def _rpc(method: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


# Answers.


def get(text: str, path: str) -> Any:
    """The value at a dotted path; `#` gives the length of what it follows. None where there is none."""
    value = parse(text)
    for step in path.split("."):
        if step == "#":
            return len(value) if isinstance(value, (list, dict)) else None
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def parse(text: str) -> Any:
    """JSON, or the last event whose data is JSON with a result, as an MCP server may answer; None for anything else."""
    try:
        return json.loads(text)
    except ValueError:
        pass
    for line in reversed(text.splitlines()):
        if line.startswith("data:"):
            try:
                return json.loads(line[len("data:") :])
            except ValueError:
                continue
    return None


def unlike(text: str, expected: Sequence[str]) -> str:
    """The first of the pairs (path, value, path, value, ...) that the document breaks, in words; "" if none."""
    for path, value in zip(expected[::2], expected[1::2], strict=True):
        found = get(text, path)
        shown = found if isinstance(found, str) else json.dumps(found)
        if found is None or value not in {"?", shown}:
            wanted = "" if value == "?" else f" instead of {value}"
            return f"{path} is {'missing' if found is None else shown[:40]}{wanted}"
    return ""


def explain(status: str, text: str, key: str) -> str:
    """Status, code and message of an error, on one line, with the key blotted out should anybody have quoted it."""
    code, message = get(text, "error.code"), get(text, "error.message")
    said = f"HTTP {status}, {code}: {message}" if code else f"HTTP {status}, {len(text)} characters that are no error"
    said = " ".join(said.split())
    return (said.replace(key, "***") if key else said)[:SHOWN]


# Headers.


def told_headers(text: str, wanted: Sequence[str]) -> tuple[str, bool]:
    """Under which name each header came, in words, and whether all did; `?` behind a name lets it be away.

    API Gateway renames some that a function answers with.
    """
    came = _headers(text)
    told, complete = [], True
    for name in wanted:
        plain = name.rstrip("?")
        found = next((one for one in (plain, REMAPPED + plain) if one.lower() in came), None)
        told.append(f"no {plain}" if found is None else plain if found == plain else f"{plain} as {found}")
        complete = complete and (found is not None or plain != name)
    return ", ".join(told), complete


def _headers(text: str) -> dict[str, str]:
    """Of the last answer in what curl writes; there are several where a proxy or `100 Continue` came before."""
    *_, last = ["", *(block for block in re.split(r"\r?\n\r?\n", text) if block.strip())]
    fields = (line.partition(":") for line in last.splitlines()[1:])
    return {name.strip().lower(): value.strip() for name, colon, value in fields if colon}


# Many requests at once.


def refusals(lines: Iterable[str], sent: int, read: Callable[[str], str]) -> tuple[str, bool]:
    """How many were served and refused, and whether each refusal was told to come back in the gateway's shape.

    429 is API Gateway's, or a limit of the key; 503 comes where Lambda throttles: no environment is left. Each line has
    status, Retry-After and the file of the body, with tabs between them.
    """
    answers = [line.rstrip("\n").split("\t") for line in lines]
    served = sum(status == "200" for status, _, _ in answers)
    refused = Counter(status for status, after, _ in answers if status in THROTTLED and after[:1].isdigit())
    wrong = Counter(_told_wrong(status, after, read(path)) for status, after, path in answers if status != "200")
    wrong[""] = 0
    by_status = ", ".join(f"{number} by {status}" for status, number in sorted(refused.items()))
    told = f"{served} of {sent} were served, {refused.total()} told to come back" + (
        f" ({by_status})" if by_status else ""
    )
    faults = [f"{number} {what}" for what, number in sorted(wrong.items()) if number]
    if missing := sent - len(answers):
        faults.append(f"{missing} got no answer")
    return "; ".join([told, *faults]), not faults


def _told_wrong(status: str, after: str, text: str) -> str:
    """What is wrong with a refusal; "" if nothing is."""
    if status not in THROTTLED:
        return f"got {status}"
    if not after[:1].isdigit():
        return f"got {status} without Retry-After"
    return "" if not unlike(text, REFUSED) else f"got {status} in another shape: {unlike(text, REFUSED)}"


def _judged(command: str, arguments: Sequence[str], text: str) -> tuple[str, bool]:
    if command == "headers":
        return told_headers(text, arguments)
    return refusals(text.splitlines(), int(arguments[0]), _body_in)


def _body_in(path: str) -> str:
    """What curl has written, which is nothing for an empty body."""
    return Path(path).read_text("utf-8", "replace") if Path(path).is_file() else ""


def main(arguments: Sequence[str]) -> int:
    """One command; see above."""
    command, value = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if command == "body":
        print(json.dumps(body(value, os.environ)))
        return 0
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if command == "explain":
        print(explain(value, text, os.environ.get("SMOKE_KEY", "")))
        return 0
    if command == "check":
        wrong = unlike(text, arguments[1:])
        print(wrong)
        return 1 if wrong else 0
    if command in {"headers", "burst"}:
        told, right = _judged(command, arguments[1:], text)
        print(told)
        return 0 if right else 1
    found = get(text, value)
    print("" if found is None else found if isinstance(found, str) else json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
