"""Breakpoints of Anthropic's prompt cache: which are refused, and what they end.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/build-with-claude/prompt-caching: at most four
breakpoints, of five minutes or an hour; in the order tools, system, messages none of an hour after one of five minutes;
a minimum of tokens by model, below which nothing is cached and nothing is said. (None on thinking: see `blocks`.)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from local.providers.content import read_content
from local.providers.model import Json, Prefix, Refused
from local.providers.tokens import MESSAGE_TOKENS, count_json

_MAX_BREAKPOINTS = 4
_TTL_S = {"5m": 300, "1h": 3600}
_MINIMUM = (
    ("claude-opus-5", 512),
    ("claude-fable-5", 512),
    ("claude-mythos-5", 512),
    ("claude-opus-4-7", 2048),
    ("claude-opus-4-6", 4096),
    ("claude-opus-4-5", 4096),
    ("claude-haiku-4-5", 4096),
    ("claude-3-5-haiku", 2048),
    ("claude-3-haiku", 2048),
)
"""Models whose minimum is not the usual one, by the beginning of their names."""
_USUAL_MINIMUM = 1024
_TOP = "cache_control"


def cache_minimum(model: str) -> int:
    """Tokens that a prefix must have to be cached."""
    return next((minimum for name, minimum in _MINIMUM if model.startswith(name)), _USUAL_MINIMUM)


def check_breakpoints(body: Json) -> None:
    """Raises Refused."""
    marked = [(at, block) for at, block in _blocks(body) if block.get(_TOP) is not None]
    for at, block in marked:
        _check_control(f"{at}.{_TOP}", block[_TOP])
    found = [(f"{at}.", block[_TOP]) for at, block in marked]
    if body.get(_TOP) is not None:
        _check_control(_TOP, body[_TOP])
        found.append(("", body[_TOP]))
    if len(found) > _MAX_BREAKPOINTS:
        limit = f"A maximum of {_MAX_BREAKPOINTS} blocks with cache_control may be provided."
        raise Refused(f"{limit} Found {len(found)}.")
    _check_order(found)


def _check_control(at: str, control: Any) -> None:
    kind = control.get("type") if isinstance(control, dict) else None
    if kind != "ephemeral":
        found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        raise Refused(f"{at}: {found}: 'ephemeral'")
    if control.get("ttl", "5m") not in _TTL_S:
        raise Refused(f"{at}.ephemeral.ttl: Input should be '5m' or '1h'")
    for name in sorted(set(control) - {"type", "ttl"}):
        raise Refused(f"{at}.ephemeral.{name}: Extra inputs are not permitted")


def _check_order(found: list[tuple[str, Json]]) -> None:
    short = False
    for at, control in found:
        if short and control.get("ttl") == "1h":
            message = (
                f"{at}{_TOP}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block."
            )
            raise Refused(
                f"{message} Note that blocks are processed in the following order: `tools`, `system`, `messages`."
            )
        short = short or control.get("ttl", "5m") == "5m"


def _blocks(body: Json) -> Iterator[tuple[str, Json]]:
    """Every block that may carry a breakpoint, where it stands, in the order of the prompt."""
    for index, tool in enumerate(body.get("tools") or ()):
        yield f"tools.{index}", tool
    for index, block in enumerate(_listed(body.get("system"))):
        yield f"system.{index}", block
    for index, message in enumerate(body["messages"]):
        for number, block in enumerate(_listed(message["content"])):
            yield f"messages.{index}.content.{number}", block


def _listed(content: Any) -> list[Json]:
    """Content as blocks: a string is one."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content or ())


def unmarked(value: Any) -> Any:
    """A body without its breakpoints: they are no part of what is read or counted."""
    if isinstance(value, dict):
        return {name: unmarked(inner) for name, inner in value.items() if name != _TOP}
    return [unmarked(inner) for inner in value] if isinstance(value, list) else value


def prefixes_of(body: Json) -> tuple[Prefix, ...]:
    """The beginnings of a prompt, block by block. A top-level breakpoint ends the last of them."""
    prefixes: list[Prefix] = []
    digest = hashlib.sha256(str(body["model"]).encode())
    for ttl_s, tokens, seen in _pieces(body):
        digest.update(json.dumps(seen, sort_keys=True).encode())
        before = prefixes[-1].tokens if prefixes else 0
        prefixes.append(Prefix(digest.hexdigest(), before + tokens, ttl_s))
    if prefixes and body.get(_TOP) is not None:
        last = prefixes[-1]
        prefixes[-1] = Prefix(last.digest, last.tokens, last.ttl_s or _ttl_s(body))
    return tuple(prefixes)


def _pieces(body: Json) -> Iterator[tuple[int, int, Any]]:
    """Of each block: how long it is to be cached up to there, its tokens, and what makes it the same as another.

    Another tool_choice or thinking makes other messages of the same ones, but no other tools or system prompt.
    """
    tools = body.get("tools") or []
    for end, tool in enumerate(tools, 1):
        more = count_json(unmarked(tools[:end])) - count_json(unmarked(tools[: end - 1]))
        yield _ttl_s(tool), more, ["tool", unmarked(tool)]
    for block in _listed(body.get("system")):
        yield _ttl_s(block), read_content([unmarked(block)]).tokens, ["system", unmarked(block)]
    mode: Any = [body.get("tool_choice"), body.get("thinking")]
    for message in body["messages"]:
        head: Any = [message["role"], mode]
        for block in _listed(message["content"]):
            overhead = MESSAGE_TOKENS if head else 0
            yield _ttl_s(block), read_content([unmarked(block)]).tokens + overhead, [head, unmarked(block)]
            head, mode = None, None


def _ttl_s(block: Json) -> int:
    control = block.get(_TOP)
    return _TTL_S[control.get("ttl", "5m")] if control else 0
