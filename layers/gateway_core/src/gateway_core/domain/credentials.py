"""Provider keys, held so that they do not show by accident, each bound to the one host that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import override


class Secret:
    """A value that only `reveal` shows: not `repr`, not `str`, not a dataclass dump."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    @override
    def __repr__(self) -> str:
        return "Secret('[redacted]')"


@dataclass(frozen=True, slots=True)
class Credential:
    """A provider's key and the base URL that it is for; it is sent to no other host.

    With a `region` there is no key: requests are signed for that region of AWS instead.
    """

    secret: Secret
    api_base: str
    region: str = ""
