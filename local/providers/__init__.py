"""The provider simulator: four LLM providers' wire formats, answered without a model, with faults on demand."""

from local.providers.app import base_urls, create_app

__all__ = ["base_urls", "create_app"]
