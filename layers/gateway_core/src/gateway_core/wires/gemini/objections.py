"""What Gemini refuses of requests that it has words for: told before it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from gateway_core.domain.chat import Json
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.codec import Objection
from gateway_core.wires.gemini.parts import media_type_of
from gateway_core.wires.gemini.tools import tools_in
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.signed_ids import split

_MEDIA = frozenset(
    {
        "application/json",
        "application/pdf",
        "application/x-javascript",
        "application/x-python",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/png",
        "image/webp",
    }
)
_MEDIA_PREFIXES = ("audio/", "text/", "video/")
"""Sources: https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats, .../document-processing."""


def objection(messages: Sequence[Json], params: Json, rules: ModelRules) -> Objection | None:
    """The first of what is refused."""
    return next(chain(_of_tools(params, rules), _of_media(messages), _of_results(messages)), None)


def _of_tools(params: Json, rules: ModelRules) -> Iterator[Objection]:
    functions = tools_in(params)
    for index, function in enumerate(functions):
        name = str(function.get("name"))
        if not (name[:1].isalpha() or name[:1] == "_"):
            path = f"tools.{index}.function.name"
            yield Objection(path, f"takes names of functions that begin with a letter or an underscore alone ({path})")
        if any(name == other.get("name") for other in functions[:index]):
            yield Objection(f"tools.{index}", f"takes one function of a name alone (tools.{index})")
    # Since Gemini 3 both go together: https://ai.google.dev/gemini-api/docs/gemini-3#structured_outputs_with_tools.
    wants_json = mapping(params.get("response_format")).get("type") in ("json_object", "json_schema")
    if functions and wants_json and rules.thinking_form == "budget":
        yield Objection("response_format", "cannot answer in JSON where it may call tools (response_format)")


def _of_media(messages: Sequence[Json]) -> Iterator[Objection]:
    for index, message in enumerate(messages):
        for place, part in enumerate(items(message.get("content"))):
            kind = _media_type(mapping(part))
            if kind is not None and kind not in _MEDIA and not kind.startswith(_MEDIA_PREFIXES):
                path = f"messages.{index}.content.{place}"
                yield Objection(path, f"does not take {kind[:80] or 'data without a media type'} ({path})")


def _media_type(part: Json) -> str | None:
    """Of an image or a file; None for anything else."""
    url = mapping(part.get("image_url")).get("url") or mapping(part.get("file")).get("file_data")
    return None if url is None else media_type_of(str(url))


def _of_results(messages: Sequence[Json]) -> Iterator[Objection]:
    """Calls that were made at once have all of their results, or none of them."""
    begun, waiting, answered = 0, list[str](), False
    for index, message in enumerate(messages):
        if message.get("role") == "tool":
            call_id = _plain(message.get("tool_call_id"))
            if call_id in waiting:
                waiting.remove(call_id)
                answered = True
        elif made := [_plain(mapping(call).get("id")) for call in items(message.get("tool_calls"))]:
            if answered and waiting:
                yield _unanswered(begun)
            if answered or not waiting:
                begun, waiting, answered = index, [], False
            waiting += made
    if answered and waiting:
        yield _unanswered(begun)


def _unanswered(index: int) -> Objection:
    path = f"messages.{index}.tool_calls"
    return Objection(path, f"needs a result of each call that was made at once ({path})")


def _plain(call_id: object) -> str:
    return split(str(call_id)).plain
