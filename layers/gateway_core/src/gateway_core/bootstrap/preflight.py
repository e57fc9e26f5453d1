"""What CodeDeploy calls before a new version gets traffic."""

from __future__ import annotations

from gateway_core.adapters.release import CodeDeployRelease
from gateway_core.triggers.preflight import Handler, preflight


def preflight_handler() -> Handler:
    """It needs no secrets, no configuration and no store: the versions that it asks have them."""
    return preflight(CodeDeployRelease())
