"""Run a handler on events, in a process of its own as Lambda does: FOLDER.MODULE, then JSON events on stdin."""

import importlib
import json
import sys
from types import SimpleNamespace

CONTEXT = SimpleNamespace(
    get_remaining_time_in_millis=lambda: 29_000,
    aws_request_id="11111111-2222-3333-4444-555555555555",
    function_name="test",
)


def answers(function, events):
    """What the handler answers to each event."""
    handler = importlib.import_module(f"functions.{function}").handler
    return [handler(event, CONTEXT) for event in events]


if __name__ == "__main__":
    told = answers(sys.argv[1], map(json.loads, sys.stdin))
    loaded = {"litellm", "openai", "boto3"} & sys.modules.keys()
    print(json.dumps({"answers": told, "loaded": sorted(loaded)}))  # noqa: T201 - the parent reads it
