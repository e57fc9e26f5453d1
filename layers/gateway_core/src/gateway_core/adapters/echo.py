"""A provider without a network: for tests of everything around the call, and for fleets of many processes."""

from __future__ import annotations

from collections.abc import Callable

from gateway_core.domain import ProviderAnswer, ProviderCall, Usage

type Behave = Callable[[ProviderCall], ProviderAnswer]


def echo(call: ProviderCall) -> ProviderAnswer:
    """Say the last message back; a token for each word."""
    text = str(call.messages[-1].get("content"))
    words = len(text.split())
    return ProviderAnswer(content=text, tool_calls=(), finish_reason="stop", usage=Usage(words, words))


class EchoProvider:
    """Implements the port `ChatProvider`. `behave` answers or raises; `calls` tells what was asked, in order."""

    def __init__(self, behave: Behave = echo) -> None:
        self._behave = behave
        self.calls: list[ProviderCall] = []

    async def complete(self, call: ProviderCall) -> ProviderAnswer:
        self.calls.append(call)
        return self._behave(call)
