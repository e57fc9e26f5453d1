"""What all sources share: how bytes become a text, and how a failure becomes an error."""

from __future__ import annotations

from gateway_core.domain.errors import ConfigUnavailable


def decoded(raw: bytes, name: str) -> str:
    """The document's text. Raises ConfigUnavailable if it is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except ValueError as error:
        raise unreadable(name, type(error).__name__) from None


def unreadable(name: str, why: str) -> ConfigUnavailable:
    """The error for a document that did not arrive. `why` is a word, never a part of the document."""
    return ConfigUnavailable(
        f"GATEWAY_CONFIG: cannot read {name} ({why}). Name a readable UTF-8 document, or unset it."
    )
