"""What an answer on OpenAI's Responses tells."""

from __future__ import annotations

import httpx

from tests.wires.answers import Call, Json, Told, events

_OK = 200


def told_response(answer: httpx.Response) -> Told:
    """Of that route."""
    named = answer.headers.get("x-gateway-dropped", "")
    heard = Told(answer.status_code, answer.headers, dropped=tuple(filter(None, named.split(", "))))
    if answer.status_code != _OK:
        heard.error = answer.json()["error"]
    elif answer.headers["content-type"].startswith("text/event-stream"):
        read_events(heard, list(events(answer.text)))
    else:
        read_response(heard, answer.json())
    return heard


def read_response(heard: Told, body: Json) -> None:
    """A whole answer."""
    heard.raw, heard.usage, heard.role = body, body["usage"], "assistant"
    for item in body["output"]:
        match item["type"]:
            case "message":
                for part in item["content"]:
                    heard.text += part.get("text", "")
                    heard.refusal += part.get("refusal", "")
            case "reasoning":
                heard.reasoning += "".join(part["text"] for part in item["summary"])
            case "function_call":
                heard.calls.append(Call(item["call_id"], _named(item), item["arguments"]))
            case "custom_tool_call":
                heard.calls.append(Call(item["call_id"], _named(item), item["input"]))
    reason = (body["incomplete_details"] or {}).get("reason")
    ends = {"max_output_tokens": "length", "content_filter": "content_filter"}
    heard.finish = ends[reason] if reason else "tool_calls" if heard.calls else "stop"
    assert body["status"] == ("incomplete" if reason else "completed")


def _named(item: Json) -> str:
    return f"{item['namespace']}/{item['name']}" if item.get("namespace") else str(item["name"])


def read_events(heard: Told, events: list[tuple[str, Json]]) -> None:
    """A stream: its last event has all that its pieces said."""
    data = [one for _name, one in events]
    assert [name for name, _ in events] == [one["type"] for one in data]
    assert [one["sequence_number"] for one in data] == list(range(len(data)))
    assert data[0]["type"] == "response.created"
    if data[-1]["type"] == "error":
        heard.error = data[-1]["error"]
        return
    read_response(heard, data[-1]["response"])
    assert _joined(data, "response.output_text.delta") in (heard.text, ""), "the pieces are not what it ends with"
    done = [one["item"] for one in data if one["type"] == "response.output_item.done"]
    if heard.finish == "content_filter":
        return  # what was not done by then is not done in the end
    assert done == data[-1]["response"]["output"]
    arguments = _joined(data, "response.function_call_arguments.delta")
    called = (item["arguments"] for item in done if item["type"] == "function_call")
    assert arguments in ("".join(called), "")


def _joined(data: list[Json], kind: str) -> str:
    return "".join(one["delta"] for one in data if one["type"] == kind)
