"""How errors look to the clients of each wire: a router declares it, also for what fails before one of its routes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from starlette.types import Scope

from gateway_core.domain.chat import Json


def _own(_status: int, told: Json) -> dict[str, Any]:
    return {"error": told}


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """How a wire tells errors.

    body: The body of an answer, of its status and the error's members as our own routes have them below `error`.
    statuses: The wire's own status in place of one of ours.
    id_header: A header by which the wire's clients want to find the request's id, beside `x-request-id`.
    only_with: A header, in lower case, by which a request shows that it is of this wire; empty: all are.
    """

    body: Callable[[int, Json], dict[str, Any]] = _own
    statuses: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    id_header: str = ""
    only_with: str = ""

    def status(self, status: int) -> int:
        """What the wire has in place of this status."""
        return self.statuses.get(status, status)

    def is_for(self, scope: Scope) -> bool:
        """Whether the request is of this wire."""
        return not self.only_with or any(name == self.only_with.encode() for name, _ in scope["headers"])


OWN_FORM = ErrorForm()
"""`{"error": {...}}`, as on our own routes and on OpenAI's wires."""


class ErrorForms:
    """The forms of an app: each holds for the paths of its router, and for what is below them."""

    def __init__(self, by_path: Iterable[tuple[str, ErrorForm]] = ()) -> None:
        self._by_path = tuple((path.partition("/{")[0], form) for path, form in by_path)

    def of(self, scope: Scope) -> ErrorForm:
        """The form for a request, whether there is a route for it or not."""
        path = scope.get("path", "")
        forms = (form for base, form in self._by_path if path == base or path.startswith(f"{base}/"))
        return next((form for form in forms if form.is_for(scope)), OWN_FORM)


NO_FORMS = ErrorForms()
