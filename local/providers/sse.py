"""The forms that the standard allows a stream of events to take, and that proxies and servers use.

Source: WHATWG HTML, 9.2.6 "Interpreting an event stream" (2026-11-29,
https://html.spec.whatwg.org/multipage/server-sent-events.html): lines end in LF, CR or CRLF, a BOM is dropped, data
lines are joined by newlines, an event without data is none, and lines that begin with a colon are comments.
"""

from __future__ import annotations

import json
from collections.abc import Collection

_BEFORE = {
    "empty": "data:\n\n",
    "blank": "data: \n\n",
    "ping": "event: ping\ndata: {}\n\n",
    "comments": ": a comment between events\n\n",
}
"""What goes before each event."""
_WITHIN = {"comments": ": a comment within an event\n", "ids": "id: 1\nretry: 1000\n"}
_LINE_ENDS = {"cr": "\r", "crlf": "\r\n"}
FORMS = ("bom", "multiline", "nospace", *_BEFORE, "ids", *_LINE_ENDS)
"""Every form by name; they combine."""
_BOM = "\ufeff"


def formed(event: bytes, forms: Collection[str], *, first: bool) -> bytes:
    """One whole event in the forms that are asked for; as it came where none is. `first` tells the stream's first."""
    if not forms:
        return event
    text = event.decode().replace("\r\n", "\n")
    text = "".join(_BEFORE[form] for form in _BEFORE if form in forms) + _within(text, forms)
    for form, line_end in _LINE_ENDS.items():
        text = text.replace("\n", line_end) if form in forms else text
    return ((_BOM if first and "bom" in forms else "") + text).encode()


def _within(text: str, forms: Collection[str]) -> str:
    lines = text.split("\n")
    if "multiline" in forms:
        lines = [part for line in lines for part in _spread(line)]
    if "nospace" in forms:
        lines = [line.replace(": ", ":", 1) for line in lines]
    return "".join(_WITHIN[form] for form in _WITHIN if form in forms) + "\n".join(lines)


def _spread(line: str) -> list[str]:
    """A line of JSON data as several, which joined by newlines are the same JSON."""
    name, _, value = line.partition(": ")
    if name != "data" or not value.startswith("{"):
        return [line]
    spread = json.dumps(json.loads(value), indent=1, ensure_ascii=False)
    return [f"data: {part}" for part in spread.split("\n")]
