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

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
"""Source: https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats."""


def objection(messages: Sequence[Json], params: Json, rules: ModelRules) -> Objection | None:
    """The first of what is refused."""
    return next(chain(_of_tools(params, rules), _of_images(messages), _of_results(messages)), None)


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


def _of_images(messages: Sequence[Json]) -> Iterator[Objection]:
    for index, message in enumerate(messages):
        for place, part in enumerate(items(message.get("content"))):
            url = mapping(mapping(part).get("image_url")).get("url")
            if url is not None and (kind := media_type_of(str(url))) not in _IMAGES:
                path = f"messages.{index}.content.{place}"
                yield Objection(path, f"does not take images of the type {kind[:40]} ({path})")


def _of_results(messages: Sequence[Json]) -> Iterator[Objection]:
    """Calls that were made at once have all of their results, or none of them."""
    for index, message in enumerate(messages):
        made = {_plain(mapping(call).get("id")) for call in items(message.get("tool_calls"))}
        if len(made) > 1:
            given = made & {_plain(later.get("tool_call_id")) for later in messages[index + 1 :]}
            if given and given != made:
                path = f"messages.{index}.tool_calls"
                yield Objection(path, f"needs a result of each call that was made at once ({path})")


def _plain(call_id: object) -> str:
    return split(str(call_id)).plain
