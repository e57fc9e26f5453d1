"""No secret and no prompt leaves the adapter: not in an exception, not in any logger's records."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from gateway_core.errors import ProviderError
from tests.contract.litellm_paths import NAMES, PATHS, PROMPT, Path, provider_at
from tests.contract.raw_provider import RawProvider, respond

LEAKS = {
    "an OpenAI key": "sk-proj-AbCdEf0123456789AbCdEf",
    "a Google key": "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "a bearer token": "tokentokentoken",
    "a password in a URL": "hunter2hunter2",
    "a virtual key": "gk_alpha_0123456789abcdef0123456789abcdef",
}
LEAK_TEXT = (
    f"Incorrect API key provided: {LEAKS['an OpenAI key']} or ?key={LEAKS['a Google key']}; "
    f"Authorization: Bearer {LEAKS['a bearer token']}; see https://admin:{LEAKS['a password in a URL']}@internal/x "
    f"for {LEAKS['a virtual key']}"
)
every_path = pytest.mark.parametrize("path", PATHS, ids=NAMES)


class Everything(logging.Handler):
    """Keeps whatever any logger says."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record) + str(record.__dict__))


@pytest.fixture
def logged() -> Iterator[Everything]:
    """All loggers at DEBUG, each with a handler of its own, whether or not it propagates."""
    provider_at("http://127.0.0.1:1")
    handler = Everything()
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
    yield handler
    for logger, level in before:
        logger.setLevel(level)
        logger.removeHandler(handler)


async def failure(path: Path, status: int, text: str) -> ProviderError:
    """The error that a provider causes by answering with this status and text."""
    body = {"error": {"message": text, "type": "server_error", "code": status}}
    async with RawProvider(respond(status, body)).serve() as raw:
        provider = provider_at(raw.url)
        with pytest.raises(ProviderError) as caught:
            await provider.complete(path.call(raw.url))
        await provider.close()
    return caught.value


def everything(error: ProviderError, logged: Everything) -> str:
    """All text that an error and the loggers carry, tracebacks and chained exceptions included."""
    parts: list[Any] = [error, repr(error), error.message, error.detail, error.args, vars(error), *logged.lines]
    return "\n".join([*map(str, parts), *traceback.format_exception(error)])


@every_path
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_a_providers_secrets_stay_with_it(path: Path, status: int, logged: Everything) -> None:
    """Keys, tokens and credentials in a provider's error go nowhere; neither does our own key."""
    text = everything(await failure(path, status, LEAK_TEXT), logged)
    assert [name for name, secret in LEAKS.items() if secret in text] == []
    assert path.key not in text


@every_path
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_prompts_stay_out_of_errors_and_logs(path: Path, status: int, logged: Everything) -> None:
    """Not even when the provider repeats them."""
    text = everything(await failure(path, status, f"Invalid value: '{PROMPT}' and {path.key}"), logged)
    assert "otters" not in text
    assert "Be brief." not in text
    assert path.key not in text


@every_path
async def test_a_good_call_logs_nothing_of_its_content(path: Path, logged: Everything) -> None:
    """Prompt, answer and key appear in no record."""
    async with RawProvider(respond(200, path.good)).serve() as raw:
        provider = provider_at(raw.url)
        await provider.complete(path.call(raw.url))
        await provider.close()
    text = "\n".join(logged.lines)
    assert [word for word in ("otters", "Be brief.", "Hello.", path.key) if word in text] == []


@every_path
async def test_an_error_has_no_exception_behind_it(path: Path) -> None:
    """LiteLLM's exception holds the prompt; it is neither cause nor context of ours."""
    error = await failure(path, 500, "boom")
    assert (error.__cause__, error.__context__) == (None, None)


@every_path
async def test_nothing_is_printed(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """LiteLLM would offer its help on the terminal."""
    await failure(path, 500, LEAK_TEXT)
    assert capfd.readouterr() == ("", "")


def test_a_provider_does_not_show_its_keys() -> None:
    """Neither do its parts."""
    provider = provider_at("http://127.0.0.1:1")
    assert "sk-key-of" not in f"{provider!r} {vars(provider)}"
