"""Suggests models and groups where a client's user fills in the argument of a prompt or of a resource's address."""

from __future__ import annotations

from collections.abc import Iterable

from fastmcp.exceptions import FastMCPError
from fastmcp.server.completions import CompletionHandler, CompletionReference
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference

from gateway_core.mcp_front.prompts import COMPARE
from gateway_core.mcp_front.reader import Reader
from gateway_core.mcp_front.resources import MODEL_TEMPLATE

MOST_VALUES = 100
"""MCP's limit."""
_LIST_OF_MODELS = (COMPARE.name, "models")
_ONE_MODEL = (MODEL_TEMPLATE, "model")


def completions_of(reader: Reader) -> CompletionHandler:
    """Suggests nothing for what it does not know, and where the models cannot be read."""

    async def suggest(
        reference: CompletionReference, argument: CompletionArgument, _context: CompletionContext | None
    ) -> Completion | None:
        named = reference.name if isinstance(reference, PromptReference) else reference.uri
        if (named, argument.name) not in {_LIST_OF_MODELS, _ONE_MODEL}:
            return None
        try:
            catalog = await reader.catalog()
        except FastMCPError:
            return None
        names = [entry["id"] for entry in (*catalog["groups"], *catalog["models"])]
        if (named, argument.name) == _ONE_MODEL:
            return completion(names, argument.value)
        done, comma, begun = argument.value.rpartition(",")
        chosen = {name.strip() for name in done.split(",")}
        return completion([name for name in names if name not in chosen], begun.strip(), f"{done}, " if comma else "")

    return suggest


def completion(names: Iterable[str], begun: str, before: str = "") -> Completion:
    """The names that begin so, then those that have it elsewhere; what is there already stands `before` each. Pure."""
    begun = begun.lower()
    fitting = [name for name in names if begun in name.lower()]
    ranked = sorted(fitting, key=lambda name: not name.lower().startswith(begun))
    values = [f"{before}{name}" for name in ranked[:MOST_VALUES]]
    return Completion(values=values, total=len(ranked), has_more=len(ranked) > MOST_VALUES)
