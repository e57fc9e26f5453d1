"""What clients of OAuth are told: where to get a token (RFC 9728), and what was wrong with one (RFC 6750)."""

from __future__ import annotations

import re

from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InsufficientScope, InvalidToken, LLMError, Unauthenticated
from gateway_core.domain.oauth import OAuthPolicy

_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")


def metadata(policy: OAuthPolicy) -> Json:
    """Protected resource metadata, as RFC 9728 has it."""
    return {
        "resource": policy.resource,
        "authorization_servers": [policy.issuer],
        **({"scopes_supported": list(policy.scopes)} if policy.scopes else {}),
        "bearer_methods_supported": ["header"],
        "resource_name": "llm-gateway",
    }


def challenge(error: LLMError, policy: OAuthPolicy) -> str | None:
    """What `WWW-Authenticate` says of an error; None of one that signing in does not mend."""
    match error:
        case InvalidToken():
            said = {"error": "invalid_token", "error_description": error.message}
        case InsufficientScope():
            said = {"error": "insufficient_scope", "error_description": error.message}
        case Unauthenticated():
            said = {}
        case _:
            return None
    said["resource_metadata"] = policy.metadata_url
    if policy.scopes:
        said["scope"] = " ".join(policy.scopes)
    told = (f'{name}="{_UNQUOTABLE.sub("", value)}"' for name, value in said.items())
    return f"Bearer {', '.join(told)}"
