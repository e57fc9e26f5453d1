"""What a caller may do. Pure; default deny: a right is an intersection of what the key grants and what is asked."""

from __future__ import annotations

from dataclasses import replace

from gateway_core.domain.caller import Attribution, Caller, Grant
from gateway_core.domain.errors import Forbidden

TOOLS = (
    "complete",
    "stream_complete",
    "litellm_batch_ask",
    "embed",
    "get_usage",
    "health_check",
    "list_models",
    "count_tokens",
)
"""What `check_tool` is asked for: the tools that a key's rights may name."""


def attribute(caller: Caller, project_id: str | None, agent_id: str | None, user_id: str | None) -> Attribution:
    """Whom the request counts for. Raises Forbidden for a project or user that is not the key's own."""
    project = project_id or caller.project_id
    if project != caller.project_id and not caller.admin:
        raise Forbidden(
            "This key belongs to another project. Leave project_id out, or use a key of that project.",
            param="project_id",
        )
    if caller.user_id and user_id and user_id != caller.user_id:
        raise Forbidden("This key is bound to another user. Leave user_id out.", param="user_id")
    return Attribution(project, agent_id or "", caller.user_id or user_id or "")


def check_tool(caller: Caller, tool: str) -> None:
    """Raises Forbidden unless the key may use the tool."""
    if caller.tools and tool not in caller.tools:
        raise Forbidden(f"This key may not use '{tool}'. It may use: {', '.join(sorted(caller.tools))}.")


def narrowed(caller: Caller, grant: Grant) -> Caller:
    """The caller with what a token leaves of its rights. Raises Forbidden where that is nothing."""
    models = _common("models", caller.models, grant.models)
    if any(map(_is_catalogs, caller.models)) and not any(map(_is_catalogs, models)):
        raise _nothing("models")  # patterns of the outside alone would give back all of the catalog
    return replace(
        caller,
        admin=caller.admin or grant.admin,
        groups=_common("groups", caller.groups, grant.groups),
        tools=_common("tools", caller.tools, grant.tools),
        models=models,
        grant=grant,
    )


def _common(what: str, own: frozenset[str], granted: frozenset[str] | None) -> frozenset[str]:
    """Without rights of its own the caller may do all: then the token's count alone."""
    if granted is None:
        return own
    common = granted & own if own else granted
    if not common:
        raise _nothing(what)
    return common


def _is_catalogs(pattern: str) -> bool:
    return "/" not in pattern and pattern != "*"


def _nothing(what: str) -> Forbidden:
    return Forbidden(f"The token allows none of the {what} that its user may use here. Ask the gateway's operator.")
