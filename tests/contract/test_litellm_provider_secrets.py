"""No secret and no prompt leaves the adapter: not in an exception, not in any logger's records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway_core.adapters.upstream.provider import UpstreamProvider
from gateway_core.domain.chat import ProviderCall, Spoken
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import ProviderError
from tests.contract.leaks import LEAK_TEXT, LEAKS, Everything, all_loggers, everything
from tests.contract.litellm_paths import EACH, EACH_NAME, PROMPT, Path, provider_at
from tests.contract.raw_provider import Act, RawProvider, respond

COMPLETION = "Under the quay at Kyleakin."
every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)


@pytest.fixture
def logged() -> Iterator[Everything]:
    """Whatever any logger says, LiteLLM's included."""
    provider_at("http://127.0.0.1:1")
    with all_loggers() as handler:
        yield handler


async def failure(path: Path, status: int, text: str) -> ProviderError:
    """The error that a provider causes by answering with this status and text."""
    body = {"error": {"message": text, "type": "server_error", "code": status}}
    async with RawProvider(respond(status, body)).serve() as raw:
        provider = provider_at(raw.url)
        with pytest.raises(ProviderError) as caught:
            await provider.complete(path.call(raw.url))
        await provider.close()
    return caught.value


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


def odd_answers(path: Path) -> dict[str, Act]:
    """Answers that nobody expects, with the key, the prompt and a completion in them."""
    told = f"{PROMPT} {path.key} {LEAK_TEXT} {COMPLETION}"
    of_words = json.loads(json.dumps(path.good).replace('"Hello."', json.dumps({"words": told})))
    event = f"data: {json.dumps(of_words)}\n\n".encode()
    error = {"error": {"message": told, "type": told, "code": told, "param": told}}
    return {
        "no JSON": respond(200, told.encode()),
        "half of it": respond(200, json.dumps({"told": told}).encode()[:-2]),
        "a page": respond(502, f"<html>{told}</html>".encode(), kind="text/html"),
        "another form": respond(200, of_words),
        "a text": respond(200, {"error": told}),
        "headers": respond(500, error, f"x-request-id: {path.key}", f"retry-after: {path.key}"),
        "a content type": respond(500, error, kind=f"text/{path.key}"),
        "an error event": respond(200, f"data: {json.dumps(error)}\n\n".encode(), kind="text/event-stream"),
        "no event": respond(200, f"data: {told}\n\n".encode(), kind="text/event-stream"),
        "an odd event": respond(200, event, kind="text/event-stream"),
    }


async def ask(provider: UpstreamProvider, call: ProviderCall, *, streams: bool) -> None:
    """To the end of the answer."""
    if streams:
        _ = [chunk async for chunk in provider.stream(call)]
    else:
        await provider.complete(call)


@pytest.mark.parametrize("is_forwarded", [False, True], ids=["translated", "forwarded"])
@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("odd", odd_answers(EACH[0]))
@every_path
async def test_odd_answers_give_nothing_away(
    path: Path, odd: str, streams: bool, is_forwarded: bool, logged: Everything
) -> None:
    """Sent once, and told in our own words, whatever an engine made of it."""
    async with RawProvider(odd_answers(path)[odd]).serve() as raw:
        provider = provider_at(raw.url)
        call = path.call(raw.url)
        if is_forwarded:
            call = replace(call, spoken=Spoken("openai_chat", {"model": "m", "messages": list(call.messages)}))
        with pytest.raises(ProviderError) as caught:
            await ask(provider, call, streams=streams)
        await provider.close()
    text = everything(caught.value, logged)
    assert [word for word in ("otters", "Be brief.", "quay", path.key, *LEAKS.values()) if word in text] == []
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert len(raw.seen) == 1


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


@every_path
async def test_new_credentials_leave_calls_of_the_old_ones_alone(path: Path) -> None:
    """Each of the two sends its own key, over the connections that both share and either closes."""
    async with RawProvider(respond(200, path.good)).serve() as raw:
        old = provider_at(raw.url)
        new = old.with_credentials({path.provider: Credential(Secret("sk-rotated-key"), raw.url + path.base)})
        for provider in (old, new, old):
            await provider.complete(path.call(raw.url))
        await new.close()
    keys = [[key for key in (path.key, "sk-rotated-key") if key in str((s.line, s.headers))] for s in raw.seen]
    assert keys == [[path.key], ["sk-rotated-key"], [path.key]]
    assert raw.connections == 1
