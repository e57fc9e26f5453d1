"""What a caller may do. Pure; default deny: a right is an intersection of what the key grants and what is asked."""

from __future__ import annotations

from gateway_core.caller import Attribution, Caller
from gateway_core.errors import Forbidden
from gateway_core.routing import Asked, ModelIndex


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


def reachable_models(caller: Caller, request: Asked, index: ModelIndex) -> frozenset[str] | None:
    """The keys of the models that the caller may use, None for all. Raises Forbidden if the one asked for is not."""
    if not caller.groups:
        return None
    groups = [index.group(name) for name in sorted(caller.groups) if name in index.groups]
    reachable = frozenset(model.key for group in groups for model in group)
    allowed = f"This key may only use these model groups: {', '.join(sorted(caller.groups))}."
    if request.model is None and request.model_group not in caller.groups:
        raise Forbidden(allowed, param="model_group")
    if request.model is not None and index.resolve(request.model).key not in reachable:
        raise Forbidden(allowed, param="model")
    return reachable
