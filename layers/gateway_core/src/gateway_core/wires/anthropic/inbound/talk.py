"""A conversation on Anthropic's wire as messages of the chat form.

Results of tools are messages of their own, right behind the answer with the calls; images and documents in them go into
the user's turn behind, as few wires take them in a result. That a result is an error is said in its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.blocks import CACHE_CONTROL
from gateway_core.wires.anthropic.history import in_turns
from gateway_core.wires.anthropic.inbound.names import short_name
from gateway_core.wires.anthropic.inbound.parts import Apart, marked, parts_of, plain
from gateway_core.wires.anthropic.thoughts import THOUGHTS, is_own

_ERROR = "Error: "


@dataclass(slots=True)
class Talk:
    """Messages of the chat form; for each the place of the caller's message that it comes from, -1 for `system`."""

    messages: list[Json] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    def add(self, message: Json, place: int) -> None:
        self.messages.append(message)
        self.places.append(place)


def talk_of(body: Json, apart: Apart) -> Talk:
    """The whole conversation; what has no place in it is noted in `apart`."""
    talk = Talk()
    if said := _parts(body.get("system") or (), "system", apart):
        talk.add({"role": "system", "content": plain(said)}, -1)
    for role, run in groupby(in_turns(body["messages"]), key=lambda placed: placed[1]["role"]):
        match role:
            case "user":
                _user_turn(list(run), talk, apart)
            case "assistant":
                for place, message in run:
                    talk.add(_assistant(message, f"messages.{place}.content", apart), place)
            case _:
                for place, message in run:
                    if said := _parts(message["content"], f"messages.{place}.content", apart):
                        talk.add({"role": "system", "content": plain(said)}, place)
    return talk


def blocks_in(content: Any) -> Sequence[Json]:
    """The blocks of a content, which may be a text."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _parts(content: Any, path: str, apart: Apart) -> list[dict[str, Any]]:
    placed = enumerate(blocks_in(content))
    return [part for at, block in placed for part in marked(list(parts_of(block, f"{path}.{at}", apart)), block)]


def _user_turn(run: list[tuple[int, Json]], talk: Talk, apart: Apart) -> None:
    """Messages of the user in a row are one turn, in which results come first."""
    rest: list[tuple[int, list[dict[str, Any]]]] = []
    for place, message in run:
        said: list[dict[str, Any]] = []
        blocks = blocks_in(message["content"])
        for at, block in enumerate(blocks):
            path = f"messages.{place}.content.{at}"
            if block["type"] == "tool_result":
                result, shown = _result(block, path, apart)
                talk.add(result, place)
                said += shown
            else:
                said += marked(list(parts_of(block, path, apart)), block)
        if said or not blocks:
            rest.append((place, said))
    for place, said in rest:
        talk.add({"role": "user", "content": plain(said)}, place)


def _result(block: Json, path: str, apart: Apart) -> tuple[Json, list[dict[str, Any]]]:
    """The result's message, and what of it has to be shown apart."""
    parts = _parts(block.get("content") or (), f"{path}.content", apart)
    texts = [part for part in parts if part["type"] == "text"]
    media = [part for part in parts if part["type"] != "text"]
    if block.get("is_error"):
        texts = _as_error(texts)
    label = f"What the tool call {block['tool_use_id']} has brought:"
    message = {
        "role": "tool",
        "tool_call_id": block["tool_use_id"],
        "content": plain(texts) if texts else ("See below." if media else ""),
        **({CACHE_CONTROL: block[CACHE_CONTROL]} if block.get(CACHE_CONTROL) else {}),
    }
    return message, [{"type": "text", "text": label}, *media] if media else []


def _as_error(texts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first, *rest = texts or [{"type": "text", "text": ""}]
    return [{**first, "text": _ERROR + first["text"]}, *rest]


def _assistant(message: Json, path: str, apart: Apart) -> Json:
    blocks = blocks_in(message["content"])
    said: list[dict[str, Any]] = []
    for at, block in enumerate(blocks):
        if block["type"] == "text":
            said += marked(list(parts_of(block, f"{path}.{at}", apart)), block)
        elif block["type"] not in (*THOUGHTS, "tool_use"):
            apart.leave(block["type"], block)
    signed = [dict(block) for block in blocks if block["type"] in THOUGHTS and not is_own(block)]
    if signed:
        apart.leave("thinking_blocks")
    reasoning = "".join(block["thinking"] for block in blocks if is_own(block))
    calls = list(_calls(blocks, apart))
    return {
        "role": "assistant",
        "content": (plain(said) if said else None) if calls or said else "",
        **({"tool_calls": calls} if calls else {}),
        **({"thinking_blocks": signed} if signed else {}),
        **({"reasoning_content": reasoning} if reasoning else {}),
        **_mark_of(block for block in blocks if block["type"] == "tool_use"),
    }


def _calls(blocks: Iterable[Json], apart: Apart) -> Iterator[dict[str, Any]]:
    for block in blocks:
        if block["type"] == "tool_use":
            if block.get("caller"):
                apart.beside.append(block["caller"])
            function = {"name": short_name(block["name"]), "arguments": json.dumps(block["input"], ensure_ascii=False)}
            yield {"id": block["id"], "type": "function", "function": function}


def _mark_of(uses: Iterator[Json]) -> dict[str, Any]:
    """A mark on a call is one of the whole answer."""
    marks = [block[CACHE_CONTROL] for block in uses if block.get(CACHE_CONTROL)]
    return {CACHE_CONTROL: marks[-1]} if marks else {}
