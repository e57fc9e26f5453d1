"""How the tokenisers are loaded: once, from files that are there, and without LiteLLM."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Barrier

import pytest
import tiktoken

from gateway_core.adapters.tokens import PromptCounter
from gateway_core.adapters.tokens.encodings import _VOCABULARIES, TokeniserMissingError, _folder
from tests.contract.counted_tokens import GPT, tokens, user

pytestmark = pytest.mark.usefixtures("no_network")

PROMPT = "Tell me of the otters of Skye, and of their winters."


@pytest.mark.long
def test_counting_needs_no_litellm() -> None:
    """It is looked up and not loaded, which would take seconds; nor is the environment changed, or a file written."""
    program = """
import json, os, sys
from gateway_core.adapters.tokens import PromptCounter
from gateway_core.domain.chat import Deployment

early, before = "tiktoken" in sys.modules, dict(os.environ)
counted = PromptCounter().count(Deployment("openai", "gpt-4-turbo", ""), [{"role": "user", "content": "Hello"}], {})
print(json.dumps([early, "litellm" in sys.modules, dict(os.environ) == before, counted.input_tokens]))
"""
    environment = {name: value for name, value in os.environ.items() if name != "TIKTOKEN_CACHE_DIR"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment)
    assert json.loads(done.stdout) == [False, False, True, 8]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Nobody goes to fetch it."""
    with pytest.raises(TokeniserMissingError, match="fb374d419588a4632f3f557e76b4b70aebbca790"):
        PromptCounter(tmp_path).count(GPT, [user("Hello")], {})


def test_a_missing_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(TokeniserMissingError, match="litellm"):
        PromptCounter().count(GPT, [user("Hello")], {})


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can."""
    usual_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual_s)


@pytest.mark.usefixtures("restless")
def test_threads_count_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tokeniser is loaded once, by whoever comes first, and all agree."""
    name = _VOCABULARIES["o200k_base"].file
    with (_folder() / name).open("rb") as tokeniser:
        (tmp_path / name).write_bytes(b"".join(islice(tokeniser, 5000)))
    loaded = []
    real = tiktoken.Encoding
    monkeypatch.setattr(tiktoken, "Encoding", lambda *args, **kwargs: loaded.append(args) or real(*args, **kwargs))
    counter, all_here = PromptCounter(tmp_path), Barrier(16)

    def count(_: int) -> int:
        all_here.wait()
        return tokens(counter, user(f"{PROMPT} " * 50))

    with ThreadPoolExecutor(16) as threads:
        counts = set(threads.map(count, range(16)))
    assert (len(counts), len(loaded)) == (1, 1)
