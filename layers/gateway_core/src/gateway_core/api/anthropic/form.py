"""How the routes on Anthropic's wire tell errors, and name requests."""

from __future__ import annotations

from gateway_core.api.error_forms import ErrorForm
from gateway_core.wires.anthropic.inbound.errors import STATUSES, error_body

ANTHROPIC_FORM = ErrorForm(error_body, STATUSES, "request-id")
