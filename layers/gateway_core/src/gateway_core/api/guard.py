"""What every HTTP edge does around a request: a name for it, and an answer without a trace if it crashes."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway_core.api.error_forms import NO_FORMS, ErrorForm, ErrorForms
from gateway_core.api.errors import error_response
from gateway_core.api.turn import turn_of
from gateway_core.crowd.limiter import Limiter
from gateway_core.crowd.slot import Slot
from gateway_core.crowd.stopping import stopped_as_error
from gateway_core.domain.errors import LLMError, ShuttingDown
from gateway_core.domain.request_ids import new_request_id
from gateway_core.invocation import note_end
from gateway_core.telemetry.telemetry import Telemetry


class RequestGuard:
    """Names each request in the scope's state (`request_id`), unless that is done, and turns a crash into an answer.

    The name is on every answer, in the header that clients of OpenAI's wire look for, and where `forms` say so in that
    of another wire's clients.

    A request has its slot, once it has taken one, until its answer begins. `limiter` gives slots where the scope's
    state names none for the whole process.

    `where` is what the log calls the place of a crash; empty for the request's path. `now_ms` tells when a request is
    named.
    """

    def __init__(
        self,
        app: ASGIApp,
        telemetry: Telemetry,
        where: str = "",
        limiter: Limiter | None = None,
        now_ms: Callable[[], int] | None = None,
        forms: ErrorForms = NO_FORMS,
    ) -> None:
        self._app = app
        self._forms = forms
        self._telemetry = telemetry
        self._where = where
        self._now_ms = now_ms
        self._limiter = limiter or Limiter(telemetry.crowded)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note_end(scope.get("aws.context"))
        with turn_of(scope, receive, self._limiter) as (slot, ear):
            await self._guarded(scope, ear, send, slot)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send, slot: Slot) -> None:
        request_id = scope["state"].setdefault("request_id", new_request_id(self._now_ms and self._now_ms()))
        form = self._forms.of(scope)
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                slot.leave()  # how long a client reads is its own affair
                _name(MutableHeaders(scope=message), request_id, form)
            await send(message)

        try:
            with stopped_as_error():
                await self._app(scope, receive, watched)
        except ShuttingDown as error:
            self._telemetry.request_failed(request_id, error, scope["state"].get("caller"))
            if not started:
                await error_response(error, request_id, form)(scope, receive, watched)
        except ClientDisconnect:
            return  # the caller left before the body was whole: nothing was done, and nobody is there to be told
        except Exception as error:
            self._telemetry.crashed(request_id, error, self._where or scope["path"])
            if started:
                raise
            failed = LLMError("The gateway failed. Quote the request_id to its operator.")
            await error_response(failed, request_id, form)(scope, receive, watched)


def _name(headers: MutableHeaders, request_id: str, form: ErrorForm) -> None:
    """Tells the request's name."""
    headers.setdefault("x-request-id", request_id)
    if form.id_header:
        headers.setdefault(form.id_header, request_id)
