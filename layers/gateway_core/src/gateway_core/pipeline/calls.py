"""A request as calls of its candidates' models; the next one is put into words while the store still decides."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from gateway_core.domain.chat import ChatRequest, ProviderCall
from gateway_core.ports import ModelProvider
from gateway_core.routing.bounds import BoundedCandidate

_SHARED_NAMES = ("prompt_cache_key", "safety_identifier")
_LONGEST_NAME = 64
"""OpenAI takes no longer ones: https://platform.openai.com/docs/api-reference/chat/create."""


_LONGEST = 256 * 1024
"""Tokens as they are bounded before they are counted: bytes, but for images and sound."""


@dataclass(slots=True)
class Calls:
    """Those of one request, which counts for a project; `streams` says whether its answer is to."""

    provider: ModelProvider
    request: ChatRequest
    request_id: str
    project_id: str
    caches_prompt: bool
    streams: bool
    _ready: tuple[BoundedCandidate, ProviderCall] | None = field(init=False, default=None)

    def foresee(self, bounded: BoundedCandidate) -> None:
        """Do what a call of this candidate needs before it may be sent, if that is not done yet. Never raises.

        Not for the longest prompts: they take longer than the store, and may be refused.
        """
        if (self._ready and self._ready[0] is bounded) or bounded.most_input > _LONGEST:
            return
        with suppress(Exception):  # the attempt meets the same, and tells
            self._ready = bounded, self.provider.prepare(self._call(bounded), streams=self.streams)

    def forget(self) -> None:
        """Let go of what was done: the request rests, and what it is made of may be megabytes."""
        self._ready = None

    def of(self, bounded: BoundedCandidate, timeout_s: float, first_s: float | None = None) -> ProviderCall:
        """The call to send now, with its deadlines, see `ProviderCall`."""
        ready, self._ready = self._ready, None
        call = ready[1] if ready and ready[0] is bounded else self._call(bounded)
        return replace(call, timeout_s=timeout_s, first_s=first_s)

    def _call(self, bounded: BoundedCandidate) -> ProviderCall:
        request = self.request
        return ProviderCall(
            deployment=bounded.model.deployment,
            messages=request.messages,
            params=_apart({**request.params, **bounded.model.fixed_params}, self.project_id),
            # As asked, where more is held because a wire takes no lower limit: the wire says so.
            max_output_tokens=min(bounded.output_cap, request.max_output_tokens or bounded.output_cap),
            timeout_s=0.0,
            request_id=self.request_id,
            rules=bounded.model.rules,
            defaults=request.defaults,
            spoken=request.spoken,
            caches_prompt=self.caches_prompt,
        )


def _apart(params: dict[str, Any], project_id: str) -> dict[str, Any]:
    """The options with names of the project's own: providers cache and watch for abuse by them."""
    named = {name: _within_project(params[name], project_id) for name in _SHARED_NAMES if params.get(name)}
    return {**params, **named} if named else params


def _within_project(name: str, project_id: str) -> str:
    whole = f"{project_id}:{name}"
    if len(whole) <= _LONGEST_NAME:
        return whole
    return f"{project_id}:{hashlib.sha256(name.encode()).hexdigest()}"[:_LONGEST_NAME]
