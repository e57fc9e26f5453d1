"""How an answer says that it was made without the store."""

from __future__ import annotations

from gateway_core.store.deployment_state import DeploymentState

DEGRADED_HEADER = {"x-gateway-degraded": "store"}


def unknown_states(deployments: list[tuple[str, str]]) -> list[DeploymentState]:
    """What is known of deployments while the store is away: nothing."""
    return [DeploymentState(provider, deployment, "unknown", 0, 0, None) for provider, deployment in deployments]
