"""The load script against the stack: it counts what the providers counted, and tells errors by their code."""

import re
import subprocess
import sys

import pytest

from benchmarks.load import COMPLETE, STREAM, Load, Seen, options, table
from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")


def load(stack, *arguments):
    """Run it; the exit code and what it printed."""
    command = [sys.executable, "-m", "benchmarks.load", "--url", stack.urls["Gateway"], "--key", KEY, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(60), check=False)
    assert not done.stderr
    return done.returncode, done.stdout


def test_every_request_is_counted(stack, gateway, providers):
    """Forty requests, half of them streamed, are forty calls of the provider."""
    code, printed = load(stack, "--concurrency", "4", "--seconds", "50", "--most", "40")
    assert (code, printed.split(" in ")[0], "0 errors" in printed) == (0, "40 answers", True), printed
    rows = re.findall(r"^(/v1/\S+(?: \w+)?) +(\d+)(?: +\d+\.\d){4}$", printed, re.MULTILINE)
    assert rows == [(COMPLETE, "20"), (f"{STREAM} first", "20"), (f"{STREAM} whole", "20")]
    assert providers.get("/__calls").json()["totals"]["ok"] == 40


def test_errors_are_told_by_their_code(stack, gateway, providers):
    """Those before a stream and those within it."""
    for name in ("anthropic", "openai", "gemini"):
        fault = {"provider": name, "kind": "content_filter", "after_chunks": 2}
        providers.post("/__faults", json=fault).raise_for_status()
    code, printed = load(stack, "--concurrency", "2", "--seconds", "50", "--most", "10")
    assert code == 1
    assert "5 x 200 content_filtered" in printed
    assert "5 x 400 content_filtered" in printed


def test_time_bounds_it(stack, gateway):
    """It ends when its time is up, and not before; else it would not end at all."""
    code, printed = load(stack, "--concurrency", "2", "--seconds", "1", "--words", "2")
    assert code == 0
    assert float(re.search(r"in (\d+\.\d) s", printed)[1]) >= 1


@pytest.mark.parametrize(
    "wrong", [["--concurrency", "0"], ["--seconds", "0"], ["--stream-share", "2"], ["--words", "0"], ["--key", ""]]
)
def test_a_wrong_option_is_named(wrong, capsys):
    """With the remedy, before anything is sent."""
    with pytest.raises(SystemExit) as ended:
        options(["--key", "gk_dev_x", *wrong])
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(("share", "streamed"), [(0, 0), (0.25, 25), (0.1, 10), (1, 100)])
def test_the_mix_is_even(share, streamed):
    """The share of streams is kept to the request."""
    paths = list(Load("", "", 1, 1, share, "fast", 1, 100).paths())
    assert paths.count(STREAM) == streamed
    assert paths.count(COMPLETE) == 100 - streamed


def test_percentiles():
    """Of answers that took 1 to 101 ms."""
    seen = Seen(took_s=2.0)
    seen.whole_s[COMPLETE] = [n / 1000 for n in range(1, 102)]
    first, _head, row = table(seen).splitlines()
    assert first == "101 answers in 2.0 s: 50.5 per second, 0 errors"
    assert row.split() == ["/v1/complete", "101", "51.0", "96.0", "100.0", "101.0"]
