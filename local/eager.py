"""Begins an app's work as soon as what has come of a request was read: uvicorn does a turn of the event loop later."""

from __future__ import annotations

from typing import Any, override

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway_core.waiting import start_eagerly


class EagerProtocol(HttpToolsProtocol):
    """uvicorn's own, but for that. What was pipelined begins as it does there, as another request's work goes on."""

    _is_reading = False
    _due: tuple[RequestResponseCycle, Any] | None = None

    @override
    def data_received(self, data: bytes) -> None:
        self._is_reading = True
        try:
            self.read(data)
        finally:
            self._is_reading = False
        due, self._due = self._due, None
        if due:
            cycle, app = due
            task = start_eagerly(cycle.run_asgi(app))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def read(self, data: bytes) -> None:
        """Take what the client sends."""
        super().data_received(data)

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if self._is_reading:
            self._due = cycle, app
        else:
            super()._start_asgi_task(cycle, app)
