"""The configuration changes while a process runs: what serves, what is reported, what is asked how often."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.config.reload import ReloadingServices, in_a_thread
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError, ConfigUnavailable
from gateway_core.telemetry.telemetry import Telemetry
from tests.manual_clock import ManualClock
from tests.patience import patience
from tests.unit.reloads import RELOAD_S, Process, _itself

NEW_KEY = {"OPENAI_API_KEY": "sk-new"}


@pytest.fixture
def process() -> Process:
    return Process()


def group(settings: GatewaySettings) -> tuple[str, ...]:
    return settings.catalog.groups["mine"]


def key(settings: GatewaySettings) -> str:
    return settings.provider_keys["openai"].reveal()


def test_a_change_counts_after_the_maximum_age(process):
    """Not before; and one reload is enough."""
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    assert group(process.later(RELOAD_S - 1)) == ("gpt-5.1",)
    assert group(process.later(1)) == ("gpt-5.1-mini",)
    assert process.reports() == [("config reloaded",)]
    assert process.shelf.reads == 2


def test_a_change_and_a_mistake_are_events(process):
    """With the versions that the log names, and what to do."""
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    process.later()
    process.shelf.text = "groups: {mine: [gpt-6]}"
    process.later()
    reloaded, rejected = [event.render() for event in process.told]
    (_, version), (_, refused) = process.reports("version")
    assert reloaded["detail-type"] == "config.reloaded"
    assert (
        reloaded["detail"] | {"version": version, "secrets_changed": False, "needs_restart": []} == reloaded["detail"]
    )
    assert rejected["detail-type"] == "config.rejected"
    assert rejected["detail"] | {"version": refused, "version_in_use": version} == rejected["detail"]
    assert "gpt-6" in rejected["detail"]["error"]


def test_the_request_that_starts_a_reload_does_not_wait_for_it(process):
    """Requests go on with what there is, and start no second reload meanwhile."""
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    process.clock.advance(RELOAD_S)
    before = [process.live.now() for _ in range(3)]
    assert {group(settings) for settings in before} == {("gpt-5.1",)}
    assert len(process.jobs) == 1
    process.work()
    assert group(process.live.now()) == ("gpt-5.1-mini",)
    assert {group(settings) for settings in before} == {("gpt-5.1",)}, "a request keeps what it began with"


def test_an_invalid_document_changes_nothing_and_is_reported_once(process):
    """With the field, the versions and no content; it is not validated again until it changes."""
    in_use = Inputs(tuple(process.live._inputs.documents), {}).version
    process.shelf.text = "groups: {mine: [gpt-5.1-mini, hidden-x]}\nlimits: {queue_timeout_s: hidden-y}"
    for _ in range(3):
        assert group(process.later()) == ("gpt-5.1",)
    ((message, error, version, kept),) = process.reports("error", "version", "version_in_use")
    assert message == "config rejected"
    assert error.startswith("shelf: limits.queue_timeout_s: ")
    assert kept == in_use != version
    assert "hidden" not in process.log.getvalue()
    assert process.safe.reads == 2
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    assert group(process.later()) == ("gpt-5.1-mini",)


def test_nothing_of_an_invalid_document_is_taken(process):
    """The valid half of it neither."""
    process.shelf.text = "limits: {queue_timeout_s: 1}\ngroups: {mine: [no-such-model]}"
    settings = process.later()
    assert (settings.queue_timeout_s, group(settings)) == (5, ("gpt-5.1",))


def test_going_back_to_what_serves_is_no_news(process):
    """After an invalid document the old one again: there is nothing to do."""
    good = process.shelf.text
    process.shelf.text = "groups: hidden"
    process.later()
    process.shelf.text = good
    process.later()
    assert process.reports() == [("config rejected",)]


def test_a_source_that_does_not_answer_is_reported_once(process):
    """And again when it failed again after it had answered."""
    good = process.shelf.text
    for text in (ConfigUnavailable("away"), ConfigUnavailable("away"), good, ConfigUnavailable("away")):
        process.shelf.text = text
        assert group(process.later()) == ("gpt-5.1",)
    assert process.reports("error", "version") == [("config rejected", "away", "")] * 2


def test_an_empty_document_is_taken_for_one_that_is_being_written(process):
    """A comment is enough to say that it is meant."""
    process.shelf.text = "\n"
    assert group(process.later()) == ("gpt-5.1",)
    process.shelf.text = "# the defaults, please\n"
    assert "mine" not in process.later().catalog.groups
    assert process.reports() == [("config rejected",), ("config reloaded",)]


def test_what_takes_a_new_process_is_named(process):
    """The store's connection and the log level are made once; everything else in the document counts."""
    process.shelf.text = "store: {timeout_s: 2}\nlog_level: DEBUG\nlimits: {queue_timeout_s: 1}"
    assert process.later().queue_timeout_s == 1
    process.shelf.text = "limits: {queue_timeout_s: 2}"
    process.later()
    assert process.reports("needs_restart") == [
        ("config reloaded", ["store", "log_level"]),
        ("config reloaded", []),
    ]


