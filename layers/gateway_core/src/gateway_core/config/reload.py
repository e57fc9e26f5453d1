"""Replaces what serves requests when the configuration changes, between requests and all at once.

A Lambda runs nothing between requests, so there is no timer: the request that finds the configuration old starts
reading it anew, in a thread, and goes on with what there is. What is read is validated whole before anything changes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from gateway_core.config.documents import Document
from gateway_core.config.freshness import Freshness, is_due
from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigUnavailable, LLMError
from gateway_core.ports import Clock
from gateway_core.telemetry.events import Event, Fact, OperatorEvent, OperatorEventType
from gateway_core.telemetry.telemetry import Telemetry

type Start = Callable[[Callable[[], None]], None]
"""Runs a job beside the caller."""
type Tell = Callable[[Event], None]
"""Hands an event on, from a thread without an event loop."""

_FIXED = {
    "store": (
        "store_url",
        "database_urls",
        "placement",
        "store_timeout_s",
        "store_connect_timeout_s",
        "store_on_failure",
    ),
    "budgets": ("unconfirmed_after_ms",),
    "log_level": ("log_level",),
}
"""What only a new process takes over, by the section that sets it."""


def in_a_thread(job: Callable[[], None]) -> None:
    """Not a task: a thread outlives the event loop of a request, and does not block it."""
    threading.Thread(target=job, name="reload", daemon=True).start()


def tell_nobody(_event: Event) -> None:
    """For where nobody listens."""


class ReloadingServices[S]:
    """Implements `Current`: what serves requests, made by `wire` from the newest valid settings.

    It begins with `settings`, which `loader` made of `inputs`. Invalid documents, and sources that do not answer,
    change nothing and are reported, once each. `tell` hears of both.
    """

    def __init__(
        self,
        loader: SettingsLoader,
        inputs: Inputs,
        settings: GatewaySettings,
        wire: Callable[[GatewaySettings], S],
        telemetry: Telemetry,
        clock: Clock,
        start: Start = in_a_thread,
        tell: Tell = tell_nobody,
    ) -> None:
        self._loader = loader
        self._wire = wire
        self._telemetry = telemetry
        self._clock = clock
        self._start = start
        self._tell = tell
        self._busy = threading.Lock()
        self._inputs = inputs
        self._settings = self._first = settings
        self._serving = wire(settings)
        self._is_away = False
        now_s = clock.monotonic_s()
        self._known = Freshness(inputs.version, now_s, now_s)

    def now(self) -> S:
        """What a request that begins now uses to its end. Never waits and never raises for what is configured."""
        if (self._documents_due() or self._secrets_due()) and self._busy.acquire(blocking=False):
            try:
                self._start(self._refresh)
            except RuntimeError:  # no thread to be had: a later request tries again
                self._busy.release()
        return self._serving

    def expire(self) -> None:
        """Read everything anew at the next request: who knows how old it is."""
        self._known = replace(self._known, documents_s=None, secrets_s=None)

    def _documents_due(self) -> bool:
        age_s = self._settings.reload_s
        return self._loader.reads_documents and is_due(self._known.documents_s, self._clock.monotonic_s(), age_s)

    def _secrets_due(self) -> bool:
        age_s = self._settings.secrets_reload_s
        return self._loader.reads_secrets and is_due(self._known.secrets_s, self._clock.monotonic_s(), age_s)

    def _refresh(self) -> None:
        secrets_due = self._secrets_due()
        try:
            self._reload(secrets_due=secrets_due)
        except LLMError as error:
            self._report(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end in silence, nor the reloading
            self._telemetry.crashed("", error, "reload")
        finally:
            now_s = self._clock.monotonic_s()
            self._known = replace(
                self._known, documents_s=now_s, secrets_s=now_s if secrets_due else self._known.secrets_s
            )
            self._busy.release()

    def _reload(self, *, secrets_due: bool) -> None:
        news = self._news()
        if news is None and not secrets_due:
            return
        secrets = self._loader.secrets()
        if news is not None:
            self._take(Inputs(news, secrets))
        elif secrets != self._inputs.secrets:
            self._take(replace(self._inputs, secrets=secrets))

    def _news(self) -> tuple[Document, ...] | None:
        """Documents that are neither in use nor refused."""
        if not self._settings.reload_s:
            return None
        try:
            documents = self._read_documents()
        except LLMError as error:
            if not self._is_away:
                self._report(error)
            self._is_away = True
            return None
        self._is_away = False
        return documents if self._known.is_news(replace(self._inputs, documents=documents).version) else None

    def _read_documents(self) -> tuple[Document, ...]:
        documents = self._loader.documents()
        for old, new in zip(self._inputs.documents, documents, strict=True):
            if old.text.strip() and not new.text.strip():
                # Most likely somebody is about to write it.
                raise ConfigUnavailable(
                    f"{new.source}: the document is empty. To use the defaults, leave a comment in it."
                )
        return documents

    def _take(self, inputs: Inputs) -> None:
        try:
            settings = self._loader.settings(inputs)
            serving = self._wire(settings)
        except LLMError as error:
            self._known = self._known.rejected(inputs.version)
            self._report(error, inputs.version)
            return
        secrets_changed = inputs.secrets != self._inputs.secrets
        self._serving = serving
        self._settings, self._inputs = settings, inputs
        self._known = self._known.accepted(inputs.version)
        needs_restart = self._needs_restart()
        self._telemetry.config_reloaded(inputs.version, secrets_changed=secrets_changed, needs_restart=needs_restart)
        self._emit(
            "config.reloaded",
            {"version": inputs.version, "secrets_changed": secrets_changed, "needs_restart": needs_restart},
        )

    def _needs_restart(self) -> list[str]:
        old, new = self._first, self._settings
        return [name for name, fields in _FIXED.items() if any(getattr(old, f) != getattr(new, f) for f in fields)]

    def _report(self, error: LLMError, version: str = "") -> None:
        in_use = self._known.version
        self._telemetry.config_rejected(error, version, in_use=in_use)
        self._emit("config.rejected", {"version": version, "version_in_use": in_use, "error": error.message})

    def _emit(self, kind: OperatorEventType, details: dict[str, Fact]) -> None:
        self._tell(OperatorEvent(at_ms=self._clock.now_ms(), kind=kind, details=details))
