"""What Gemini refuses of requests that it has words for: told before it is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway_core.domain.chat import Json
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.codec import Objection
from gateway_core.wires.gemini.parts import media_type_of
from gateway_core.wires.gemini.tools import tools_in
from gateway_core.wires.shapes import items, mapping

_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
"""Source: https://ai.google.dev/gemini-api/docs/image-understanding#supported-formats."""


def objection(messages: Sequence[Json], params: Json, rules: ModelRules) -> Objection | None:
    """The first of what is refused."""
    return next((found for found in (*_of_tools(params, rules), *_of_images(messages))), None)


def _of_tools(params: Json, rules: ModelRules) -> Iterator[Objection]:
    functions = tools_in(params)
    for index, function in enumerate(functions):
        name = str(function.get("name"))
        if not (name[:1].isalpha() or name[:1] == "_"):
            path = f"tools.{index}.function.name"
            yield Objection(path, f"takes names of functions that begin with a letter or an underscore alone ({path})")
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
