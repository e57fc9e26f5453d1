"""`python -m local.providers`: serves until it is told to stop."""

from __future__ import annotations

import signal
import subprocess
import sys

import httpx
import pytest

from local.loopback import ServingError
from local.providers import base_urls
from local.providers.__main__ import main
from local.serving import bind
from tests.patience import patience


def test_base_urls_end_as_each_provider_wants_them():
    """Versions stand in the bases of all but Anthropic's."""
    assert base_urls("http://127.0.0.1:8789/") == {
        "ANTHROPIC_API_BASE": "http://127.0.0.1:8789/anthropic",
        "OPENAI_API_BASE": "http://127.0.0.1:8789/openai/v1",
        "GEMINI_API_BASE": "http://127.0.0.1:8789/gemini/v1beta",
        "DEEPSEEK_API_BASE": "http://127.0.0.1:8789/deepseek/v1",
    }


def test_the_command_serves_and_stops():
    """It prints the environment to use, answers, and ends on SIGTERM."""
    command = [sys.executable, "-m", "local.providers", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        bases = dict(line.removeprefix("export ").strip().split("=") for line in lines)
        answer = httpx.get(
            bases["OPENAI_API_BASE"] + "/models", headers={"authorization": "Bearer k"}, timeout=patience(20)
        )
        assert answer.json()["object"] == "list"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=patience(10)) in (0, -signal.SIGTERM)


def test_a_port_that_is_taken_is_an_error(monkeypatch):
    """The command does not start next to another one."""
    with bind() as taken:
        taken.listen()
        monkeypatch.setattr(sys, "argv", ["providers", "--port", str(taken.getsockname()[1])])
        with pytest.raises(ServingError, match="cannot listen"):
            main()
