"""Where documents of configuration come from: files, objects in S3, and profiles of AppConfig."""

from gateway_core.adapters.config_sources.urls import open_sources

__all__ = ["open_sources"]
