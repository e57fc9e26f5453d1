"""Whether what was read from the store is what its types say. Pure."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_PLAIN = {"None", "bool", "int", "str"}


def check_types(*found: DataclassInstance) -> None:
    """Raises TypeError where a field of a plain type holds another: JSON may hold anything."""
    for one in found:
        for known in fields(one):
            kinds = set(str(known.type).split(" | "))
            if kinds <= _PLAIN and _kind(getattr(one, known.name)) not in kinds:
                raise TypeError


def check_texts(*found: object) -> None:
    """Raises TypeError for what is no text."""
    if not all(isinstance(text, str) for text in found):
        raise TypeError


def _kind(value: object) -> str:
    return "None" if value is None else type(value).__name__
