"""scripts/test_api.py and scripts/smoke_test_litellm.py, of a gateway that works and of one that does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

SCRIPTS = Path(__file__).parents[2] / "scripts"
BOTH = pytest.mark.parametrize("script", ["test_api.py", "smoke_test_litellm.py"])


def run(script, *arguments, **environ):
    """To its end; it never prints the key."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), *arguments],
        env={"PATH": os.environ["PATH"], "GATEWAY_KEY": KEY, **environ},
        capture_output=True,
        text=True,
        timeout=patience(55),
        check=False,
    )
    assert KEY not in done.stdout + done.stderr
    return done


@pytest.fixture
def url(gateway):
    """Where the stack answers."""
    return {"GATEWAY_URL": str(gateway.base_url)}


@pytest.mark.parametrize("choice", [{}, {"GATEWAY_MODEL": "gemini-flash"}], ids=["default", "chosen"])
def test_the_batch_example_works(url, choice):
    """Its three questions are answered, whole and streamed; the second has the first one's answer in it."""
    done = run("test_api.py", **url, **choice)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    whole, _, progress = done.stdout.rpartition("\n}\n")
    first, second, third = json.loads(f"{whole}\n}}")["results"]
    assert first["result"] in second["result"]
    assert third["error_message"] is None
    assert [line.partition(":")[0] for line in progress.splitlines()] == ["1/3", "2/3", "3/3"]


def test_the_job_example_works(url, tmp_path):
    """The results come as they are ready, then how it ended; a question that fails is named here, too."""
    done = run("test_api.py", "--job", **url)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    *progress, last = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in progress] == ["1/3", "2/3", "3/3"]
    assert last.startswith("job_dev_")
    assert " succeeded: " in last
    mine = tmp_path / "questions.json"
    mine.write_text(json.dumps({"questions": [{"index": 7, "question": "Why?", "model": "no-such-model"}]}))
    failed = run("test_api.py", "--job", str(mine), **url)
    assert (failed.returncode, failed.stderr[:12]) == (1, "question 7: ")


def test_a_batch_of_ones_own(url, tmp_path):
    """From a file; a question that fails is named, and the exit code says so."""
    mine = tmp_path / "questions.json"
    mine.write_text(json.dumps({"questions": [{"index": 7, "question": "Why?", "model": "no-such-model"}]}))
    done = run("test_api.py", str(mine), **url)
    assert done.returncode == 1
    assert done.stderr.startswith("question 7: ")


def test_models_and_groups_answer(url):
    """Each with a line of its own."""
    done = run("smoke_test_litellm.py", "gpt-5.1", "gemini-flash", "code", **url)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert [line[:4] for line in done.stdout.splitlines()] == ["PASS"] * 3
    assert run("smoke_test_litellm.py", **url).stdout.startswith("PASS")


def test_a_model_that_does_not_answer_is_told(url):
    """And the others are asked all the same."""
    done = run("smoke_test_litellm.py", "no-such-model", "gpt-5.1", **url)
    assert done.returncode == 1
    assert [line[:4] for line in done.stdout.splitlines()] == ["FAIL", "PASS"]
    assert "HTTP 404, unknown_model: " in done.stdout


@BOTH
def test_a_wrong_key_fails(script, url):
    """With the gateway's words."""
    done = run(script, **url, GATEWAY_KEY="gk_dev_wrong")
    assert done.returncode == 1
    assert "unauthenticated" in done.stdout + done.stderr


@BOTH
def test_a_gateway_that_is_away_fails(script):
    """In a line, without a trace."""
    done = run(script, GATEWAY_URL="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "no gateway answers" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert run(script, GATEWAY_URL="ftp://one.example").returncode == 1