def test_secrets_are_read_with_a_new_document(process):
    """So that a new provider finds its key."""
    process.safe.content = {"GROQ_API_KEY": "gsk"}
    process.shelf.text = "providers: {groq: {base_url: 'https://api.groq.com/v1', input_includes_cached: true}}"
    assert process.later().provider_keys["groq"].reveal() == "gsk"
    assert process.safe.reads == 2


def test_secrets_are_read_again_after_an_age_of_their_own(process):
    """A rotated key counts, with the documents that are in use; reading the same ones changes nothing."""
    process.later(899)
    assert process.safe.reads == 1
    process.later(1)
    assert (process.safe.reads, process.reports()) == (2, [])
    process.safe.content = NEW_KEY
    assert key(process.later(900)) == "sk-new"
    assert process.reports("secrets_changed") == [("config reloaded", True)]
    assert "sk-new" not in process.log.getvalue()


@pytest.mark.parametrize("text", ["groups: {mine: [no-such-model]}", ConfigUnavailable("away")])
def test_a_rotated_key_counts_whatever_happens_to_the_document(process, text):
    """With the last good one."""
    process.shelf.text = text
    process.later()
    process.safe.content = NEW_KEY
    settings = process.later(900)
    assert (key(settings), group(settings)) == ("sk-new", ("gpt-5.1",))


def test_secrets_that_cannot_be_read_change_nothing(process):
    """A new document waits for them, and is tried again; asking for them is no hot loop."""
    process.safe.content = ConfigUnavailable("no secrets")
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    assert group(process.later()) == ("gpt-5.1",)
    process.safe.content = NEW_KEY
    settings = process.later()
    assert (group(settings), key(settings)) == (("gpt-5.1-mini",), "sk-new")
    process.safe.content = ConfigError("no secrets")
    process.later(900)
    reads = process.safe.reads
    process.later(1)
    assert process.safe.reads == reads


def test_a_bad_secret_does_not_condemn_a_document(process):
    """Once the secret is mended, the document counts."""
    process.safe.content = {"OPENAI_API_KEY": "has a space"}
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    assert group(process.later()) == ("gpt-5.1",)
    process.safe.content = NEW_KEY
    process.later(900)
    assert group(process.later()) == ("gpt-5.1-mini",)


def test_the_environment_is_read_anew_and_wins(process):
    """Keys by hand, as `make run` has them."""
    process.environ.update(NEW_KEY)
    process.shelf.text = "reload_s: 60"
    assert key(process.later()) == "sk-new"


def test_the_pace_is_part_of_the_document(process):
    """0 stops it: for good, as nobody reads the document any more."""
    process.shelf.text = "reload_s: 5"
    process.later()
    process.shelf.text = "reload_s: 0"
    assert process.later(5).reload_s == 0
    process.shelf.text = "reload_s: 5"
    assert process.later(10_000).reload_s == 0


def test_a_restored_snapshot_reads_everything_anew(process):
    """Its clock says nothing about its age."""
    process.safe.content, process.shelf.text = NEW_KEY, "groups: {mine: [gpt-5.1-mini]}"
    process.live.expire()
    settings = process.later(0)
    assert (key(settings), group(settings)) == ("sk-new", ("gpt-5.1-mini",))


def test_a_fault_of_ours_ends_neither_service_nor_reloading():
    """It is logged by its kind, and the next document is tried."""
    broken = True

    def wire(settings: GatewaySettings) -> GatewaySettings:
        if broken and settings.queue_timeout_s != 5:
            raise RuntimeError("hidden")
        return settings

    process = Process(wire)
    process.shelf.text = "limits: {queue_timeout_s: 1}"
    assert process.later().queue_timeout_s == 5
    broken = False
    assert process.later().queue_timeout_s == 1
    assert process.reports() == [("internal error",), ("config reloaded",)]
    assert "hidden" not in process.log.getvalue()


def test_without_a_thread_to_be_had_requests_go_on(process):
    """A later one tries again."""

    def none_left(_job: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    process.live._start = none_left
    process.shelf.text = "groups: {mine: [gpt-5.1-mini]}"
    process.clock.advance(RELOAD_S)
    assert group(process.live.now()) == ("gpt-5.1",)
    process.live._start = process.jobs.append
    assert group(process.later(0)) == ("gpt-5.1-mini",)


def test_nothing_to_read_means_nothing_to_do():
    """Without documents and secrets no reload ever starts."""
    clock, jobs = ManualClock(), list[Callable[[], None]]()
    loader = SettingsLoader({}, [], None)
    inputs = Inputs((), loader.secrets())
    settings = loader.settings(inputs)
    live = ReloadingServices(loader, inputs, settings, _itself, Telemetry(), clock, jobs.append)
    clock.advance(1e6)
    live.now()
    assert jobs == []


def test_it_runs_beside_the_caller():
    """In another thread."""
    ran, done = list[int](), threading.Event()

    def job() -> None:
        ran.append(threading.get_ident())
        done.set()

    in_a_thread(job)
    assert done.wait(patience(10))
    assert ran != [threading.get_ident()]
