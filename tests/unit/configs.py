"""Settings that a document makes."""

from __future__ import annotations

from types import MappingProxyType

from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings

NAME = "config.yaml"


def configured(text, environ=MappingProxyType({})):
    """The settings that a document of this text makes."""
    return GatewaySettings.from_env(environ, [Document(NAME, text)])
