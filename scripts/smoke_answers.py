"""What scripts/smoke.sh leaves to Python: bodies, JSON, and when the events of a stream came. Standard library only.

It runs on whatever python3 the machine has, 3.10 or newer. Answers are read from stdin.

    body KIND             the JSON body of a request, about SMOKE_GROUP, SMOKE_MODEL and SMOKE_PROMPT of the environment
    get PATH              a value of a JSON document, such as error.code or data.0.id; an MCP answer may be an event
    check PATH VALUE ...  the first path that has not its value (`?` is any), in words; exits with 1 if there is one
    explain STATUS        one line about an answer that was not hoped for, without the key (SMOKE_KEY)
    stamp COMMAND         runs it; each line that it prints after the time at which it came, in milliseconds
    stream WIRE           one line about the times of `gateway` or `openai` events, from stamped lines; exits with 1 if
                          they came in a lump or did not end as they should
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

AGENT = "smoke"
FEW_TOKENS = 24
MANY_TOKENS = 400
GAP_MS = 15
"""Events closer together than this count as one arrival."""
LEAST_ARRIVALS = 3
LARGEST_SHARE = 0.6
"""Of all events, how many may come in one arrival."""
SHOWN = 200


class Stream(NamedTuple):
    """Events of one stream: (milliseconds since the request, name, data). `wrong` says how they break the protocol."""

    events: Sequence[tuple[int, str, str]]
    first_byte_ms: int
    wrong: str

    @property
    def times(self) -> list[int]:
        return [ms for ms, _name, _data in self.events]


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


# Streams.


def read_stream(lines: Iterable[str], wire: str) -> Stream:
    """Stamped lines (`stamp`), the last of which is curl's own: `curl TTFB_S TOTAL_S`."""
    stamped = [line.rstrip("\n").partition(" ") for line in lines]
    if not stamped or not stamped[-1][2].startswith("curl "):
        return Stream((), 0, "curl told no times")
    ended_ms, _, told = stamped.pop()
    first_byte_s, total_s = (float(number) for number in told.split()[1:3])
    began_ms = float(ended_ms) - total_s * 1000
    events: list[tuple[int, str, str]] = []
    name = ""
    for ms, _, line in stamped:
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            events.append((max(0, round(float(ms) - began_ms)), name, value.strip()))
            name = ""
    return Stream(events, round(first_byte_s * 1000), _broken(events, wire))


def _broken(events: Sequence[tuple[int, str, str]], wire: str) -> str:
    if not events:
        return "no events came"
    if wire == "openai":
        return "" if events[-1][2] == "[DONE]" else f"it ended without [DONE]: {_told(events[-1][2])}"
    names = [name for _ms, name, _data in events]
    if names[-1] != "done":
        return f"it ended with '{names[-1]}' instead of 'done': {_told(events[-1][2])}"
    if names[0] != "chunk":
        return f"it began with '{names[0]}' instead of 'chunk'"
    return "" if get(events[-1][2], "cost.total_usd") else "its last event tells no cost"


def _told(data: str) -> str:
    return str(get(data, "error.code"))


def arrivals(times: Sequence[int], gap_ms: int = GAP_MS) -> list[int]:
    """How many events came together, arrival by arrival: a new one begins after a silence of `gap_ms`."""
    sizes: list[int] = []
    last: int | None = None
    for ms in times:
        if last is None or ms - last >= gap_ms:
            sizes.append(0)
        sizes[-1] += 1
        last = ms
    return sizes


def lumped(times: Sequence[int]) -> str:
    """Why these times are not those of a stream that passes events on as they are made; "" if they are."""
    sizes = arrivals(times)
    if len(sizes) < LEAST_ARRIVALS:
        return f"something on the way holds events back: {len(times)} came in {len(sizes)} lump(s)"
    if max(sizes) > LARGEST_SHARE * len(times):
        return f"something on the way holds events back: {max(sizes)} of {len(times)} came in one lump"
    return ""


def summary(stream: Stream) -> str:
    """First byte, first event, and how the rest was spread."""
    times = stream.times
    gaps = [after - before for before, after in pairwise(times)]
    return (
        f"first byte {stream.first_byte_ms} ms, first event {times[0]} ms, {len(times)} events in "
        f"{len(arrivals(times))} arrivals over {times[-1] - times[0]} ms, longest silence {max(gaps, default=0)} ms"
    )


def _judge(wire: str, *, every: bool) -> int:
    stream = read_stream(sys.stdin, wire)
    wrong = stream.wrong or lumped(stream.times)
    about = summary(stream) if stream.events else ""
    print("; ".join(part for part in (wrong, about) if part))
    if every:
        for ms, name, data in stream.events:
            print(f"            {ms:>7} ms  {name or 'data'}  {len(data)} characters")
    return 1 if wrong else 0


def _stamp(command: Sequence[str]) -> int:
    # It starts the command itself: a pipe's reader that starts beside it would be late for the first lines.
    import subprocess  # noqa: PLC0415 - the other commands start sooner without

    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout  # noqa: S101 - for type checkers
        for line in process.stdout:
            now_ms = time.time() * 1000
            sys.stdout.write(f"{now_ms:.1f} {line.decode('utf-8', 'replace')}")
    return process.returncode


def main(arguments: Sequence[str]) -> int:
    """One command; see above."""
    command, value = arguments[0], arguments[1] if len(arguments) > 1 else ""
    if command == "stamp":
        return _stamp(arguments[1:])
    if command == "stream":
        return _judge(value, every=os.environ.get("SMOKE_VERBOSE") == "1")
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
    found = get(text, value)
    print("" if found is None else found if isinstance(found, str) else json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
