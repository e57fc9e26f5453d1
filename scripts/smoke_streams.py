"""When the events of a stream came, for scripts/smoke.sh. Standard library only.

It runs on whatever python3 the machine has, 3.10 or newer. Stamped lines are read from stdin, but by the first.

    stamp COMMAND         runs it; each line that it prints after the time at which it came, in milliseconds
    stream WIRE           one line about the times of `gateway` or `openai` events; exits with 1 if they came in a lump
                          or did not end as they should
    first                 one line about when the first of the answer came, be it an event or a comment that only keeps
                          the line open; exits with 1 if all of it came at once
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

GAP_MS = 15
"""Events closer together than this count as one arrival."""
LEAST_ARRIVALS = 3
LARGEST_SHARE = 0.6
"""Of all events, how many may come in one arrival."""


class Timed(NamedTuple):
    """The lines of one answer: (milliseconds since the request, text)."""

    lines: Sequence[tuple[int, str]]
    first_byte_ms: int


class Stream(NamedTuple):
    """Events of one stream: (milliseconds since the request, name, data). `wrong` says how they break the protocol."""

    events: Sequence[tuple[int, str, str]]
    first_byte_ms: int
    wrong: str

    @property
    def times(self) -> list[int]:
        return [ms for ms, _name, _data in self.events]


def read_times(lines: Iterable[str]) -> Timed | None:
    """Stamped lines (`stamp`), the last of which is curl's own: `curl TTFB_S TOTAL_S`. None without that one."""
    stamped = [line.rstrip("\n").partition(" ") for line in lines]
    if not stamped or not stamped[-1][2].startswith("curl "):
        return None
    ended_ms, _, told = stamped.pop()
    first_byte_s, total_s = (float(number) for number in told.split()[1:3])
    began_ms = float(ended_ms) - total_s * 1000
    timed = [(max(0, round(float(ms) - began_ms)), line) for ms, _, line in stamped]
    return Timed(timed, round(first_byte_s * 1000))


def read_stream(timed: Timed | None, wire: str) -> Stream:
    """The events among the lines."""
    if timed is None:
        return Stream((), 0, "curl told no times")
    events: list[tuple[int, str, str]] = []
    name = ""
    for ms, line in timed.lines:
        field, _, value = line.partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            events.append((ms, name, value.strip()))
            name = ""
    return Stream(events, timed.first_byte_ms, _broken(events, wire))


def first_of(timed: Timed | None) -> tuple[str, bool]:
    """When the first of the answer came and when the last, in words, and whether that was not the same moment."""
    came = [(ms, line) for ms, line in timed.lines if line.strip()] if timed else []
    if not came:
        return "nothing came", False
    (first_ms, first), (last_ms, _) = came[0], came[-1]
    if last_ms - first_ms < GAP_MS:
        return f"all of it came at once, after {first_ms} ms: something on the way holds it back", False
    what = "a heartbeat" if first.startswith(":") else "an event"
    return f"{what} came after {first_ms} ms, the last {last_ms - first_ms} ms later", True


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
    return "" if _member(events[-1][2], "cost", "total_usd") else "its last event tells no cost"


def _told(data: str) -> str:
    return str(_member(data, "error", "code"))


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
    stream = read_stream(read_times(sys.stdin), wire)
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


def _member(data: str, name: str, inner: str) -> Any:
    """Of an object in an object; None where there is none."""
    try:
        return json.loads(data)[name][inner]
    except (ValueError, LookupError, TypeError):
        return None


def main(arguments: Sequence[str]) -> int:
    """One command; see above."""
    command, *rest = arguments
    if command == "stamp":
        return _stamp(rest)
    if command == "stream":
        return _judge(rest[0], every=os.environ.get("SMOKE_VERBOSE") == "1")
    told, is_stream = first_of(read_times(sys.stdin))
    print(told)
    return 0 if is_stream else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
