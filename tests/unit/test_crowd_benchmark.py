"""What `benchmarks/crowd.py` finds wrong, and what it counts."""

import asyncio
import json
from collections import Counter
from decimal import Decimal

import pytest

from benchmarks.callers import Seen, Target, crowd
from benchmarks.crowd import HEAD, Row, line, options
from benchmarks.crowd_stack import Books
from tests.loop_time import loop_time

USD = Decimal("0.5")


def row(callers=8, good=100, *, took_s=1.0, cpu_s=0.5, books=None, **others):
    """One that is right, unless something else is said."""
    seen = Seen([0.1] * good, Counter(others), 0, USD, took_s)
    return Row(callers, seen, cpu_s, books or Books(good, 0, USD, Decimal(0)))


def test_nothing_is_wrong_with_what_is_right():
    """Refusals that are polite included, and a crowd that is served a little less."""
    first = row()
    polite = {"503 overloaded": 3, "429 rate_limited": 1}
    assert row(1000, 75, **polite).wrong(first, troubled=False) == []
    assert row(1000, 10, cpu_s=0.06).wrong(first, troubled=False) == []  # others took the processor away
    assert line(first, first).count("|") == HEAD.splitlines()[0].count("|")


@pytest.mark.parametrize(
    ("found", "text", "forgiven"),
    [
        (row(**{"503 store_unavailable": 2}), "2 x 503 store_unavailable", True),
        (row(**{"no answer (EOFError)": 1}), "1 x no answer (EOFError)", True),
        (row(**{"500 internal_error": 1}), "1 x 500 internal_error", False),
        (row(good=60), "less than 70% of what 8 callers are served", True),
        (row(books=Books(99, 0, USD, Decimal(0))), "1 answers without a record", False),
        (row(books=Books(101, 0, USD, Decimal(0))), "-1 answers without a record", True),
        (row(books=Books(100, 0, Decimal(1), Decimal(0))), "charged 0.5, booked 1", True),
        (row(books=Books(100, 0, USD, Decimal("0.1"))), "0.1 USD still held", True),
    ],
)
def test_what_is_wrong_is_named(found, text, forgiven):
    """In trouble only what must never be."""
    assert found.wrong(row(), troubled=False) == [text]
    assert found.wrong(row(), troubled=True) == ([] if forgiven else [text])


def test_rude_refusals_are_wrong():
    """Those that do not say when to come back."""
    found = row()
    found.seen.rude = 2
    assert found.wrong(row(), troubled=True) == ["2 refusals without Retry-After"]


@pytest.mark.parametrize("given", [["--callers", "8,x"], ["--callers", "0"], ["--seconds", "0"]])
def test_wrong_options_are_named(given, capsys):
    """Before anything is started."""
    with pytest.raises(SystemExit):
        options(given)
    assert given[0] in capsys.readouterr().err


async def test_callers_count_what_they_are_answered():
    """Good answers with their cost, refusals by code, and broken connections, of so many callers."""
    answers = [
        (200, {"cost": {"total_usd": "0.25"}}, ""),
        (200, {"cost": {"total_usd": "0.25"}}, ""),
        (503, {"error": {"code": "overloaded"}}, "retry-after: 2\r\n"),
        (503, {"error": {"code": "store_unavailable"}}, ""),
        (429, [], "retry-after: 1\r\nconnection: close\r\n"),
        None,
    ]
    over = asyncio.Event()

    async def serve(reader, writer):
        try:
            while not over.is_set():
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].split()[0])
                assert json.loads(await reader.readexactly(size))["model"] == "m"
                if not answers:
                    over.set()
                if over.is_set() or (answer := answers.pop(0)) is None:
                    break
                status, value, headers = answer
                body = json.dumps(value).encode()
                writer.write(f"HTTP/1.1 {status} X\r\n{headers}content-length: {len(body)}\r\n\r\n".encode() + body)
                if "close" in headers:
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = Target("127.0.0.1", server.sockets[0].getsockname()[1], "gk_a_b", "m")
    with loop_time() as time:
        asking = asyncio.create_task(crowd(target, 1, 60.0))
        while not asking.done():
            time.now_s += 60 if over.is_set() else 0.001
            await asyncio.sleep(0)
        seen = await asking
    server.close()
    assert (len(seen.good_s), seen.cost_usd, seen.rude) == (2, USD, 1)
    found = {code: count for code, count in seen.others.items() if not code.startswith("no answer")}
    assert found == {"503 overloaded": 1, "503 store_unavailable": 1, "429 not the gateway's": 1}
    assert seen.took_s >= 60
